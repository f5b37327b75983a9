"""How the tracker of a run is opened."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from bench.tracking.core import kill
from bench.tracking.guard import guarded
from bench.tracking.tracker import NoTracker, Tracker, WandbSettings, run_id


def tracked(
    settings: WandbSettings,
    *,
    results_dir: Path | str,
    experiment: str,
    config_hash: str,
    seed: int,
    config: Mapping[str, Any],
) -> AbstractContextManager[Tracker]:
    """The tracker of a run, open inside the block; a block that raises is a failed run there.

    Nothing that goes wrong with it reaches the block: see `bench.tracking.guard`.

    Args:
        results_dir: all files of the tracker go below its folder `wandb` or `tensorboard`.
        experiment, config_hash, seed: those of the record; they name the run.
        config: the resolved config in plain types, shown with the run.

    Raises:
        InputError: the backend is not installed.
    """
    if settings.mode == "disabled":
        return nullcontext(NoTracker())
    name, root = run_id(experiment, config_hash, seed), Path(results_dir)
    if settings.backend == "tensorboard":
        from bench.tracking.tensorboard import tensorboard_run

        return guarded(lambda: tensorboard_run(root, config, name), settings.patience)

    def opening() -> AbstractContextManager[Tracker]:
        # Only who tracks waits for the import of wandb.
        from bench.tracking.wandb_run import wandb_run

        return wandb_run(settings, root, experiment, config, name)

    return guarded(opening, settings.patience, kill)
