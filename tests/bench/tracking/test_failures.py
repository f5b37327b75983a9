"""A server, a process or a disk that fails its tracker costs a run one warning and nothing else."""

import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import wandb
from checkout import ROOT, TESTS

from bench import __main__ as command
from bench.records import store
from bench.tracking import WandbSettings, core, opening, tracked

PAGE = b"<html><body>Welcome. Please log in.</body></html>"
CODES = {"unauthorized": 401, "broken": 500, "html": 200, "speechless": 200}


class Answers(BaseHTTPRequestHandler):
    """Answers every request as `server.kind` says."""

    def answer(self) -> None:
        kind = self.server.kind
        if kind == "silent" or (kind == "speechless" and self.command != "HEAD"):
            self.server.over.wait()
        if kind == "closes":
            self.connection.shutdown(socket.SHUT_RDWR)
        if kind not in CODES or self.server.over.is_set():
            self.close_connection = True
            return
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(CODES[kind])
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(PAGE)

    do_HEAD = do_GET = do_POST = answer  # noqa: N815  names that the base class looks for

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    kind = "html"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def fresh_wandb():
    """W&B as in a process that has not used it yet, and nothing of it afterwards."""

    def forget() -> None:
        with suppress(ConnectionError):  # a test killed its process
            wandb.teardown()  # W&B reads its environment once
        core.begun.cache_clear()
        opening._obstacles.clear()

    forget()
    yield
    forget()


@pytest.fixture
def server(monkeypatch):
    """A real server that W&B takes for its own."""
    serving = Server()
    thread = threading.Thread(target=serving.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("WANDB_BASE_URL", serving.url)
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
    monkeypatch.delenv("WANDB_MODE")
    yield serving
    serving.over.set()
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.mark.parametrize(
    "kind", ["unauthorized", "broken", "html", "closes", "speechless", "silent"]
)
@pytest.mark.usefixtures("fresh_wandb")
def test_whatever_a_server_answers_is_one_warning_and_the_repair_is_done(
    server, kind, repair, as_without, told
):
    server.kind = kind
    code, folder = repair("wandb.mode=online", "wandb.timeout=2")
    assert code == 0
    (said,) = told()
    assert server.url in said
    assert "scripts/wandb_sync.sh" in said
    as_without(folder)
    (kept,) = (folder / "wandb").glob("offline-run-*")
    (run,) = store.contents(folder).runs
    name = f"quickstart-{run.record.config_hash}-0"
    of_its_own = kind not in ("closes", "silent")  # those are not even asked for a run
    assert (not kept.name.endswith(name)) == of_its_own
    assert f"-{name}" in kept.name
    (results,) = (folder / "wandb" / "quickstart-results").glob("*/wandb/offline-run-*-results*")
    listed = subprocess.run(
        [ROOT / "scripts" / "wandb_sync.sh", folder, "--dry-run"],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(path.name in listed.stdout + listed.stderr for path in (kept, results))


def test_a_sweep_beside_a_server_that_refuses_is_a_sweep_like_any_other(
    server, start_sweep, small_repairs, tmp_path
):
    server.kind = "unauthorized"
    settings = [text for text in small_repairs if not text.startswith("wandb.")]
    process = start_sweep(*settings, "wandb.mode=online", "wandb.timeout=5")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    folder = tmp_path / "results" / "runs"
    assert [run.record.status for run in store.contents(folder).runs] == ["ok", "ok"]
    logs = "".join(path.read_text() for path in folder.rglob(store.LOG))
    assert logs.count("W&B runs are kept offline") == 1  # said once in a process
    assert "Traceback" not in logs + err


def test_a_run_leaves_nothing_of_wandb_in_the_temporary_folder(server, tmp_path):
    (tmp_path / "temporary").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "bench", *QUICK, "wandb.mode=online", "wandb.timeout=5"],
        cwd=tmp_path,
        env={
            **os.environ,
            "TMPDIR": str(tmp_path / "temporary"),
            "PYTHONPATH": os.pathsep.join([str(TESTS / "bench"), str(TESTS), str(ROOT)]),
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("kept offline") == 1
    assert list((tmp_path / "temporary").iterdir()) == []


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
def quick(monkeypatch, capfd, tmp_path):
    """That run, in this process: exit code, the records, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(TESTS / "bench")

    def call(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["bench", *QUICK, *arguments])
        code = command.main()
        return code, store.contents("results/runs").runs, capfd.readouterr().err

    return call


@pytest.mark.parametrize("program", ["no-such-program", "/bin/false"])
@pytest.mark.parametrize("mode", ["offline", "online"])
@pytest.mark.usefixtures("fresh_wandb")
def test_wandb_that_cannot_start_its_process(program, mode, server, quick, monkeypatch, told):
    monkeypatch.setattr("wandb.sdk.lib.service.service_process.get_core_path", lambda: program)
    code, runs, err = quick(f"wandb.mode={mode}")
    assert code == 0
    assert len(runs) == 1
    (said,) = told()
    assert "The tracker failed at its start" in said
    assert "Traceback" not in err


@pytest.mark.usefixtures("fresh_wandb")
def test_wandb_whose_process_dies(tmp_path, record_of, told):
    record = record_of()
    named = {"experiment": "poison_mnist", "config_hash": record.config_hash, "seed": 0}
    folder = store.run_folder(tmp_path, *named.values())
    with tracked(WandbSettings(timeout=2), results_dir=tmp_path, **named, config={}) as tracker:
        (process,) = core._processes[-1:]
        process.kill()
        process.wait()
        tracker.finish(store.save(folder, record, {}))
    assert len(told()) == 1
    assert isinstance(store.finished(folder), store.Stored)


def test_wandb_whose_process_hangs_keeps_no_command_from_ending(tmp_path):
    code = """
import os, signal, sys
from pathlib import Path
from conftest import make_record
from bench.records import store
from bench.tracking import WandbSettings, core, tracked
WandbSettings.patience = 8.0
record, root = make_record(), Path(sys.argv[1])
named = {"experiment": "poison_mnist", "config_hash": record.config_hash, "seed": 0}
folder = store.run_folder(root, *named.values())
with tracked(WandbSettings(), results_dir=root, **named, config={}) as tracker:
    os.kill(core._processes[-1].pid, signal.SIGSTOP)
    tracker.finish(store.save(folder, record, {}))
print(store.finished(folder).record.status)
"""
    (tmp_path / "temporary").mkdir()
    folders = os.pathsep.join(map(str, (TESTS / "bench", TESTS, ROOT)))
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        env={**os.environ, "PYTHONPATH": folders, "TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
    assert done.stderr.count("no answer within 8 s") == 1
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("backend", ["wandb", "tensorboard"])
@pytest.mark.usefixtures("fresh_wandb")
def test_a_place_where_the_tracker_cannot_write(backend, quick, told, tmp_path):
    (tmp_path / "results" / "runs").mkdir(parents=True)
    (tmp_path / "results" / "runs" / backend).write_text("a file in the place of the folder")
    code, runs, err = quick(f"tracking={backend}")
    assert code == 0
    assert len(runs) == 1
    (said,) = told()
    assert "runs/" + backend in said
    assert "Traceback" not in err


@pytest.mark.parametrize("backend", ["wandb", "tensorboard"])
def test_a_disk_without_room_for_the_tracker(backend, small_repairs, tmp_path):
    """The tracker's folder is a small and full file system, in a namespace where one may be mounted."""
    folder = tmp_path / "runs" / backend
    folder.mkdir(parents=True)
    if shutil.which("unshare") is None:
        pytest.skip("no unshare: this test mounts a small file system")
    fill = f"mount -t tmpfs -o size=16k none {folder} && cat /dev/zero > {folder}/ballast"
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    full = subprocess.run([*own_mounts, fill], capture_output=True, text=True)
    if "No space left on device" not in full.stderr:
        pytest.skip(f"no file system can be mounted here: {full.stderr.strip()}")
    settings = [text for text in small_repairs if not text.startswith(("wandb.", "method.pass"))]
    bench = [sys.executable, "-m", "bench", *settings, "method.passing_tests=0"]
    bench += [f"tracking={backend}", f"results_dir={tmp_path / 'runs'}"]
    (tmp_path / "temporary").mkdir()
    done = subprocess.run(
        [*own_mounts, f"{fill} 2> {os.devnull}; exec {shlex.join(bench)}"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("The tracker failed") == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    (run,) = store.contents(tmp_path / "runs").runs
    assert run.record.status == "ok"
    assert list((tmp_path / "temporary").iterdir()) == []
