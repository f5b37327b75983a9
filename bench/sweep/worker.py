"""A process apart that does runs one after another: what kills it, kills one run and not the sweep."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from omegaconf import DictConfig

from bench.sweep.job import Outcome, job
from bench.sweep.plan import Job

_GRACE = 10.0  # seconds for a run to stop by itself on Ctrl-C


def own_process(jobs: Sequence[Job], wait_for_others: bool) -> Iterator[tuple[Job, Outcome]]:
    """Does the runs, and yields how each ended.

    A run whose process died (a crash of a solver, no memory left, a signal from outside) is tried
    again once, after the others; then its record says "error".
    """
    worker = _Worker()
    again: list[Job] = []
    try:
        for one in jobs:
            outcome = worker.do(one, wait_for_others)
            if outcome.state == "lost":
                again.append(one)
            else:
                yield one, outcome
        for one in again:
            outcome = worker.do(one, wait_for_others)
            if outcome.state == "lost":
                outcome = worker.do(one, death=f"{outcome.reason}, as in a first attempt")
            yield one, outcome
    finally:
        worker.close()


class _Worker:
    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None

    def do(self, one: Job, wait_for_others: bool = True, death: str | None = None) -> Outcome:
        """Does a run in the process, begun anew if there is none."""
        process, connection = self._running()
        connection.send((one.config, wait_for_others, death))
        wait([connection, process.sentinel])
        try:
            return connection.recv()
        except (EOFError, OSError):  # it died before, or while, it answered
            process.join()
            self.close()
            return Outcome("lost", f"its process {_end(process.exitcode)}")

    def _running(self) -> tuple[multiprocessing.process.BaseProcess, Connection]:
        if self._process is None or self._connection is None:
            context = multiprocessing.get_context("spawn")  # JAX has threads, which fork breaks
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs,), name="run")
            handler = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited while it starts
            try:
                self._process.start()
            finally:
                signal.signal(signal.SIGINT, handler)
            theirs.close()
        return self._process, self._connection

    def close(self) -> None:
        """Ends the process: it stops at the end of its run, or now, if Ctrl-C reached it."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.join(_GRACE)
            self._process.kill()
            self._process.join()
        self._process = self._connection = None


def _serve(connection: Connection) -> None:
    """The process: runs come, outcomes go, until the other end closes or Ctrl-C."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for config, wait_for_others, death in _received(connection):
            outcome = job(config, wait_for_others, death)
            with suppress(OSError):  # the other end is gone; the store has the run
                connection.send(outcome)


def _received(connection: Connection) -> Iterator[tuple[DictConfig, bool, str | None]]:
    with suppress(EOFError, OSError):
        while True:
            yield connection.recv()


def _end_with_parent() -> None:
    # A killed sweep leaves nothing running: its lock is free at once, and the store holds no half of a run.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _end(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"ended with exit code {exitcode}"
    name = signal.Signals(-exitcode).name
    memory = " (perhaps for want of memory)" if name == "SIGKILL" else ""
    return f"was killed by {name}{memory}"
