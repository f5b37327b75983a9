"""W&B: a run for each record, in a group for each sweep, and one run for the results of all.

The run `EXPERIMENT-results` gets the table of all records on disk as each job finishes, whether the jobs of a sweep
share a process, a machine, or only a disk: whoever finishes continues that run, one at a time. Its step is the number
of records, so that what several nodes wrote goes together in one order. The table is a plain (IMMUTABLE) one:
INCREMENTAL ones grow within one process only.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import requests
import wandb
from filelock import FileLock, Timeout

from bench.gallery import EXAMPLES, Gallery
from bench.record import Record
from bench.rows import row
from bench.store import PATCHES, RECORD, Stored, Unreadable, finished
from bench.tracking.plots import confusions, images, plots, results_table
from bench.tracking.tracker import NoTracker, Tracker, WandbSettings

_log = logging.getLogger(__name__)
PATCH_FILES = (PATCHES, "experts.npz")

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
        """Summary, confusion matrices, images before and after, the patch files; and the results of all so far."""
        record, examples = stored.record, stored.folder / EXAMPLES
        with _quietly("record"):
            shown = {name: value for name, value in row(record).items() if value is not None}
            self._run.summary.update(shown)
            self._run.summary.update({f"seconds/{k}": v for k, v in record.seconds.items()})
            self._run.tags = (record.scenario, record.method, record.status)
            shown = confusions(record)
            if examples.is_file():
                shown |= images(Gallery.load(examples))
            if shown:
                self._run.log(shown)
            patches = sorted(path for name in PATCH_FILES for path in stored.folder.glob(name))
            if self._settings.artifacts and patches:
                artifact = wandb.Artifact(f"patch-{self._run.id}", type="patch")
                for path in patches:
                    artifact.add_file(str(path))
                self._run.log_artifact(artifact)
        self._results()

    def _results(self) -> None:
        """Continue the run of all results; its newest part has them all, older ones go."""
        root, experiment = self._experiment_dir.parent, self._experiment_dir.name
        name = f"{experiment}-results"
        parts = root / "wandb" / name
        try:
            with FileLock(f"{parts}.lock", timeout=self._settings.timeout), _quietly("results"):
                records = _records(self._experiment_dir)
                part = parts / f"{len(records):06}"  # its own: W&B names folders by the second
                part.mkdir(parents=True, exist_ok=True)
                run = _open(self._settings, part, experiment, {}, name, job_type="results")
                if run is not None:
                    shown = {"results": results_table(records), **plots(records)}
                    run.log(shown, step=len(records))
                    run.summary.update({"runs": len(records)})
                    run.finish()
                    for old in set(parts.iterdir()) - {part}:
                        shutil.rmtree(old)
        except Timeout:
            _log.warning("W&B: others hold %s; the next run to finish adds this one to it.", name)


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
    job_type: str | None = None,
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
                job_type=job_type,
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


def _records(folder: Path) -> list[Record]:
    """All records of an experiment; a file that has not changed is read once in a process."""
    found = []
    for path in sorted(folder.rglob(RECORD)):
        with suppress(FileNotFoundError):  # its run is being done again
            stat = path.stat()
            run = _finished(path.parent, stat.st_mtime_ns, stat.st_size)
            if isinstance(run, Stored):
                found.append(run.record)
    return found


@lru_cache(maxsize=4096)
def _finished(folder: Path, modified: int, size: int) -> Stored | Unreadable | None:
    return finished(folder)


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
        _log.warning(
            "W&B runs are kept offline: %s. Upload them later with scripts/wandb_sync.sh.", why
        )
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
