"""What a tracker is, its settings, and the name of a run there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

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
            answer the run goes on offline. See also `patience`.
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

    @property
    def patience(self) -> float:
        """Seconds until a tracker that hangs is left behind: more than all of its waits for a server together."""
        return 4 * self.timeout + 10


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
