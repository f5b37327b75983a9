"""W&B: a run for each record, in a group for each sweep.

Each run holds the table `results` with a row for every record of the experiment that is on disk
when it ends, so the newest run has them all, whether the runs of a sweep share a process or not
and without a server. It is a plain (IMMUTABLE) table: INCREMENTAL ones grow within one run only.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import requests
import wandb

from bench.rows import row
from bench.store import PATCHES, Stored, contents
from bench.tracking.plots import plots, results_table
from bench.tracking.tracker import NoTracker, Tracker, WandbSettings

_log = logging.getLogger(__name__)

# Where W&B keeps what `wandb sync` uploads later, and what it caches: beside the runs, not at home.
_FOLDERS = {"WANDB_DATA_DIR": "data", "WANDB_CACHE_DIR": "cache", "WANDB_ARTIFACT_DIR": "artifacts"}


class WandbTracker:
    """Follows one run with an open W&B run."""

    def __init__(self, run: wandb.Run, settings: WandbSettings, experiment_dir: Path) -> None:
        self._run, self._settings, self._experiment_dir = run, settings, experiment_dir

    def log(self, values: Mapping[str, float]) -> None:
        """Progress figures; each call is one step."""
        with _quietly("log"):
            self._run.log(dict(values))

    def finish(self, stored: Stored) -> None:
        """Summary, the table of all records so far, plots, and the patch files."""
        records = [run.record for run in contents(self._experiment_dir).runs]
        record = stored.record
        with _quietly("record"):
            shown = {name: value for name, value in row(record).items() if value is not None}
            self._run.summary.update(shown)
            self._run.summary.update({f"seconds/{k}": v for k, v in record.seconds.items()})
            self._run.tags = (record.scenario, record.method, record.status)
            self._run.log({"results": results_table(records), **plots(records)})
            patches = sorted(stored.folder.glob(PATCHES))
            if self._settings.artifacts and patches:
                artifact = wandb.Artifact(f"patch-{self._run.id}", type="patch")
                for path in patches:
                    artifact.add_file(str(path))
                self._run.log_artifact(artifact)


@contextmanager
def wandb_run(
    settings: WandbSettings,
    results_dir: Path,
    experiment: str,
    config: Mapping[str, Any],
    name: str,
) -> Iterator[Tracker]:
    """An open W&B run of this id; a tracker of nothing where W&B cannot run at all."""
    with _folders_below(results_dir / "wandb"):
        run = _open(settings, results_dir, experiment, config, name)
        if run is None:
            yield NoTracker()
            return
        try:
            yield WandbTracker(run, settings, results_dir / experiment)
        except BaseException:
            with _quietly("end"):
                run.finish(exit_code=1)
            raise
        with _quietly("end"):
            run.finish()


def _open(
    settings: WandbSettings,
    results_dir: Path,
    experiment: str,
    config: Mapping[str, Any],
    name: str,
) -> wandb.Run | None:
    online = settings.mode == "online"
    obstacle = _obstacle(wandb.setup().settings.base_url, settings.timeout) if online else None
    for mode in ("online", "offline") if online and obstacle is None else ("offline",):
        try:
            return wandb.init(
                mode=mode,
                project=settings.project,
                entity=settings.entity,
                group=settings.group or experiment,
                id=name,
                name=name,
                resume="allow",
                reinit="create_new",
                dir=str(results_dir),
                config=dict(config),
                settings=wandb.Settings(
                    silent=True,
                    console="off",
                    disable_git=True,  # the record has the code version, ...
                    x_save_requirements=False,  # ... and reading all packages' versions is slow
                    init_timeout=settings.timeout,
                    login_timeout=settings.timeout,
                    finish_timeout=settings.timeout,
                ),
            )
        except wandb.Error as error:
            _log.warning("W&B cannot start a run %s: %s", mode, error)
    return None


@cache
def _obstacle(url: str, timeout: float) -> str | None:
    """Why runs cannot be uploaded now; asked, and said, once for all runs of a process."""
    try:
        requests.head(url, timeout=timeout)
        known = wandb.login(prompt=False, verify=False)
        why = None if known else "there is no API key (run `wandb login`)"
    except requests.RequestException:
        why = f"{url} does not answer"
    if why is not None:
        _log.warning("W&B runs are kept offline: %s. Upload them later with `wandb sync`.", why)
    return why


@contextmanager
def _quietly(what: str) -> Iterator[None]:
    """A run does not fail because its mirror does: the record on disk is what counts."""
    try:
        yield
    except wandb.Error as error:
        _log.warning("W&B did not take the %s: %s", what, error)


@contextmanager
def _folders_below(folder: Path) -> Iterator[None]:
    # W&B knows these by its environment alone; the caller's settings go first and come back.
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    ours = {name: str(folder / sub) for name, sub in _FOLDERS.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
