"""W&B: a run for each record, in a group for each sweep, and one run for the results of all.

The latter is in `bench.tracking.results`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import wandb

from bench.records.gallery import EXAMPLES, Gallery
from bench.records.rows import row
from bench.records.store import EXPERTS, PATCHES, Stored
from bench.tracking import results
from bench.tracking.opening import folders_below, opened
from bench.tracking.plots import confusions, images
from bench.tracking.tracker import Tracker, WandbSettings

PATCH_FILES = (PATCHES, EXPERTS)


class WandbTracker:
    """Follows one run with an open W&B run."""

    def __init__(self, run: wandb.Run, settings: WandbSettings, experiment_dir: Path) -> None:
        self._run, self._settings, self._experiment_dir = run, settings, experiment_dir

    def log(self, values: Mapping[str, float]) -> None:
        """Progress figures; each call is one step."""
        self._run.log(dict(values))

    def finish(self, stored: Stored) -> None:
        """Summary, confusion matrices, images before and after, the patch files; and the results of all so far."""
        record, examples = stored.record, stored.folder / EXAMPLES
        shown = {name: value for name, value in row(record).items() if value is not None}
        self._run.summary.update(shown)
        self._run.summary.update({f"seconds/{k}": v for k, v in record.seconds.items()})
        self._run.tags = (record.scenario, record.method, record.status.value)
        media = confusions(record)
        if examples.is_file():
            media |= images(Gallery.load(examples))
        if media:
            self._run.log(media)
        patches = sorted(path for name in PATCH_FILES for path in stored.folder.glob(name))
        if self._settings.artifacts and patches:
            about = {"chosen": record.chosen, "no_patch": record.details.get("no_patch")}
            artifact = wandb.Artifact(f"patch-{self._run.id}", type="patch", metadata=about)
            for path in patches:
                artifact.add_file(str(path))
            self._run.log_artifact(artifact)
        results.update(self._settings, self._experiment_dir)


@contextmanager
def wandb_run(
    settings: WandbSettings,
    results_dir: Path,
    experiment: str,
    config: Mapping[str, Any],
    name: str,
) -> Iterator[Tracker]:
    """An open W&B run of this id."""
    with folders_below(results_dir / "wandb"):
        run = opened(settings, results_dir, experiment, config, name)
        try:
            yield WandbTracker(run, settings, results_dir / experiment)
        except BaseException:
            run.finish(exit_code=1)
            raise
        run.finish()
