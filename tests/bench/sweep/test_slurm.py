"""A sweep on a real SLURM of two nodes on this host: jobs are killed and preempted, a node dies, it is resumed."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from checkout import ROOT
from filelock import FileLock
from omegaconf import OmegaConf
from waiting import until

from bench import __main__ as command
from bench.datasets.files import cache_dir
from bench.records import store
from bench.sweep.cluster import ClusterTask

CLUSTER = ROOT / "scripts" / "slurm_local.sh"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")


@pytest.fixture(scope="module")
def cluster():
    """Calls the script with further arguments; its cluster is running, and in the environment."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        pytest.skip(f"no {', '.join(missing)}: apt-get install slurm-wlm munge")
    # Not below pytest's folder: the name of a socket has to be short.
    folder = tempfile.mkdtemp(prefix="slurm")

    def script(*arguments):
        command = [CLUSTER, *arguments, folder]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    began = script("start")
    if began.returncode != 0:
        pytest.skip(f"SLURM does not start here: {began.stderr.strip()}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", f"{folder}/slurm.conf")
        patch.setenv("PATH", f"{folder}/bin:{path}")
        yield script
    script("stop")
    shutil.rmtree(folder)


@pytest.fixture
def held_up(undisturbed, monkeypatch, tmp_path):
    """Every run waits for its network, as if another process trained it, until this is called."""
    made = cache_dir() / "networks"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    empty = cache_dir() / "networks"
    empty.mkdir(parents=True)
    names = [path.name for path in made.iterdir() if path.is_dir()]
    with FileLock(empty / "any.lock") as lock:
        for name in names:  # one file by many names: one lock for all
            (empty / f"{name}.lock").hardlink_to(empty / "any.lock")

        def let_go() -> None:
            for name in names:
                (empty / name).symlink_to(made / name)
            lock.release()

        yield let_go


@pytest.mark.long
def test_a_sweep_on_slurm_survives_a_killed_job_a_preempted_one_and_a_killed_node(
    cluster, start_sweep, begun, held_up, timeless_records, small_repairs, undisturbed, tmp_path
):
    disturbed = tmp_path / "disturbed"
    arguments = [
        *small_repairs,
        "seed=range(4)",
        f"results_dir={disturbed}",
        "+cluster=slurm",
        "hydra.launcher.cpus_per_task=1",
        "hydra.launcher.mem_gb=2",
        "hydra.launcher.gpus_per_node=1",
    ]
    process = start_sweep(*arguments)
    begun(process, disturbed, 4)
    victim, preempted = jobs_of("local1")
    assert {"Requeue=1", "TresPerNode=gres:gpu:1", "Restarts=0"} <= shown(preempted)
    subprocess.run(["scancel", "--signal=KILL", victim], check=True)
    begun(process, disturbed, 5)  # the next in its place; a victim that still ran would be requeued
    urgent = ["--partition=urgent", "--nodelist=local1", "--exclusive", "--output=/dev/null"]
    subprocess.run(["sbatch", *urgent, "--wrap=true"], check=True)
    assert cluster("fail", "local2").returncode == 0
    until(lambda: "Restarts=1" in shown(preempted))
    held_up()
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1, err
    assert "1 of 8 runs did not end with a repair" in err
    assert "lost" in err
    assert "without a result" in err, err
    assert len(store.contents(disturbed).runs) == 7
    assert {"Restarts=1", "JobState=COMPLETED"} <= shown(preempted)

    process = start_sweep(*arguments)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "8 runs: 7 finished before, 1 to do." in err
    assert timeless_records(disturbed) == timeless_records(undisturbed)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("hydra.launcher.gpus_per_node=3", "hydra.launcher.partition, gpus_per_node"),
        ("hydra.launcher.partition=absent", "invalid partition specified: absent"),
    ],
)
def test_what_slurm_has_not_is_one_message(cluster, refused, setting, message):
    refused(setting, message)


def test_a_machine_without_slurm_is_one_message(refused, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    refused("hydra.launcher.partition=null", "which is not on the PATH")


@pytest.fixture
def refused(monkeypatch, capfd, tmp_path):
    """Starts a sweep on SLURM with a setting, which ends before it began, with a message."""

    def call(setting, message):
        monkeypatch.chdir(tmp_path)
        arguments = ["+experiment=quickstart", "wandb.mode=disabled", "+cluster=slurm", setting]
        monkeypatch.setattr(sys, "argv", ["bench", "-m", *arguments, "seed=0,1"])
        assert command.main() == 2
        out, err = capfd.readouterr()
        assert message in err.splitlines()[-1]
        assert "Traceback" not in out + err
        assert not list(Path("results").rglob("seed=*"))

    return call


def test_a_preempted_task_asks_for_its_run_again_and_one_without_time_ends_it():
    config = OmegaConf.create({"seed": 3})
    again = ClusterTask(seconds=3600).checkpoint(config, True)
    assert (again.args, again.kwargs) == ((config, True), {})
    with pytest.raises(TimeoutError, match="timeout_min"):
        ClusterTask(seconds=5).checkpoint(config, True)


def jobs_of(node):
    """The ids of the tasks of the sweep that run on a node."""
    command = ["squeue", "--noheader", f"--nodelist={node}", "--states=RUNNING", "--format=%i"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def shown(job):
    """What the controller knows of a job."""
    command = ["scontrol", "show", "job", job]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
