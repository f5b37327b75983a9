"""The results of a sweep as one W&B run, `EXPERIMENT-results`, that every job continues as it finishes.

It gets the table of all records on disk, whether the jobs share a process, a machine, or only a disk: one at a time,
whoever finishes. Its step is the number of records, so that what several nodes wrote goes together in one order. The
table is a plain (IMMUTABLE) one: INCREMENTAL ones grow within one process only.
"""

import atexit
import shutil
import time
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path

from filelock import FileLock, Timeout

from bench.records.distinct import distinct
from bench.records.record import Record
from bench.records.regular import files_named
from bench.records.store import RECORD, Contents, Stored, Unreadable, finished
from bench.tracking.core import kill
from bench.tracking.guard import Guard
from bench.tracking.opening import folders_below, opened
from bench.tracking.plots import plots, results_table
from bench.tracking.tracker import WandbSettings

_SECONDS = (
    5.0  # between updates; what comes sooner waits for the next, or for the end of its process
)


def update(settings: WandbSettings, experiment_dir: Path) -> None:
    """Show the experiment's records, now or within `_SECONDS`, at the latest as this process ends."""
    _at_exit(settings, experiment_dir.absolute())
    parts = _parts(experiment_dir)
    newest = max((part.stat().st_mtime for part in parts.glob("*")), default=0.0)
    if not 0 <= time.time() - newest < _SECONDS:
        _show(settings, experiment_dir)


@cache
def _at_exit(settings: WandbSettings, experiment_dir: Path) -> None:
    """Once for a process: show at its end what is not shown yet."""

    def rest() -> None:
        shown = {part.name for part in _parts(experiment_dir).glob("*")}
        if experiment_dir.is_dir() and _number(_records(experiment_dir)) not in shown:
            _show(settings, experiment_dir)

    atexit.register(Guard(settings.patience, kill).do, "results", rest)


def _show(settings: WandbSettings, experiment_dir: Path) -> None:
    parts, experiment = _parts(experiment_dir), experiment_dir.name
    with (
        suppress(Timeout),  # who waits in vain gives up: the next to finish shows its record too
        folders_below(parts.parent),
        FileLock(f"{parts}.lock", timeout=settings.timeout),
    ):
        records = _records(experiment_dir)
        part = parts / _number(records)  # its own: W&B names folders by the second
        shutil.rmtree(part, ignore_errors=True)  # as many records as before, one of them done again
        part.mkdir(parents=True, exist_ok=True)
        run = opened(settings, part, experiment, {}, parts.name, job_type="results")
        try:
            run.log({"results": results_table(records), **plots(records)}, step=len(records))
            run.summary.update({"runs": len(records)})
        finally:
            run.finish()
        for old in set(parts.iterdir()) - {part}:  # the newest has all
            shutil.rmtree(old)


def _parts(experiment_dir: Path) -> Path:
    return experiment_dir.parent / "wandb" / f"{experiment_dir.name}-results"


def _number(records: list[Record]) -> str:
    return f"{len(records):06}"


def _records(folder: Path) -> list[Record]:
    """All records of an experiment, a run once; a file that has not changed is read once in a process."""
    found = []
    for path in files_named(RECORD, folder):
        with suppress(FileNotFoundError):  # its run is being done again
            stat = path.lstat()
            run = _finished(path.parent, stat.st_mtime_ns, stat.st_size)
            if isinstance(run, Stored):
                found.append(run)
    return [run.record for run in distinct([Contents(tuple(found))]).runs]


@lru_cache(maxsize=4096)
def _finished(folder: Path, modified: int, size: int) -> Stored | Unreadable | None:
    return finished(folder)
