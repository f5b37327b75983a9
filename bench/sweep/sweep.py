"""A sweep from beginning to end: plan, do what is not finished, say what came of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf

from bench.launchers import LAUNCHERS
from bench.records import store
from bench.show import say, show_records
from bench.sweep.board import Board
from bench.sweep.job import Outcome
from bench.sweep.plan import Job, plan
from bench.sweep.worker import own_process
from repair.errors import InputError, unknown
from repair.weights.status import RepairStatus

Executor = Callable[[Sequence[Job], bool], Iterator[tuple[Job, Outcome]]]


def sweep(context: HydraContext, config: DictConfig, arguments: Sequence[str]) -> int:
    """Does the runs of a sweep that are not finished; no run ends it.

    Args:
        config: what Hydra composed of the command line without the swept values.
        arguments: the command line's overrides.

    Returns:
        The exit code: 0, 1 if a run ended in an error or was lost, 2 if one was bad input.

    Raises:
        InputError: what all of its runs are refused for.
    """
    loader = context.config_loader
    jobs = plan(loader, partial(loader.load_sweep_config, config), arguments)
    executor = _executor(config)
    refused = {job: Outcome("refused", job.refusal) for job in jobs if job.specification is None}
    if len(refused) == len(jobs) and len({job.refusal for job in jobs}) == 1:
        raise InputError(str(jobs[0].refusal))
    todo = [job for job in jobs if job.needed()]
    finished = len(jobs) - len(todo) - len(refused)
    say(f"{len(jobs)} runs: {finished} finished before, {len(todo)} to do.")
    with Board(todo, finished) as board:
        outcomes = refused | _do(executor, todo, board)
    return _conclude(jobs, outcomes)


def _executor(config: DictConfig) -> Executor:
    name = str(config.hydra.runtime.choices["hydra/launcher"])
    settings: Any = OmegaConf.to_container(config.hydra.launcher, resolve=True)
    settings.pop("_target_", None)  # of one of Hydra's own plugins, where it is installed too
    if name == "basic":
        return own_process
    if name == "joblib":
        with _needed(name, "joblib", "parallel"):
            from bench.sweep.pool import pool
        return partial(pool, settings=settings)
    if name in ("submitit_local", "submitit_slurm"):
        with _needed(name, "submitit", "slurm"):
            from bench.sweep.cluster import cluster
        return partial(cluster, kind=name.removeprefix("submitit_"), settings=settings)
    raise unknown("hydra/launcher", name, ("basic", *LAUNCHERS))


@contextmanager
def _needed(launcher: str, package: str, extra: str) -> Iterator[None]:
    """One message for a package that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise InputError(
            f"hydra/launcher={launcher} needs the package {package}, which is not installed: "
            f"pip install 'repairbench[{extra}]', or in a checkout .[{extra}]."
        ) from error


def _do(executor: Executor, todo: Sequence[Job], board: Board) -> dict[Job, Outcome]:
    """Runs that another sweep does at the same time come last; by then it has finished most."""
    outcomes: dict[Job, Outcome] = {}
    for wait_for_others in (False, True):
        open_jobs = [job for job in todo if job not in outcomes]
        for job, outcome in executor(open_jobs, wait_for_others) if open_jobs else ():
            if outcome.state != "busy":
                outcomes[job] = outcome
                board.ended(job, outcome)
    return outcomes


def _conclude(jobs: Sequence[Job], outcomes: dict[Job, Outcome]) -> int:
    """Tables of all records of the sweep, then what did not end well, with the reason."""
    records = {job: record for job in jobs if (record := job.record()) is not None}
    if records:
        show_records(list(records.values()))
    ends = {job: Outcome(record.status, record.reason) for job, record in records.items()}
    ends |= outcomes
    notable = [(job, end) for job, end in ends.items() if end.state != RepairStatus.OK]
    if notable:
        say(f"{len(notable)} of {len(jobs)} runs did not end with a repair:")
    for job, end in notable:
        where = (
            f" ({job.specification.folder})"
            if job.specification and end.state not in ("refused",)
            else ""
        )
        say(f"  {end.state:<10} {job.label}: {end.reason}{where}")
    unchanged = [
        job for job, r in records.items() if r.status is RepairStatus.OK and r.kept_original
    ]
    if unchanged:
        say(f"{len(unchanged)} of {len(jobs)} runs left the network as it was:")
    for job in unchanged:
        say(f"  {job.label}: {records[job].details.get('no_patch', 'validation data chose it.')}")
    states = {end.state for end in ends.values()}
    if states & store.RETRIED:
        say("retry=true does again the runs that ended in an error or at a time limit.")
    if "lost" in states:
        say("The same command does the lost runs again.")
    if "refused" in states:
        return 2
    return 1 if states & {RepairStatus.ERROR, "lost"} else 0
