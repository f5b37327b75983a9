"""A tracker that raises or hangs, at any of its steps, costs a run one warning and nothing else."""

import signal
import threading
from contextlib import contextmanager

import pytest

from bench.records import store
from bench.tracking.guard import Guard, guarded


class Fails:
    """A tracker of somebody's own that fails at one of its steps, by raising or by doing something else."""

    def __init__(self, at, how):
        self.at, self.how, self.steps = at, how, []

    def _step(self, name):
        self.steps.append(name)
        self.thread = threading.current_thread()
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
def test_a_tracker_that_raises_is_one_warning(at, error, told):
    tracker = Fails(at, raising(error))
    with guarded(lambda: tracker, 60) as following:
        for _ in range(3):
            following.log({"solve/gap": 0.5})
        following.finish(None)
    (said,) = told()
    assert f"at its {at}" in said
    assert type(error).__name__ in said
    assert "\n" not in said
    # One that was opened is told the rest, and closed.
    rest = ["progress"] * 3 + ["record", "end"]
    assert tracker.steps == ["start", *(rest if at != "start" else [])]


@pytest.mark.parametrize("error", [RuntimeError("no way"), SystemExit(3)])
@pytest.mark.parametrize("at", ["start", "record", "end"])
def test_a_run_and_its_exit_code_do_not_depend_on_it(
    at, error, repair, as_without, monkeypatch, told
):
    tracker = Fails(at, raising(error))
    monkeypatch.setattr("bench.tracking.wandb_run.wandb_run", lambda *_: tracker)
    code, folder = repair()
    assert code == 0
    assert len(told()) == 1
    as_without(folder)


@pytest.mark.parametrize("at", ["start", "record", "end"])
def test_ctrl_c_in_a_tracker_stops_the_command_and_what_is_done_is_kept(at, repair, monkeypatch):
    tracker = Fails(at, raising(KeyboardInterrupt()))
    monkeypatch.setattr("bench.tracking.wandb_run.wandb_run", lambda *_: tracker)
    code, folder = repair()
    assert code == 130
    assert len(store.contents(folder).runs) == (0 if at == "start" else 1)


@pytest.mark.parametrize("at", STEPS)
def test_a_tracker_that_hangs_is_left_behind(at, told):
    over = threading.Event()
    tracker = Fails(at, over.wait)
    with guarded(lambda: tracker, 0.2) as following:
        for _ in range(3):
            following.log({"solve/gap": 0.5})
        following.finish(None)
    (said,) = told()
    assert f"at its {at}: no answer within 0.2 s" in said
    assert tracker.steps[-1] == at  # it is not called again ...
    over.set()
    tracker.thread.join(60)  # ... until it answers, and then to end
    assert not tracker.thread.is_alive()
    assert tracker.steps[-1] == "end"
    assert tracker.steps.count("end") == 1


def test_ctrl_c_ends_the_wait_for_a_tracker_that_hangs(told):
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    over, guard = threading.Event(), Guard(60)

    def hangs():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        over.wait()

    with pytest.raises(KeyboardInterrupt):
        guard.do("record", hangs)
    assert guard.do("record", lambda: "asked again") is None
    over.set()
    guard.end(lambda: None)
    signal.signal(signal.SIGINT, handler)
    assert told() == []


def test_a_tracker_neither_hides_nor_changes_what_the_run_raises():
    tracker = Fails("end", raising(RuntimeError("something else")))
    with pytest.raises(ZeroDivisionError) as raised, guarded(lambda: tracker, 60):
        _ = 1 // 0
    assert raised.value.__context__ is None
    assert tracker.steps == ["start", "end"]


def test_a_tracker_is_called_by_one_thread(told):
    threads = set()

    @contextmanager
    def opened():
        threads.add(threading.current_thread())
        yield Fails("record", lambda: threads.add(threading.current_thread()))
        threads.add(threading.current_thread())

    with guarded(opened, 60) as following:
        following.finish(None)
    (one,) = threads
    one.join(60)  # and that ends with the run
    assert not one.is_alive()
    assert told() == []
