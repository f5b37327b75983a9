"""Runs as the tasks of one array job of SLURM, by submitit: `+cluster=slurm`, or hydra/launcher=submitit_slurm."""

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import submitit
from omegaconf import DictConfig
from submitit.core.utils import FailedJobError, UncompletedJobError

from bench.launchers import LocalLauncher, SlurmLauncher
from bench.sweep.job import Outcome, job
from bench.sweep.plan import Job
from repair.errors import InputError

_POLL = 1.0  # seconds between looks at the result files
_OWN = ("submitit_folder", "max_num_timeout")  # what is no parameter of a job
# What submitit knows of SLURM only; the rest is the same on every cluster.
_SLURM_ALONE = {setting.name for setting in fields(SlurmLauncher)} - {
    setting.name for setting in fields(LocalLauncher)
}


def cluster(
    jobs: Sequence[Job], wait_for_others: bool, kind: str, settings: Mapping[str, Any]
) -> Iterator[tuple[Job, Outcome]]:
    """Submits the runs, and yields how each ended, in the order in which they end.

    A preempted task is requeued by SLURM and does its run again; one whose time is over leaves a
    record that says so. Of one that was killed the sweep says that it is lost; the same command
    does it again. If the sweep is stopped, so are its tasks.

    Args:
        kind: "slurm", or "local" for this machine in its place.
        settings: the node `hydra.launcher`, a `bench.launchers.SlurmLauncher` or `LocalLauncher`.

    Raises:
        InputError: SLURM is not here, or refuses what is asked for.
    """
    parameters = {
        f"slurm_{key}" if key in _SLURM_ALONE else key: value
        for key, value in settings.items()
        if key not in _OWN
    }
    if kind == "slurm" and shutil.which("sbatch") is None:
        raise InputError(
            "+cluster=slurm needs SLURM's sbatch, which is not on the PATH: start the sweep on a login node, or take"
            " +cluster=joblib for this machine."
        )
    # A task that is requeued more often than this is one that a cluster cannot do.
    executor = submitit.AutoExecutor(
        settings["submitit_folder"],
        cluster=kind,
        **({"slurm_max_num_timeout": 100} if kind == "slurm" else {}),
    )
    executor.update_parameters(**parameters)
    task = ClusterTask(60 * settings["timeout_min"] - settings.get("signal_delay_s", 0))
    configs = [one.config for one in jobs]
    try:
        tasks = executor.map_array(task, configs, [wait_for_others] * len(configs))
    except FailedJobError as error:
        raise InputError(
            f"SLURM does not take the runs: {' '.join(str(error).split()).removesuffix('.')}. Change"
            " hydra.launcher.partition, gpus_per_node, cpus_per_task, mem_gb or timeout_min to what it has"
            " (see `sinfo`)."
        ) from error
    yield from _as_they_end(dict(zip(tasks, jobs, strict=True)))


class ClusterTask:
    """One run as a task of the cluster.

    Args:
        seconds: what it has until the cluster warns it that its time is nearly over.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = time.time()

    def __call__(self, config: DictConfig, wait_for_others: bool) -> Outcome:
        """Does the run."""
        self._began = time.time()
        return job(config, wait_for_others)

    def checkpoint(
        self, config: DictConfig, wait_for_others: bool
    ) -> submitit.helpers.DelayedSubmission:
        """What submitit shall requeue of a preempted task: the same run.

        Raises:
            TimeoutError: in the midst of the run, whose time is over; its record will say so.
        """
        if time.time() - self._began > self._seconds - 10:
            raise TimeoutError("the cluster's time limit, hydra.launcher.timeout_min, was reached")
        return submitit.helpers.DelayedSubmission(self, config, wait_for_others)


def _as_they_end(tasks: dict[submitit.Job, Job]) -> Iterator[tuple[Job, Outcome]]:
    try:
        while tasks:
            for task in [task for task in tasks if task.done()]:
                yield tasks.pop(task), _outcome(task)
            time.sleep(_POLL if tasks else 0)
    finally:
        for task in tasks:
            task.cancel(check=False)


def _outcome(task: submitit.Job) -> Outcome:
    error = task.exception()
    if error is None:
        return task.result()
    if isinstance(error, UncompletedJobError):
        return Outcome("lost", f"its cluster job {task.job_id} is {task.state}, without a result")
    return Outcome("lost", f"its cluster job failed: {str(error).strip().splitlines()[-1]}")
