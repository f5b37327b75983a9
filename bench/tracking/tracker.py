"""What a tracker is, its settings, and how one is opened for a run."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.store import Stored
from repair.errors import InputError, unknown

MODES = ("offline", "online", "disabled")
BACKENDS = ("wandb", "tensorboard")


@dataclass(frozen=True)
class WandbSettings:
    """The node `wandb` of a config.

    Args:
        backend: "wandb", or "tensorboard", which writes event files and knows no other setting than `mode`.
        mode: "offline" writes files that `scripts/wandb_sync.sh` uploads later, "online" uploads as well,
            "disabled" does nothing.
        project, entity: as in W&B.
        group: name of the sweep that the run belongs to; by default the experiment.
        timeout: seconds to wait for a server at the start and at the end of a run; without an
            answer the run goes on offline.
        artifacts: mirror the patch files too.

    Raises:
        InputError: the backend or the mode is unknown or they do not fit, or the timeout is no time.
    """

    backend: str = "wandb"
    mode: str = "offline"
    project: str = "repairbench"
    entity: str | None = None
    group: str | None = None
    timeout: float = 20.0
    artifacts: bool = True

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise unknown("wandb.mode", str(self.mode), MODES)
        if self.backend not in BACKENDS:
            raise unknown("wandb.backend", str(self.backend), BACKENDS)
        if self.backend == "tensorboard" and self.mode == "online":
            raise InputError(
                "wandb.mode=online with tracking=tensorboard: it only writes files. Leave the mode out, or take "
                "tracking=wandb."
            )
        given: object = self.timeout  # a config file may hold anything
        if not (isinstance(given, int | float) and given > 0):
            raise InputError(f"wandb.timeout={self.timeout}: expected seconds, more than 0.")


class Tracker(Protocol):
    """Follows one run."""

    def log(self, values: Mapping[str, float]) -> None:
        """Progress figures, such as {"solve/gap": 0.1}; each call is one step."""

    def finish(self, stored: Stored) -> None:
        """The run's record, once it is on disk."""


class NoTracker:
    """Follows nothing."""

    def log(self, values: Mapping[str, float]) -> None:
        """Does nothing."""

    def finish(self, stored: Stored) -> None:
        """Does nothing."""


def run_id(experiment: str, config_hash: str, seed: int) -> str:
    """The run's name at the tracker: the same for a run that is resumed or done again."""
    return f"{re.sub('[^A-Za-z0-9_.-]', '-', experiment)}-{config_hash}-{seed}"


@contextmanager
def tracked(
    settings: WandbSettings,
    *,
    results_dir: Path | str,
    experiment: str,
    config_hash: str,
    seed: int,
    config: Mapping[str, Any],
) -> Iterator[Tracker]:
    """The tracker of a run, open inside the block; a block that raises is a failed run there.

    Args:
        results_dir: all files of the tracker go below its folder `wandb` or `tensorboard`.
        experiment, config_hash, seed: those of the record; they name the run.
        config: the resolved config in plain types, shown with the run.
    """
    if settings.mode == "disabled":
        yield NoTracker()
        return
    name = run_id(experiment, config_hash, seed)
    if settings.backend == "tensorboard":
        from bench.tracking.tensorboard import tensorboard_run

        with tensorboard_run(Path(results_dir), config, name) as tracker:
            yield tracker
        return
    from bench.tracking.wandb_run import wandb_run  # wandb: only who tracks waits for its import

    with wandb_run(settings, Path(results_dir), experiment, config, name) as tracker:
        yield tracker
