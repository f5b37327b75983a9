"""One run from its config: looked up in the store, done if need be, recorded, tracked."""

import logging
import sys
import time
import traceback
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from omegaconf import DictConfig

from bench.config import refuse_unfit
from bench.records import store
from bench.records.environment import environment
from bench.records.record import Record
from bench.records.store import Stored
from bench.runs.memory import measured
from bench.runs.progress import printed_to
from bench.runs.specification import Asked, asked, method_name
from bench.runs.tasks import Done
from bench.show import say
from bench.tracking import WandbSettings, tracked
from repair.errors import InputError
from repair.weights.status import RepairStatus


@dataclass(frozen=True)
class Ran:
    """A finished run.

    Attributes:
        new: done now, not found in the store.
        tables: what else there is to show: rich renderables.
    """

    stored: Stored
    new: bool
    tables: tuple[Any, ...] = ()


class _CrashError(Exception):
    """A task ended in an exception that nobody expected, its cause."""


def run(config: DictConfig, *, log: bool = False, wait: bool = True) -> Ran:
    """The finished run of a config: from the store, or done now.

    An exception that nobody expected is a result too: a record with status "error", its traceback
    in the file `store.LOG` of the run's folder.

    Args:
        log: what is printed meanwhile goes to that file too, and not to the terminal.
        wait: for another process that does the same run.

    Raises:
        InputError: no experiment, unknown names, settings that do not fit, missing data, a results
            folder that cannot be written.
        BusyError: another process does this run, and `wait` is False.
    """
    refuse_unfit(config)
    ask = asked(config)
    before = _finished(ask)
    if before is not None:
        return before
    with store.locked(ask.folder, timeout=-1 if wait else 0) as folder:
        before = _finished(ask, warn=True)  # another process may have done it meanwhile
        if before is not None:
            return before
        with printed_to(store.fresh_log(folder)) if log else nullcontext():
            return _do(config, ask)


def record_death(config: DictConfig, how: str) -> Ran:
    """Records that the process of a run died, which it could not do itself; `how` is the reason."""
    ask = asked(config, hold=False)
    with store.locked(ask.folder):
        return _finished(ask) or _failed(ask, RepairStatus.ERROR, how, 0.0)


def _finished(ask: Asked, warn: bool = False) -> Ran | None:
    before = ask.finished()
    if isinstance(before, store.Unreadable) and warn:
        say(f"warning: {before}")
    if not isinstance(before, Stored):
        return None
    again = store.needs_run(
        before.record, overwrite=ask.config["overwrite"], retry=ask.config["retry"]
    )
    return None if again else Ran(before, new=False)


def _do(config: DictConfig, ask: Asked) -> Ran:
    about, began = ask.about, time.perf_counter()
    try:
        with tracked(
            WandbSettings(**ask.config["wandb"]),
            results_dir=ask.config["results_dir"],
            experiment=about.experiment,
            config_hash=about.config_hash,
            seed=about.seed,
            config=ask.config,
        ) as tracker:
            done = _attempt(config, ask)
            stored = store.save(ask.folder, done.record, ask.config, done.files)
            tracker.finish(stored)
            return Ran(stored, new=True, tables=done.tables)
    except _CrashError as crash:
        error = crash.__cause__ or crash
        store.append(ask.folder / store.LOG, "".join(traceback.format_exception(error)))
        seconds = time.perf_counter() - began
        if isinstance(error, TimeoutError):
            return _failed(ask, RepairStatus.TIME_LIMIT, str(error), seconds)
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return _failed(ask, RepairStatus.ERROR, said[:500].rstrip(": "), seconds)


def _attempt(config: DictConfig, ask: Asked) -> Done:
    try:
        with measured() as memory:
            done = ask.kind.run(config, ask.about)
    except InputError:
        raise
    except Exception as error:
        raise _CrashError from error
    environment = {**done.record.environment, **memory()}
    return replace(done, record=replace(done.record, environment=environment))


def _failed(ask: Asked, status: RepairStatus, reason: str, seconds: float) -> Ran:
    repairs = ask.config["task"] == "repair"
    record = Record(
        experiment=ask.about.experiment,
        scenario=ask.config["scenario"].get("name") if repairs else ask.about.experiment,
        method=method_name(ask.config) if repairs else ask.config["task"],
        seed=ask.about.seed,
        status=status,
        reason=reason,
        config_hash=ask.about.config_hash,
        metrics={},
        seconds={"total": seconds},
        environment=environment(),
    )
    return Ran(store.save(ask.folder, record, ask.config), new=True)


def log_plainly() -> None:
    """Messages of this project on standard error, one line each; warnings of others."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    logging.raiseExceptions = (
        False  # no traceback for each line that W&B cannot add to its own logs
    )
    for name in ("bench", "repair"):
        logging.getLogger(name).setLevel(logging.INFO)
