"""What a tracker is, its settings, and the name of a run there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

from pydantic import Field

from bench.records.store import Stored
from repair.errors import InputError
from repair.weights.settings import Settings, Text

Backend = Literal["wandb", "tensorboard"]
Mode = Literal["offline", "online", "disabled"]


@dataclass(frozen=True)
class WandbSettings(Settings):
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
        InputError: a value that is not admitted, or a mode that the backend does not have.
    """

    backend: Backend = "wandb"
    mode: Mode = "offline"
    project: Text = "repairbench"
    entity: Text | None = None
    group: Text | None = None
    timeout: Annotated[float, Field(gt=0, le=86_400)] = 20.0  # a day
    artifacts: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.backend == "tensorboard" and self.mode == "online":
            raise InputError(
                "wandb.mode=online with tracking=tensorboard: it only writes files. Leave the mode out, or take "
                "tracking=wandb."
            )

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
