"""A tracker that fails, whatever fails and wherever, costs a run one warning and nothing else."""

import logging
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import wandb
from checkout import ROOT, TESTS

from bench import __main__ as command
from bench.records import store
from bench.tracking import WandbSettings, tracked
from bench.tracking import opening as wandb_opening
from bench.tracking.guard import Guard, guarded

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
        wandb_opening._begun.cache_clear()
        wandb_opening._obstacles.clear()

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


@pytest.fixture
def repair(monkeypatch, capfd, small_repairs, tmp_path):
    """One small repair by `python -m bench`, in this process: exit code, results folder."""
    monkeypatch.chdir(tmp_path)
    settings = [text for text in small_repairs if not text.startswith(("wandb.", "method.pass"))]

    def call(*arguments: str, results: str = "runs") -> tuple[int, Path]:
        folder = tmp_path / results
        given = [*settings, "method.passing_tests=0", *arguments, f"results_dir={folder}"]
        monkeypatch.setattr(sys, "argv", ["bench", *given])
        code = command.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, folder

    return call


@pytest.fixture(scope="module")
def untracked_records() -> dict:
    """The record of that repair without a tracker, once it is known."""
    return {}


@pytest.fixture
def as_without(repair, untracked_records, timeless_records):
    """Compares the records below a folder with that of the same repair without a tracker."""

    def compare(folder: Path) -> None:
        if not untracked_records:
            code, untracked = repair("wandb.mode=disabled", results="untracked")
            assert code == 0
            untracked_records.update(timeless_records(untracked))
        assert len(untracked_records) == 1
        assert timeless_records(folder) == untracked_records

    return compare


def warnings(caplog) -> list[str]:
    """What a person is told of a tracker; W&B's own log goes to its files alone."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and record.name.startswith("bench")
    ]


@pytest.mark.parametrize(
    "kind", ["unauthorized", "broken", "html", "closes", "speechless", "silent"]
)
@pytest.mark.usefixtures("fresh_wandb")
def test_whatever_a_server_answers_is_one_warning_and_the_repair_is_done(
    server, kind, repair, as_without, caplog
):
    server.kind = kind
    code, folder = repair("wandb.mode=online", "wandb.timeout=2")
    assert code == 0
    (said,) = warnings(caplog)
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


class Fails:
    """A tracker of somebody's own that fails at one of its steps, by raising or by doing something else."""

    def __init__(self, at, how):
        self.at, self.how, self.steps = at, how, []

    def _step(self, name):
        self.steps.append(name)
        if name == self.at:
            self.how()

    def __enter__(self):
        self._step("start")
        return self

    def log(self, values):
        self._step("progress")

    def finish(self, stored):
        self._step("record")

    def __exit__(self, *_):
        self._step("end")
        return True  # it may not swallow what the run raises either


def raising(error):
    def raises():
        raise error

    return raises


STEPS = ["start", "progress", "record", "end"]


@pytest.mark.parametrize("error", [RuntimeError("no\nway"), SystemExit(3), GeneratorExit()])
@pytest.mark.parametrize("at", STEPS)
def test_a_tracker_that_raises_is_one_warning(at, error, caplog):
    tracker = Fails(at, raising(error))
    with guarded(lambda: tracker, 60) as following:
        for _ in range(3):
            following.log({"solve/gap": 0.5})
        following.finish(None)
    (said,) = warnings(caplog)
    assert f"at its {at}" in said
    assert type(error).__name__ in said
    assert "\n" not in said
    # One that was opened is told the rest, and closed.
    rest = ["progress"] * 3 + ["record", "end"]
    assert tracker.steps == ["start", *(rest if at != "start" else [])]


@pytest.mark.parametrize("error", [RuntimeError("no way"), SystemExit(3)])
@pytest.mark.parametrize("at", ["start", "record", "end"])
def test_a_run_and_its_exit_code_do_not_depend_on_it(
    at, error, repair, as_without, monkeypatch, caplog
):
    tracker = Fails(at, raising(error))
    monkeypatch.setattr("bench.tracking.wandb_run.wandb_run", lambda *_: tracker)
    code, folder = repair()
    assert code == 0
    assert len(warnings(caplog)) == 1
    as_without(folder)


@pytest.mark.parametrize("at", ["start", "record", "end"])
def test_ctrl_c_in_a_tracker_stops_the_command_and_what_is_done_is_kept(at, repair, monkeypatch):
    tracker = Fails(at, raising(KeyboardInterrupt()))
    monkeypatch.setattr("bench.tracking.wandb_run.wandb_run", lambda *_: tracker)
    code, folder = repair()
    assert code == 130
    assert len(store.contents(folder).runs) == (0 if at == "start" else 1)


@pytest.mark.parametrize("at", STEPS)
def test_a_tracker_that_hangs_is_left_behind(at, caplog):
    over = threading.Event()
    tracker = Fails(at, over.wait)
    with guarded(lambda: tracker, 0.2) as following:
        for _ in range(3):
            following.log({"solve/gap": 0.5})
        following.finish(None)
    (said,) = warnings(caplog)
    assert f"at its {at}: no answer within 0.2 s" in said
    assert tracker.steps[-1] == at  # it is not called again
    over.set()


def test_ctrl_c_ends_the_wait_for_a_tracker_that_hangs(caplog):
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    over, guard = threading.Event(), Guard(60)

    def hangs():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        over.wait()

    with pytest.raises(KeyboardInterrupt):
        guard.do("record", hangs)
    assert guard.do("end", lambda: "asked again") is None
    over.set()
    guard.close()
    signal.signal(signal.SIGINT, handler)
    assert warnings(caplog) == []


def test_a_tracker_neither_hides_nor_changes_what_the_run_raises():
    tracker = Fails("end", raising(RuntimeError("something else")))
    with pytest.raises(ZeroDivisionError) as raised, guarded(lambda: tracker, 60):
        _ = 1 // 0
    assert raised.value.__context__ is None
    assert tracker.steps == ["start", "end"]


def test_a_tracker_is_called_by_one_thread(caplog):
    threads = set()

    @contextmanager
    def opening():
        threads.add(threading.current_thread())
        yield Fails("record", lambda: threads.add(threading.current_thread()))
        threads.add(threading.current_thread())

    with guarded(opening, 60) as following:
        following.finish(None)
    (one,) = threads
    one.join(60)  # and that ends with the run
    assert not one.is_alive()
    assert warnings(caplog) == []


@pytest.mark.parametrize("core", ["no-such-program", "/bin/false"])
@pytest.mark.parametrize("mode", ["offline", "online"])
@pytest.mark.usefixtures("fresh_wandb")
def test_wandb_that_cannot_start_its_process(core, mode, server, quick, monkeypatch, caplog):
    monkeypatch.setattr("wandb.sdk.lib.service.service_process.get_core_path", lambda: core)
    code, runs, err = quick(f"wandb.mode={mode}")
    assert code == 0
    assert len(runs) == 1
    (said,) = warnings(caplog)
    assert "The tracker failed at its start" in said
    assert "Traceback" not in err


@pytest.mark.usefixtures("fresh_wandb")
def test_wandb_whose_process_dies(tmp_path, record_of, caplog):
    record = record_of()
    named = {"experiment": "poison_mnist", "config_hash": record.config_hash, "seed": 0}
    folder = store.run_folder(tmp_path, *named.values())
    with tracked(WandbSettings(timeout=2), results_dir=tmp_path, **named, config={}) as tracker:
        core = wandb.setup()._connection._proc._process
        core.kill()
        core.wait()
        tracker.finish(store.save(folder, record, {}))
    assert len(warnings(caplog)) == 1
    assert isinstance(store.finished(folder), store.Stored)


@pytest.mark.parametrize("backend", ["wandb", "tensorboard"])
@pytest.mark.usefixtures("fresh_wandb")
def test_a_place_where_the_tracker_cannot_write(backend, quick, caplog, tmp_path):
    (tmp_path / "results" / "runs").mkdir(parents=True)
    (tmp_path / "results" / "runs" / backend).write_text("a file in the place of the folder")
    code, runs, err = quick(f"tracking={backend}")
    assert code == 0
    assert len(runs) == 1
    (said,) = warnings(caplog)
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
