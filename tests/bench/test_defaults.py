"""One source of every setting: a config has all fields of the classes that it names, with the classes' own defaults."""

import importlib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path

import hydra
import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf, open_dict

from bench import shipped
from bench.config import Config, SolverConfig, register
from bench.defaults import completed, defaults, plain, target
from bench.tracking import WandbSettings
from repair.weights.methods.minimal import Minimal
from repair.weights.programs.program import SolverOptions
from tests.test_settings import CLASSES

CONFIGS = Path(shipped("configs"))
CHOICES = [
    (group, path.stem)
    for group in (
        "method",
        "method/loss",
        "localize",
        "scenario",
        "scenario/network",
        "scenario/attack",
        "solver",
    )
    for path in sorted(CONFIGS.joinpath(group).glob("*.yaml"))
    if (group, path.stem) not in (("method", "custom"), ("scenario/attack", "custom"))
]
# Bases of classes that configs name; and what a run gives to its scenario.
BASES = {
    "_Ascent",
    "Training",
    "Config",
    "SolverConfig",
    "ReplayConfig",
    "ArchitectureConfig",
    "WandbSettings",
}
OF_A_RUN = {setting.name for setting in fields(Config)}


@dataclass(frozen=True)
class Inner:
    """A class of settings as they may be."""

    size: float = 2
    names: tuple[str, ...] = ("a", "b")


@dataclass(frozen=True)
class Outer:
    needed: int
    inner: Inner = field(default_factory=Inner)
    place: dict[str, tuple[int, ...]] = field(default_factory=lambda: {"x": (1, 2)})


@pytest.fixture(scope="module")
def compose():
    """The config that a command line is composed to, in plain types, interpolations resolved."""
    register()
    with hydra.initialize_config_dir(str(CONFIGS.absolute()), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()

    def composed(*overrides):
        given = ["+experiment=quickstart", *overrides]
        config = loader.load_configuration("config", given, RunMode.RUN)
        HydraConfig.instance().set_config(config)
        with open_dict(config):
            config.pop("hydra")
        return OmegaConf.to_container(config, resolve=True)

    return composed


def command(group, name):
    """Overrides that choose a file of a group, where it is in the defaults list."""
    above = {"method/loss": ["method=minimal"], "scenario/network": ["scenario=trained"]}
    above["scenario/attack"] = above["scenario/network"]
    return *above.get(group, ()), f"{group}={name}"


def nodes(config, path=""):
    """Each node that names a class of this project, with its place."""
    if isinstance(config, dict):
        if str(config.get("_target_", "")).startswith(("repair.", "bench.")):
            yield path, config
        for key, value in config.items():
            yield from nodes(value, f"{path}.{key}" if path else key)


def named(node):
    module, _, name = node["_target_"].rpartition(".")
    return getattr(importlib.import_module(module), name)


def test_every_field_of_every_class_is_in_the_composed_config(compose):
    reached = set()
    for group, name in CHOICES:
        for path, node in nodes(compose(*command(group, name))):
            kind = named(node)
            reached.add(kind)
            expected = {setting.name for setting in fields(kind)} - (
                OF_A_RUN if path == "scenario" else set()
            )
            assert node.keys() - {"_target_"} >= expected, f"{group}={name}: {path}"
    assert {kind.__name__ for kind in set(CLASSES) - reached} <= BASES


@pytest.mark.parametrize(("group", "name"), CHOICES)
def test_what_a_file_does_not_say_is_the_class_s_own_default(compose, group, name):
    config = compose(*command(group, name))
    node = config
    for key in group.split("/"):
        node = node[key]
    text = yaml.safe_load(CONFIGS.joinpath(group, f"{name}.yaml").read_text()) or {}
    chosen = {key for entry in text.get("defaults", ()) if isinstance(entry, dict) for key in entry}
    wired = {"solver", "options"} if "wiring/solver@_here_" in text.get("defaults", ()) else set()
    kind = SolverConfig if group == "solver" else named(node)
    for setting, value in defaults(kind).items():
        given = group == "scenario" and setting in OF_A_RUN
        of_quickstart = group == "solver" and setting == "time_limit"
        if setting not in text.keys() | chosen | wired and not given and not of_quickstart:
            assert repr(node[setting]) == repr(value), setting


def test_no_file_repeats_a_default():
    for path in sorted(CONFIGS.rglob("*.yaml")):
        for place, node in nodes(yaml.safe_load(path.read_text()) or {}):
            own = defaults(named(node))
            again = {
                key for key, value in node.items() if key in own and repr(own[key]) == repr(value)
            }
            assert not again, f"{path.relative_to(CONFIGS)} {place}"
    for name, kind in {
        "config": Config,
        "solver/*": SolverConfig,
        "tracking/*": WandbSettings,
    }.items():
        for path in CONFIGS.glob(f"{name}.yaml"):
            said = yaml.safe_load(path.read_text()) or {}
            again = {
                key for key, value in defaults(kind).items() if key in said and said[key] == value
            }
            assert not again - ({"mode"} if path.stem == "none" else set()), path.relative_to(
                CONFIGS
            )


def test_the_settings_of_a_run_are_those_of_its_schema(compose):
    config = compose()
    own = OmegaConf.to_container(OmegaConf.structured(Config))
    for name, value in own.items():
        if name not in ("solver", "repair_images", "validation_images"):  # of quickstart
            assert value in (config[name], "???"), name
    assert config["wandb"] == defaults(WandbSettings)
    assert {setting.name for setting in fields(SolverConfig)} == {
        "name",
        *(setting.name for setting in fields(SolverOptions)),
    }
    assert config["solver"] == {**defaults(SolverConfig), "time_limit": 5.0}  # of quickstart


def test_a_default_is_as_the_class_has_it():
    assert defaults(Outer) == {
        "inner": {"_target_": target(Inner), "size": 2, "names": ["a", "b"]},
        "place": {"x": [1, 2]},
    }
    assert type(defaults(Inner)["size"]) is int  # 2 and 2.0 are two configs
    assert Outer.__dataclass_fields__["needed"].default is MISSING


def test_a_class_is_called_by_the_package_that_offers_it():
    assert target(Minimal) == "repair.weights.methods.minimal.Minimal"
    assert target(SolverOptions) == "repair.weights.programs.program.SolverOptions"
    assert plain(Minimal())["generation"]["_target_"] == "repair.weights.methods.minimal.Generation"


def test_what_is_given_stands_and_another_class_takes_the_whole_place():
    name = "repair.weights.methods.minimal.Minimal"
    node = completed({"_target_": name, "generation": {"rows": 3}, "norm": "linf"}, {"patience"})
    assert node["generation"] == {**defaults(Minimal)["generation"], "rows": 3}
    assert (node["norm"], node["bound"]) == ("linf", None)
    assert "patience" not in node
    theirs = {"_target_": "mine.Generation", "depth": 2}
    assert completed({"_target_": name, "generation": theirs})["generation"] == theirs
    assert completed([{"a": {"_target_": "mine.X"}}]) == [{"a": {"_target_": "mine.X"}}]


def test_configs_of_other_programs_are_read_as_they_are(tmp_path):
    text = "_target_: repair.weights.methods.refit.Refit\n"
    (tmp_path / "config.yaml").write_text(text)
    with hydra.initialize_config_dir(str(tmp_path), version_base="1.3"):
        assert OmegaConf.to_yaml(hydra.compose("config")) == text
