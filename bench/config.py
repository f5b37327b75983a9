"""The typed schema of configs/, and what is said when a config does not fit it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hydra.errors
import omegaconf.errors
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, OmegaConf

from bench import shipped
from repair.errors import InputError, unknown

# The launchers that come with an optional extra of this package.
_EXTRAS = {"joblib": "parallel", "submitit_local": "slurm", "submitit_slurm": "slurm"}


@dataclass
class SolverConfig:
    """The node `solver`; see `repair.program.SolverOptions`."""

    name: str = "auto"
    time_limit: float | None = 30.0
    gap: float = 0.0
    threads: int = 1
    seed: int = 0


@dataclass
class ReplayConfig:
    """The node `replay`, of the task of that name: which `sets` to rebuild, test or all."""

    sets: str = "test"


@dataclass
class ArchitectureConfig:
    """The node `architecture`, of the task of that name; see `bench.architecture`.

    `cases` is random, manual, nets, or a file; `rules` strict or keras3; `time_limit` is in seconds
    for each case; `build` lists the frameworks (keras, nnx) that shall build what comes out;
    `train_steps` is the length of a short training of repaired classifiers of images, 0 for none.
    """

    cases: str = "random"
    rules: str = "keras3"
    time_limit: float = 10.0
    alternatives: int = 1
    build: list[str] = field(default_factory=list)
    train_steps: int = 0


@dataclass
class Config:
    """All settings of a run; configs/config.yaml says what they mean.

    The nodes without a type (scenario, method, localize) name a class by `_target_` and hold its
    arguments, `wandb` those of `bench.tracking.WandbSettings`; the class checks them.
    """

    experiment: str = MISSING
    task: str = "repair"
    scenario: Any = MISSING
    method: Any = MISSING
    localize: Any = MISSING
    solver: SolverConfig = field(default_factory=SolverConfig)
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    architecture: ArchitectureConfig = field(default_factory=ArchitectureConfig)
    wandb: Any = MISSING
    seed: int = 0
    repair_images: int | None = 1000
    repair_mirrored: bool = False
    repair_copies: int = 0
    validation_images: int | None = 1000
    most_failing: int | None = None
    most_passing: int | None = None
    layers: Any = "last"
    network: str | None = None
    scale: str | None = None
    data: str | None = None
    results_dir: str = "results/runs"
    overwrite: bool = False
    retry: bool = False


def register() -> None:
    """Make the schema and the sweeper known to Hydra under the names that configs/config.yaml uses."""
    ConfigStore.instance().store(name="schema", node=Config)
    sweeper = {"_target_": "hydra_plugins.repairbench.SweepOfRuns"}
    ConfigStore.instance().store(group="hydra/sweeper", name="repairbench", node=sweeper)


def experiments() -> list[str]:
    """Names of the experiments that come with the code."""
    return sorted(path.stem for path in Path(shipped("configs"), "experiment").glob("*.yaml"))


def explain(error: Exception) -> InputError:
    """One message for a person, of an error that Hydra or OmegaConf raised."""
    if isinstance(error, hydra.errors.MissingConfigException):
        group, _, name = str(error.missing_cfg_file or "").rpartition("/")
        if group == "hydra/launcher" and name in _EXTRAS:
            return InputError(
                f"hydra/launcher={name} needs a package that is not installed: "
                f"pip install 'repairbench[{_EXTRAS[name]}]', or in a checkout .[{_EXTRAS[name]}]."
            )
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


def _unknown_key(error: omegaconf.errors.OmegaConfBaseException) -> InputError:
    known: list[str] = []
    parent = error.parent_node
    if parent is not None and OmegaConf.is_dict(parent):
        known = [str(key) for key in parent if str(key) != "hydra"]  # type: ignore[union-attr]
    key = str(error.key or re.sub(r".*'(.+?)'.*", r"\1", str(error)))
    within = str(error.full_key or key).rpartition(".")[0]
    return unknown(f"setting of {within}" if within else "setting", key, known)
