"""Every setting of every class of settings, given what no setting or not this one can be: taken, or refused by name."""

import importlib
import math
import pkgutil
import re
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import hydra
import numpy as np
import pytest
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

import bench
import repair
from bench import config, shipped
from bench.attacks import FGSM, PGD, NoAttack, Square
from bench.replay.run import SETS
from bench.scenarios import File, Published, Scenario
from repair.architecture.rules import KERAS3, STRICT
from repair.errors import InputError
from repair.weights.methods.nnrepair.method import NNRepair
from repair.weights.programs.program import SolverOptions
from repair.weights.programs.solvers import SOLVERS
from repair.weights.settings import Settings, SolverName

NAN, INF = math.nan, math.inf
ODD = (
    *(NAN, INF, -INF, -1, 1.5, "x", "", None, [], [-1], [NAN], ["x"], [[1.0]]),
    *({}, {"x": 1}, True, 10**30, 10**400, object()),
)
# What a class needs beside its defaults.
NEEDED = {
    FGSM: {"epsilon": 0.1},
    PGD: {"epsilon": 0.1},
    Square: {"row": 0, "column": 0},
    Published: {"name": "mnist_poisoned"},
    File: {"path": None},
    Scenario: {
        "name": "d",
        "dataset": "digits",
        "network": File(None),
        "attack": NoAttack(),
        "repair_images": 10,
        "validation_images": 10,
        "seed": 0,
    },
}
BELOW_ZERO = {"Brightness.delta"}
NO_NUMBER_NEEDED = {"Distillation.data_fractions", "MLP.hidden", "ArchitectureConfig.build"}


def classes():
    """All classes of settings that a config can name."""
    for package in (repair, bench):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    todo, found = [Settings], []
    while todo:
        derived = todo.pop().__subclasses__()
        todo += derived
        ours = [kind for kind in derived if kind.__module__.split(".")[0] in ("repair", "bench")]
        found += [kind for kind in ours if is_dataclass(kind) and _complete(kind)]
    return found


def _complete(kind):
    """Whether NEEDED says all that has no default."""
    given = NEEDED.get(kind, {})
    left = [f.name for f in fields(kind) if f.default is f.default_factory is MISSING]
    return not getattr(kind, "__abstractmethods__", None) and given.keys() >= set(left)


CLASSES = classes()
SETTINGS = [(kind, setting.name) for kind in CLASSES for setting in fields(kind)]
TOP = [
    (node, setting.name, f"{path}{setting.name}")
    for path, node in (
        ("", config.Config),
        ("solver.", config.SolverConfig),
        ("architecture.", config.ArchitectureConfig),
        ("replay.", config.ReplayConfig),
    )
    for setting in fields(node)
    if setting.name not in ("scenario", "method", "localize", "wandb")
    and not is_dataclass(setting.type)
]


def may_be(kind, name, value):
    """Whether a value is of the declared type, and in a range that such a setting can have: an oracle apart."""
    declared = str(get_type_hints(kind, include_extras=True)[name])
    # As(...) stands beside the type that OmegaConf knows.
    declared += "".join(
        str(extra.hint)
        for extra in getattr(get_type_hints(kind, include_extras=True)[name], "__metadata__", ())
        if isinstance(extra, config.As)
    )
    if value is None:
        return "None" in declared or "Optional" in declared
    if isinstance(value, bool):
        return "bool" in declared
    if isinstance(value, str):
        return value == "x" and "str" in declared
    if isinstance(value, list):
        if value == []:
            return f"{kind.__name__}.{name}" in NO_NUMBER_NEEDED
        return value == ["x"] and "Sequence" in declared and "str" in declared
    if isinstance(value, int | float):
        if value == -1:
            return f"{kind.__name__}.{name}" in BELOW_ZERO
        if value == 10**30 or value == 1.5:
            return "float" in declared and math.isfinite(value)
    return False


def test_the_classes_are_found():
    names = {kind.__name__ for kind in CLASSES}
    assert names >= {"NNRepair", "Minimal", "Distillation", "Hinge", "Generation", "Exact"}
    assert names >= {"Finetune", "Refit", "SolverOptions", "IntegratedGradients", "Square"}
    assert names >= {"Trained", "MLP", "VGG", "ResNet18", "Scenario", "WandbSettings", "DeepFool"}
    assert len(SETTINGS) > 100


def test_every_class_that_a_config_names_is_checked():
    text = "\n".join(path.read_text() for path in Path(shipped("configs")).rglob("*.yaml"))
    named = set(re.findall(r"_target_: ((?:repair|bench)\.\S+)", text))
    assert len(named) > 20
    for target in named:
        module, _, name = target.rpartition(".")
        kind = getattr(importlib.import_module(module), name)
        assert issubclass(kind, Settings) or not fields(kind), target


@pytest.mark.parametrize(("kind", "name"), SETTINGS, ids=lambda x: getattr(x, "__name__", x))
def test_a_setting_takes_what_it_may_be_or_names_itself(kind, name):
    for value in ODD:
        try:
            made = kind(**NEEDED.get(kind, {}) | {name: value})
        except InputError as refused:
            said = str(refused)
            assert name in said, said  # of most values, some are taken
        else:
            assert may_be(kind, name, value), f"{kind.__name__} took {name}={value!r}"
            assert getattr(made, name) is value


@pytest.fixture(scope="module")
def composed():
    config.register()
    with hydra.initialize_config_dir(str(shipped("configs").absolute()), version_base="1.3"):
        return hydra.compose("config", ["+experiment=quickstart"])


@pytest.mark.parametrize(("kind", "name", "path"), TOP, ids=lambda x: getattr(x, "__name__", x))
def test_a_setting_of_a_run_takes_what_it_may_be_or_names_itself(composed, kind, name, path):
    declared = get_type_hints(kind)[name]
    for value in ODD[:-1]:
        changed = composed.copy()
        try:
            OmegaConf.update(changed, path, value, merge=False)
            config.refuse_unfit(changed)
        except OverflowError as refused:
            assert path in str(config.explain_plain(refused, ()))  # noqa: PT017
        except (InputError, OmegaConfBaseException) as refused:
            said = str(refused if isinstance(refused, InputError) else config.explain(refused))
            assert path.removesuffix(".name") in said, said
        else:
            as_text = declared in (str, str | None) and value not in ("", [], {})
            assert as_text or may_be(kind, name, value), f"took {path}={value!r}"


def test_the_configs_that_come_with_the_code_fit():
    names = config.experiments()
    with hydra.initialize_config_dir(str(shipped("configs").absolute()), version_base="1.3"):
        for name in names:
            config.refuse_unfit(hydra.compose("config", [f"+experiment={name}"]))
    assert len(names) > 15


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"foo": 3}, "unknown setting 'foo'"),
        ({"experiment": "../x"}, r"experiment is '\.\./x'; expected a name of letters"),
        ({"experiment": ".."}, r"experiment is '\.\.'; expected a name of letters"),
        ({"experiment": "a" * 101}, "expected a text of at most 100 characters"),
        ({"wandb.foo": 3}, "unknown setting of wandb 'foo'"),
        ({"wandb": None}, "wandb is None; expected its settings"),
        ({"wandb.timeout": 0}, "wandb.timeout is 0; expected a number above 0"),
        ({"method.bound": NAN}, "method.bound is nan; expected a finite number"),
        ({"method.loss": {"rates": [1.0, INF]}}, r"method.loss.rates\[1\] is inf"),
    ],
)
def test_what_a_run_does_not_know_is_refused(composed, values, message):
    changed = composed.copy()
    OmegaConf.set_struct(changed, False)
    for path, value in values.items():
        OmegaConf.update(changed, path, value)
    with pytest.raises(InputError, match=message):
        config.refuse_unfit(changed)


def test_names_that_are_listed_apart_are_the_same():
    """Config files are read before the modules that these names stand for are imported."""
    assert get_args(config.Sets) == tuple(SETS)
    assert set(get_args(SolverName)) == {"auto", *SOLVERS}
    assert set(get_args(config.RuleSet)) == {KERAS3.name, STRICT.name}


def test_numbers_of_numpy_are_numbers():
    assert NNRepair(k=np.int64(3), bound=np.float32(0.5)).k == 3
    with pytest.raises(InputError, match=r"k is np\.True_"):
        NNRepair(k=np.True_)


def test_the_message_is_short_and_names_the_known():
    with pytest.raises(InputError, match=r"^SolverOptions: seed is \[1, 1, .{60,90}; expected a"):
        SolverOptions(seed=[1] * 1000)
    with pytest.raises(InputError, match=r"unknown secondary of nnrepair 'l2'\. .*Known: l1, none"):
        NNRepair(secondary="l2")
