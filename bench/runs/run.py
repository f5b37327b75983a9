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
from bench.progress import printed_to
from bench.records import store
from bench.records.environment import environment
from bench.records.record import Record
from bench.records.store import Stored
from bench.records.tasks import Done
from bench.runs.memory import measured
from bench.runs.specification import RunSpecification, method_name, specify
from bench.show import say
from bench.tracking import WandbSettings, tracked
from repair.errors import InputError
from repair.weights.status import RepairStatus


@dataclass(frozen=True)
class Ran:
    """A finished run.

    Attributes:
        stored: the run as the store has it.
        new: whether it was done now, not found in the store.
        tables: the rich renderables to show besides.
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
        config: the settings of the run.
        log: whether what is printed meanwhile goes to that file, and not to the terminal.
        wait: whether to wait for another process that does the same run.

    Raises:
        InputError: no experiment, unknown names, settings that do not fit, missing data, a results
            folder that cannot be written.
        BusyError: another process does this run, and `wait` is False.
    """
    refuse_unfit(config)
    specification = specify(config)
    before = _finished(specification)
    if before is not None:
        return before
    with store.locked(specification.folder, timeout=-1 if wait else 0) as folder:
        before = _finished(specification, warn=True)  # another process may have done it meanwhile
        if before is not None:
            return before
        with printed_to(store.fresh_log(folder)) if log else nullcontext():
            return _do(config, specification)


def record_death(config: DictConfig, how: str) -> Ran:
    """Records that the process of a run died, which it could not do itself; `how` is the reason."""
    specification = specify(config, hold=False)
    with store.locked(specification.folder):
        return _finished(specification) or _failed(specification, RepairStatus.ERROR, how, 0.0)


def _finished(specification: RunSpecification, warn: bool = False) -> Ran | None:
    before = specification.finished()
    if isinstance(before, store.Unreadable) and warn:
        say(f"warning: {before}")
    if not isinstance(before, Stored):
        return None
    config = specification.config
    again = store.needs_run(before.record, overwrite=config["overwrite"], retry=config["retry"])
    return None if again else Ran(before, new=False)


def _do(config: DictConfig, specification: RunSpecification) -> Ran:
    about, began = specification.about, time.perf_counter()
    try:
        with tracked(
            WandbSettings(**specification.config["wandb"]),
            results_dir=specification.config["results_dir"],
            experiment=about.experiment,
            config_hash=about.config_hash,
            seed=about.seed,
            config=specification.config,
        ) as tracker:
            done = _attempt(config, specification)
            stored = store.save(specification.folder, done.record, specification.config, done.files)
            tracker.finish(stored)
            return Ran(stored, new=True, tables=done.tables)
    except _CrashError as crash:
        error = crash.__cause__ or crash
        store.append(specification.folder / store.LOG, "".join(traceback.format_exception(error)))
        seconds = time.perf_counter() - began
        if isinstance(error, TimeoutError):
            return _failed(specification, RepairStatus.TIME_LIMIT, str(error), seconds)
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return _failed(specification, RepairStatus.ERROR, said[:500].rstrip(": "), seconds)


def _attempt(config: DictConfig, specification: RunSpecification) -> Done:
    try:
        with measured() as memory:
            done = specification.task.run(config, specification.about)
    except InputError:
        raise
    except Exception as error:
        raise _CrashError from error
    environment = {**done.record.environment, **memory()}
    return replace(done, record=replace(done.record, environment=environment))


def _failed(
    specification: RunSpecification, status: RepairStatus, reason: str, seconds: float
) -> Ran:
    config, about = specification.config, specification.about
    repairs = config["task"] == "repair"
    record = Record(
        experiment=about.experiment,
        scenario=config["scenario"].get("name") if repairs else about.experiment,
        method=method_name(config) if repairs else config["task"],
        seed=about.seed,
        status=status,
        reason=reason,
        config_hash=about.config_hash,
        metrics={},
        seconds={"total": seconds},
        environment=environment(),
    )
    return Ran(store.save(specification.folder, record, config), new=True)


def log_plainly() -> None:
    """Messages of this project on standard error, one line each; warnings of others."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    # No traceback for each line that W&B cannot add to its own logs.
    logging.raiseExceptions = False
    for name in ("bench", "repair"):
        logging.getLogger(name).setLevel(logging.INFO)
