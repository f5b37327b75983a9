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


@dataclass(frozen=True)
class WandbSettings:
    """The node `wandb` of a config.

    Args:
        mode: "offline" writes files that `wandb sync` uploads later, "online" uploads as well,
            "disabled" does nothing.
        project, entity: as in W&B.
        group: name of the sweep that the run belongs to; by default the experiment.
        timeout: seconds to wait for a server at the start and at the end of a run; without an
            answer the run goes on offline.
        artifacts: mirror the patch files too.

    Raises:
        InputError: the mode is unknown, or the timeout is no time.
    """

    mode: str = "offline"
    project: str = "repairbench"
    entity: str | None = None
    group: str | None = None
    timeout: float = 20.0
    artifacts: bool = True

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise unknown("wandb.mode", str(self.mode), MODES)
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
        results_dir: all files of the tracker go below its folder `wandb`.
        experiment, config_hash, seed: those of the record; they name the run.
        config: the resolved config in plain types, shown with the run.
    """
    if settings.mode == "disabled":
        yield NoTracker()
        return
    from bench.tracking.wandb_run import wandb_run  # wandb: only who tracks waits for its import

    name = run_id(experiment, config_hash, seed)
    with wandb_run(settings, Path(results_dir), experiment, config, name) as tracker:
        yield tracker
