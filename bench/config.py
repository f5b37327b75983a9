"""The typed schema of configs/, what its settings may be, and what is said when a config does not fit it."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import hydra.errors
import omegaconf.errors
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from bench import launchers, shipped
from bench.defaults import defaults
from repair.errors import InputError, unknown
from repair.weights.programs.program import SolverOptions
from repair.weights.settings import (
    As,
    Count,
    CountOrZero,
    Name,
    NotNegative,
    Scale,
    Seed,
    Several,
    SolverName,
    Text,
    check,
)

Sets = Literal["test", "all"]
Framework = Literal["keras", "nnx"]
RuleSet = Literal["strict", "keras3"]
Switch = Annotated[Any, As(bool)]  # OmegaConf would take -1 for true


@dataclass(frozen=True)
class SolverConfig(SolverOptions):
    """The node `solver`: the name of a solver, and what every solver honours."""

    name: Annotated[str, As(SolverName)] = "auto"


@dataclass
class ReplayConfig:
    """The node `replay`, of the task of that name: which `sets` to rebuild, test or all."""

    sets: Annotated[str, As(Sets)] = "test"


@dataclass
class ArchitectureConfig:
    """The node `architecture`, of the task of that name; see `bench.architecture`.

    `cases` is random, manual, nets, or a file; `rules` strict or keras3; `time_limit` is in seconds
    for each case; `build` lists the frameworks (keras, nnx) that shall build what comes out;
    `train_steps` is the length of a short training of repaired classifiers of images, 0 for none.
    """

    cases: Text = "random"
    rules: Annotated[str, As(RuleSet)] = "keras3"
    time_limit: NotNegative = 10.0
    alternatives: Count = 1
    build: Annotated[list[str], As(list[Framework])] = field(default_factory=list)
    train_steps: CountOrZero = 0


def _wandb() -> dict[str, Any]:
    from bench.tracking import WandbSettings

    return defaults(WandbSettings)


@dataclass
class Config:
    """All settings of a run.

    The nodes without a type (scenario, method, localize) name a class by `_target_` and hold its
    arguments, `wandb` those of `bench.tracking.WandbSettings`; the class checks them.

    Attributes:
        experiment: its name; with `+experiment=NAME` a file of settings too.
        task: what a run does; a name in `bench.runs.tasks`.
        scenario: the node of a `bench.scenarios.Scenario`: network, data set and attack.
        method: the node of a repair method.
        localize: the node of a localization of weights, for methods that use one.
        solver: of linear and mixed-integer programs.
        replay, architecture: of the tasks of these names.
        wandb: of the tracker.
        seed: of all that is random.
        repair_images: training images in the repair set (and as many with the defect); None: half of them.
        mirrored_images: whether the mirror image of each repair image is there too, attacked as it is.
        augmented_copies: so many augmented copies of each repair image, attacked as it is.
        validation_images: training images in the validation set, different ones; None: all the others.
        most_failing: keep so many inputs with the defect of each class, all wrong; None: all.
        most_passing: keep so many clean inputs of each class, all right; None: all.
        layers: last, intermediate, all, auto (a localization chooses), the name of a layer, or a list.
        network: a network file of the user's own (.h5, .onnx, .npz) in the place of the scenario's.
        scale: what its first layer takes: 0..1 or 0..255.
        data: an archive of the user's own images (.npz) in the place of the scenario's data set.
        results_dir: the folder of the store.
        overwrite: do finished runs again.
        retry: of finished runs, do those again that ended in an error or at a time limit.
    """

    experiment: Name = MISSING
    task: Text = "repair"
    scenario: Any = MISSING
    method: Any = MISSING
    localize: Any = MISSING
    solver: SolverConfig = field(default_factory=SolverConfig)
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    wandb: Any = field(default_factory=_wandb)
    seed: Seed = 0
    repair_images: Count | None = 1000
    mirrored_images: Switch = False
    augmented_copies: CountOrZero = 0
    validation_images: Count | None = 1000
    most_failing: Count | None = None
    most_passing: CountOrZero | None = None
    layers: Annotated[Any, As(Text | Several[Text])] = "last"
    network: Text | None = None
    scale: Annotated[str | None, As(Scale | None)] = None
    data: Text | None = None
    results_dir: Text = "results/runs"
    overwrite: Switch = False
    retry: Switch = False


def register() -> None:
    """Make the schema, the sweeper and the launchers known to Hydra under the names that configs/ uses."""
    schema = OmegaConf.structured(Config)
    OmegaConf.set_readonly(schema.solver, False)  # as it would be after its frozen class
    ConfigStore.instance().store(name="schema", node=schema)
    launchers.register()
    sweeper = {"_target_": "hydra_plugins.repairbench.SweepOfRuns"}
    ConfigStore.instance().store(group="hydra/sweeper", name="repairbench", node=sweeper)


def refuse_unfit(config: DictConfig) -> None:
    """Check all settings of a run that do not belong to an object of their own; the config is resolved in place.

    Raises:
        InputError: an unknown setting, or a value that its annotation above does not admit.
    """
    from bench.tracking import WandbSettings  # here: a misspelt setting need not wait for it

    OmegaConf.resolve(config)
    plain: Any = OmegaConf.to_container(config)
    _refuse_unfit(Config, plain, "")
    wandb = plain.get("wandb", MISSING)
    if isinstance(wandb, dict):
        _refuse_unfit(WandbSettings, wandb, "wandb.")
    elif wandb != MISSING:
        raise InputError(f"wandb is {wandb!r}; expected its settings. Take tracking=none for none.")
    for name, value in _numbers(plain):
        if not math.isfinite(value):
            raise InputError(f"{name} is {value}; expected a finite number.")


def _refuse_unfit(kind: type, values: Mapping[str, Any], prefix: str) -> None:
    known = {field.name: field.type for field in fields(kind)}
    for key in values:
        if key not in known:
            raise unknown("setting" + f" of {prefix[:-1]}" * bool(prefix), str(key), known)
    nodes = {name: type_ for name, type_ in known.items() if is_dataclass(type_)}
    given = {key: value for key, value in values.items() if value != MISSING and key not in nodes}
    check(kind, given, prefix)
    for name in nodes.keys() & values.keys():
        _refuse_unfit(nodes[name], values[name], f"{prefix}{name}.")  # type: ignore[arg-type]


def _numbers(node: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Each float of a config, with its name; a class of the user's own may mean something by infinity or NaN."""
    if isinstance(node, float):
        yield name, node
    elif isinstance(node, dict):
        if not str(node.get("_target_", "bench.")).startswith(("bench.", "repair.")):
            return
        for key, value in node.items():
            yield from _numbers(value, f"{name}.{key}" if name else str(key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _numbers(value, f"{name}[{index}]")


def experiments() -> list[str]:
    """Names of the experiments that come with the code."""
    return sorted(path.stem for path in Path(shipped("configs"), "experiment").glob("*.yaml"))


def explain(error: Exception) -> InputError:
    """One message for a person, of an error that Hydra or OmegaConf raised."""
    if isinstance(error, hydra.errors.MissingConfigException):
        group, _, name = str(error.missing_cfg_file or "").rpartition("/")
        if error.options is None:
            return InputError(" ".join(str(error).split()))
        return unknown(group or "config", name, map(str, error.options))
    cause = error.__cause__ or error
    if isinstance(cause, omegaconf.errors.ConfigKeyError | omegaconf.errors.ConfigAttributeError):
        return _unknown_key(cause)
    if isinstance(cause, omegaconf.errors.OmegaConfBaseException):
        where = f"setting {cause.full_key!r}: " if cause.full_key else ""
        return InputError(where + " ".join(str(cause.msg or cause).split("full_key")[0].split()))
    return InputError(" ".join(str(error).split()))


def explain_plain(error: Exception, arguments: Sequence[str]) -> InputError | None:
    """The same of what they let through of Python's errors; None for an error that is not theirs.

    Args:
        error: a ValueError for a group chosen by what is no name (`method=null`), or an OverflowError for a number
            that is no float.
        arguments: the command line's.
    """
    said = str(error).splitlines() or [""]
    key = re.search(r"full_key: (\S+)", str(error))
    if isinstance(error, OverflowError) and key:
        return InputError(f"setting {key[1]!r}: {said[0]}.")
    if not said[0].startswith("Config group override must be"):
        return None
    groups = [text for text in arguments if _names_no_file(text)]
    return InputError(
        f"{' '.join(groups)}: expected the name of a group's file, such as method=nnrepair ({said[0]})."
    )


def _names_no_file(argument: str) -> bool:
    """Whether an argument is of a config group, and what it chooses is none of its files."""
    key, _, chosen = argument.lstrip("+~").partition("=")
    group = Path(shipped("configs"), key.partition("@")[0])
    return group.is_dir() and not (group / f"{chosen}.yaml").is_file()


def _unknown_key(error: omegaconf.errors.OmegaConfBaseException) -> InputError:
    known: list[str] = []
    parent = error.parent_node
    if parent is not None and OmegaConf.is_dict(parent):
        known = [str(key) for key in parent if str(key) != "hydra"]  # type: ignore[union-attr]
    key = str(error.key or re.sub(r".*'(.+?)'.*", r"\1", str(error)))
    within = str(error.full_key or key).rpartition(".")[0]
    return unknown(f"setting of {within}" if within else "setting", key, known)
