"""Several runs at a time on this machine: `+cluster=joblib`, or hydra/launcher=joblib."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs
from joblib.externals.loky.process_executor import TerminatedWorkerError
from omegaconf import DictConfig

from bench.sweep.job import Outcome, job
from bench.sweep.plan import Job
from bench.sweep.worker import own_process

_log = logging.getLogger(__name__)


def pool(
    jobs: Sequence[Job], wait_for_others: bool, settings: Mapping[str, Any]
) -> Iterator[tuple[Job, Outcome]]:
    """Does the runs in worker processes, and yields how each ended, in the order in which they end.

    Where a process dies, joblib gives up all of them; the rest then goes one run at a time, so that
    the run to blame is known.

    Args:
        settings: the node `hydra.launcher`, arguments of `joblib.Parallel`.
    """
    if effective_n_jobs(settings.get("n_jobs")) == 1:  # joblib would do them in this very process
        yield from own_process(jobs, wait_for_others)
        return
    given = {key: value for key, value in settings.items() if value is not None}
    parallel = Parallel(**{**given, "backend": "loky", "return_as": "generator_unordered"})
    open_jobs = dict(enumerate(jobs))
    try:
        for index, outcome in parallel(
            delayed(_numbered)(index, one.config, wait_for_others)
            for index, one in enumerate(jobs)  # joblib's threads take from it while runs end here
        ):
            yield open_jobs.pop(index), outcome
    except TerminatedWorkerError:
        _log.warning("A process of the pool died; the remaining runs go one at a time.")
        yield from own_process(tuple(open_jobs.values()), wait_for_others)


def _numbered(index: int, config: DictConfig, wait_for_others: bool) -> tuple[int, Outcome]:
    return index, job(config, wait_for_others)
