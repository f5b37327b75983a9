"""The settings of `hydra.launcher`: where the runs of a sweep are done, by joblib or submitit."""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore


@dataclass
class JoblibLauncher:
    """Worker processes of this machine, hydra/launcher=joblib; arguments of `joblib.Parallel`.

    Attributes:
        n_jobs: how many processes; -1: one for each core.
    """

    n_jobs: int = -1
    backend: str | None = None
    prefer: str = "processes"
    require: str | None = None
    verbose: int = 0
    timeout: float | None = None
    pre_dispatch: str = "2*n_jobs"
    batch_size: str = "auto"
    temp_folder: str | None = None
    max_nbytes: str | None = None
    mmap_mode: str = "r"


@dataclass
class LocalLauncher:
    """Jobs of this machine as if it were a cluster, hydra/launcher=submitit_local; parameters of `submitit`.

    Attributes:
        submitit_folder: where submitit keeps a job's input, output and logs.
        timeout_min: minutes for one run.
        mem_gb: memory of a node, GB.
        name: of the jobs.
    """

    submitit_folder: str = "${hydra.sweep.dir}/.submitit/%j"
    timeout_min: int = 60
    cpus_per_task: int | None = None
    gpus_per_node: int | None = None
    tasks_per_node: int = 1
    mem_gb: int | None = None
    nodes: int = 1
    name: str = "${hydra.job.name}"
    stderr_to_stdout: bool = False


@dataclass
class SlurmLauncher(LocalLauncher):
    """Tasks of an array job of SLURM, hydra/launcher=submitit_slurm; the names are those of `sbatch`.

    Attributes:
        signal_delay_s: seconds between the warning and the end of a run's time.
        max_num_timeout: has no effect: a run whose time is over is not tried again.
        additional_parameters: further options of `sbatch`, such as {"mail-type": "END"}.
        array_parallelism: runs at a time.
        setup: commands before the run.
    """

    partition: str | None = None
    qos: str | None = None
    comment: str | None = None
    constraint: str | None = None
    exclude: str | None = None
    gres: str | None = None
    cpus_per_gpu: int | None = None
    gpus_per_task: int | None = None
    mem_per_gpu: str | None = None
    mem_per_cpu: str | None = None
    account: str | None = None
    signal_delay_s: int = 120
    max_num_timeout: int = 0
    additional_parameters: dict[str, Any] = field(default_factory=dict)
    array_parallelism: int = 256
    setup: list[str] | None = None


LAUNCHERS = {
    "joblib": JoblibLauncher,
    "submitit_local": LocalLauncher,
    "submitit_slurm": SlurmLauncher,
}


def register() -> None:
    """Make the launchers known to Hydra."""
    for name, node in LAUNCHERS.items():
        ConfigStore.instance().store(group="hydra/launcher", name=name, node=node)
