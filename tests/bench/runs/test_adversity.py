"""What happens around a run, and what is left of it: full disks, damaged records, changed configs, no W&B server."""

import os
import shutil
import subprocess
import sys
import textwrap
import time

import pytest
import wandb
from checkout import TESTS

from bench import __main__ as command
from bench.records import store

# A run that trains nothing: it ends as if at a time limit, which is a record like any other.
QUICK = [
    "+experiment=quickstart",
    "scenario._target_=misbehaving.Misbehaves",
    "+scenario.how=late",
    "~scenario.network",
    "~scenario.attack",
    "~scenario.dataset",
]


@pytest.fixture
def bench(monkeypatch, capfd, tmp_path):
    """The command with arguments, in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(TESTS / "bench")

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench", *QUICK, *arguments])
        code = command.main()
        return code, *capfd.readouterr()

    return call


def runs():
    return store.contents("results/runs").runs


def test_a_record_cut_in_half_is_named_and_the_run_done_again(bench):
    bench("wandb.mode=disabled")
    (before,) = runs()
    record = before.folder / store.RECORD
    record.write_bytes(record.read_bytes()[: record.stat().st_size // 2])
    code, _, err = bench("wandb.mode=disabled")
    assert code == 0
    (warning,) = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert str(record) in warning
    assert "not finished" in warning
    (after,) = runs()
    assert after.record.status == before.record.status


def test_a_changed_config_is_another_run_and_the_first_one_stays(bench):
    bench("wandb.mode=disabled")
    (first,) = runs()
    code, _, err = bench("wandb.mode=disabled", "repair_images=7")
    assert code == 0
    assert "finished before" not in err
    assert len(runs()) == 2
    assert first in runs()
    # What does not change a result is no other run.
    code, _, err = bench("wandb.mode=offline", "wandb.project=other")
    assert code == 0
    assert "finished before" in err
    assert len(runs()) == 2


def test_a_wandb_server_that_nobody_reaches_costs_a_warning_and_little_time(
    bench, monkeypatch, caplog
):
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.delenv("WANDB_MODE")
    wandb.teardown()  # W&B reads its environment once
    began = time.monotonic()
    code, _, _ = bench("wandb.mode=online", "wandb.timeout=5")
    wandb.teardown()
    assert time.monotonic() - began < 60
    assert code == 0
    assert caplog.text.count("http://127.0.0.1:9 does not answer") == 1
    (run,) = runs()
    assert run.record.status == "time_limit"


def test_a_full_disk_and_a_read_only_folder_are_one_message_each(tmp_path):
    """On a small file system of its own, in a namespace where this process may mount one."""
    script = """
        import subprocess, sys
        from pathlib import Path
        from bench.__main__ import main

        def bench(*arguments):
            sys.argv = ["bench", *QUICK, "results_dir=small", "wandb.mode=disabled", *arguments]
            print("code", main(), "records", len(list(Path("small").rglob("record.json"))), flush=True)

        ballast = Path("small/ballast")
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1024))
            except OSError:
                pass
        bench()
        ballast.unlink()
        bench()
        subprocess.run(["mount", "-o", "remount,ro", "small"], check=True)
        bench()
        bench("seed=1")
    """
    (tmp_path / "small").mkdir()
    (tmp_path / "script.py").write_text(
        f"QUICK = {QUICK!r}\n{textwrap.dedent(script)}", encoding="utf-8"
    )
    if shutil.which("unshare") is None:
        pytest.skip("no unshare: this test mounts a small file system")
    mount = "mount -t tmpfs -o size=128k none small"
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    possible = subprocess.run([*own_mounts, mount], cwd=tmp_path, capture_output=True, text=True)
    if possible.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {possible.stderr.strip()}")
    done = subprocess.run(
        [*own_mounts, f"{mount} && exec {sys.executable} script.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS / "bench"), str(TESTS)])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    codes = [line for line in done.stdout.splitlines() if line.startswith("code")]
    assert codes == ["code 2 records 0", "code 0 records 1", "code 0 records 1", "code 2 records 1"]
    assert done.stderr.count("the disk is full") == 1
    assert done.stderr.count("finished before") == 1
    assert done.stderr.count("the place is read-only") == 1
    assert "Traceback" not in done.stderr
