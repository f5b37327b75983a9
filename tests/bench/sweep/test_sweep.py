"""Sweeps: what a run can do to them, what a killed one leaves, and two at once."""

import os
import signal
import sys
from pathlib import Path

import pytest
from checkout import TESTS

from bench import __main__ as command
from bench.records import store

# A run of this scenario trains nothing and ends as it is told.
MISBEHAVING = [
    "+experiment=quickstart",
    "scenario._target_=misbehaving.Misbehaves",
    "~scenario.network",
    "~scenario.attack",
    "~scenario.dataset",
    "wandb.mode=disabled",
]


@pytest.fixture
def sweep(monkeypatch, capfd, tmp_path):
    """`python -m bench -m` in this process, in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(TESTS / "bench")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench", "-m", *arguments])
        code = command.main()
        return code, *capfd.readouterr()

    return call


def test_runs_that_left_the_network_as_it_was_are_named_at_the_end(sweep):
    small = ["scenario.network.epochs=2", "repair_images=100", "validation_images=50"]
    method = ["method=custom", "method._target_=mixed_repairs.Mixed", "+method.gives=bad,good"]
    code, _, err = sweep("+experiment=quickstart", *small, *method, "wandb.mode=disabled")
    assert code == 0
    end = err[err.index("1 of 2 runs left the network as it was:") :].splitlines()[1:]
    (why,) = (
        r.record.details["no_patch"]
        for r in store.contents("results/runs").runs
        if r.record.kept_original
    )
    assert end == [f"  method.gives=bad: {why}"]
    (ended,) = [line for line in err.splitlines() if "method.gives=bad: ok," in line]
    assert "no repair chosen" in ended


@pytest.mark.long
def test_no_run_ends_a_sweep_and_retry_does_again_what_failed(sweep, tmp_path):
    code, out, err = sweep(*MISBEHAVING, "+scenario.how=raises,refuses,late,crashes")
    assert code == 2
    found = [run.record for run in store.contents("results/runs").runs]
    statuses = {record.reason: record.status for record in found}
    crash = "its process was killed by SIGSEGV, as in a first attempt"
    assert statuses == {
        "ZeroDivisionError: one bad run": "error",
        crash: "error",
        "too late": "time_limit",
    }
    end = err[err.index("4 of 4 runs did not end with a repair") :]
    for how, reason in [
        ("raises", "ZeroDivisionError: one bad run"),
        ("refuses", "a setting that does not fit"),
        ("crashes", crash),
        ("late", "too late"),
    ]:
        (line,) = [line for line in end.splitlines() if f"scenario.how={how}:" in line]
        assert reason in line
    assert "retry=true" in end
    assert "misbehaving" in out or "quickstart" in out
    (log,) = [
        path for path in Path("results/runs").rglob("log.txt") if "ZeroDiv" in path.read_text()
    ]
    assert "Traceback" in log.read_text()
    assert "Traceback" not in out + err

    Path("mended").touch()
    before = {run.folder: run.record for run in store.contents("results/runs").runs}
    code, _, err = sweep(*MISBEHAVING, "+scenario.how=raises,late")
    assert "2 runs: 2 finished before, 0 to do." in err
    assert code == 1
    code, _, err = sweep(*MISBEHAVING, "+scenario.how=raises", "retry=true")
    assert code == 0
    after = {run.folder: run.record for run in store.contents("results/runs").runs}
    (changed,) = [folder for folder in before if after[folder] != before[folder]]
    assert after[changed].status == "time_limit"
    assert "ZeroDiv" not in (changed / "log.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seed=0,1"], "which experiment?"),
        ([*MISBEHAVING, "+scenario.how=late", "seed=interval(0,1)"], "seed=range(3)"),
        ([*MISBEHAVING, "+scenario.how=late", "sede=0,1"], "unknown setting 'sede'"),
        ([*MISBEHAVING, "+scenario.how=late", "seed=0,one"], "setting 'seed'"),
        ([*MISBEHAVING, "method=refit,refti"], "unknown method 'refti'"),
        ([*MISBEHAVING, "hydra/launcher=rocket", "seed=0,1"], "unknown hydra/launcher 'rocket'"),
    ],
)
def test_a_sweep_that_cannot_be_is_one_message(sweep, arguments, message):
    code, out, err = sweep(*arguments)
    assert code == 2
    assert len([line for line in err.splitlines() if message in line]) == 1
    assert "Traceback" not in out + err
    assert not Path("results").exists()


def test_ctrl_c_is_one_line_and_leaves_nothing_half_written(start_sweep, begun, tmp_path):
    process = start_sweep(*MISBEHAVING, "+scenario.how=late,lasts", "seed=0,1")
    begun(process, tmp_path, 3)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert [line for line in err.splitlines() if not line.startswith("[")] == [
        "4 runs: 0 finished before, 4 to do.",
        "Stopped. Finished runs are kept; the same command goes on from there.",
    ]
    assert len(store.contents(tmp_path / "results/runs").runs) == 2
    assert not list(tmp_path.rglob(".unfinished*"))


def test_two_sweeps_at_once_do_each_run_once(start_sweep, tmp_path):
    arguments = [*MISBEHAVING, "+scenario.how=meets", "seed=range(8)"]
    both = [start_sweep(*arguments) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(store.contents(tmp_path / "results/runs").runs) == 8
    done = [
        line
        for err in said
        for line in err.splitlines()
        if line.startswith("[") and "another sweep" not in line
    ]
    assert len(done) == 8


@pytest.mark.long
def test_a_sweep_killed_three_times_ends_with_the_records_of_an_undisturbed_one(
    start_sweep, begun, timeless_records, small_repairs, undisturbed, tmp_path
):
    killed = tmp_path / "killed"
    arguments = [*small_repairs, "seed=range(2)"]
    for number, name, alone in [(1, ".lock", True), (1, "record.json", False), (3, ".lock", True)]:
        process = start_sweep(*arguments, f"results_dir={killed}")
        begun(process, killed, number, name)
        if alone:
            process.kill()  # the command alone: its worker must end by itself
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert len(store.contents(killed).runs) < 4
    process = start_sweep(*arguments, f"results_dir={killed}")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    records, expected = timeless_records(killed), timeless_records(undisturbed)
    assert len(records) == 4
    assert records == {path: expected[path] for path in records}
    for path in records:
        for file in (undisturbed / path).glob("*.npz"):
            assert (killed / path / file.name).read_bytes() == file.read_bytes()


def test_several_at_a_time_and_a_crash_of_one_costs_the_others_nothing(sweep):
    code, _, err = sweep(
        *MISBEHAVING,
        "+cluster=joblib",
        "hydra.launcher.n_jobs=2",
        "+scenario.how=late,refuses,crashes",
    )
    assert code == 2
    assert sorted(run.record.status for run in store.contents("results/runs").runs) == [
        "error",
        "time_limit",
    ]
    for how, state in [("late", "time_limit"), ("refuses", "refused"), ("crashes", "error")]:
        assert len([line for line in err.splitlines() if f"how={how}: {state}" in line]) == 1


def test_more_runs_than_the_pool_takes_at_once_are_all_done(sweep):
    code, _, err = sweep(
        *MISBEHAVING,
        "+cluster=joblib",
        "hydra.launcher.n_jobs=2",
        "+scenario.how=late",
        "seed=range(12)",
    )
    assert code == 0, err
    assert len(store.contents("results/runs").runs) == 12
    assert sum(line.startswith("[") for line in err.splitlines()) == 12


@pytest.mark.parametrize(
    ("launcher", "package", "extra"),
    [("joblib", "joblib", "parallel"), ("submitit_slurm", "submitit", "slurm")],
)
def test_a_package_that_is_not_installed_is_named_with_what_to_install(
    launcher, package, extra, sweep, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    for place in ("pool", "cluster"):
        monkeypatch.delitem(sys.modules, f"bench.sweep.{place}", raising=False)
    code, _, err = sweep(*MISBEHAVING, f"hydra/launcher={launcher}", "seed=0,1")
    assert code == 2
    assert f"needs the package {package}, which" in err
    assert f"repairbench[{extra}]" in err
