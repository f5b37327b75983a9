"""A tracker decides nothing about its run: what it raises is one warning, and where it hangs it is left behind."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from bench.records.store import Stored
from bench.tracking.tracker import NoTracker, Tracker

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Guard:
    """Calls a tracker from a thread of its own, and says of all that goes wrong with it the first.

    The thread begins at once (as a process ends, Python 3.12 begins none) and ends with `end`.

    Args:
        patience: seconds that a call may take; a tracker that takes longer is not called again.
        abandon: ends what a call waits for that nobody waits for any more.
    """

    def __init__(self, patience: float, abandon: Callable[[], object] = lambda: None) -> None:
        self._patience, self._abandon = patience, abandon
        self._waits = self._warned = False
        self._calls: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        threading.Thread(target=self._serve, name="tracker", daemon=True).start()

    def do(self, what: str, call: Callable[[], _T]) -> _T | None:
        """What the call returns; None where it failed.

        Raises:
            KeyboardInterrupt: Ctrl-C, here or there: a tracker's exceptions do not end a run, a person does.
        """
        if self._waits:
            return None
        answer: SimpleQueue[tuple[_T | None, BaseException | None]] = SimpleQueue()

        def answered() -> None:
            try:
                answer.put((call(), None))
            except BaseException as error:  # noqa: BLE001 - SystemExit too
                answer.put((None, error))

        self._waits = True  # until it answers; Ctrl-C or a signal of a cluster may come first
        self._calls.put(answered)
        try:
            value, error = answer.get(timeout=self._patience)
            self._waits = False
        except Empty:
            self._warn(what, f"no answer within {self._patience:g} s")
            return None
        finally:
            if self._waits:
                self._abandon()
        if isinstance(error, KeyboardInterrupt):
            raise error
        if error is not None:
            self._warn(what, reason(error))
        return value

    def end(self, call: Callable[[], object]) -> None:
        """The last call, after one that hangs too: the tracker's own thread ends it, whenever that may be."""
        if self._waits:
            self._calls.put(call)
        else:
            self.do("end", call)
        self._calls.put(None)

    def _serve(self) -> None:
        while (call := self._calls.get()) is not None:
            with suppress(BaseException):  # nobody waits any more
                call()

    def _warn(self, what: str, why: str) -> None:
        if not self._warned:
            _log.warning("The tracker failed at its %s: %s. The run itself goes on.", what, why)
        self._warned = True


@contextmanager
def guarded(
    opening: Callable[[], AbstractContextManager[Tracker]],
    patience: float,
    abandon: Callable[[], object] = lambda: None,
) -> Iterator[Tracker]:
    """The tracker that `opening` opens for this block, under guard; one of nothing where it cannot be opened.

    A block that raises ends the tracker with its exception, which then goes on. See also `Guard`.
    """
    stack, guard = ExitStack(), Guard(patience, abandon)
    try:
        tracker = guard.do("start", lambda: stack.enter_context(opening()))
        yield _Guarded(tracker, guard) if tracker is not None else NoTracker()
    except BaseException as error:
        raised = error  # the name `error` ends with this block, the other thread may not
        guard.end(lambda: stack.__exit__(type(raised), raised, raised.__traceback__))
        raise
    guard.end(stack.close)


def reason(error: BaseException) -> str:
    """An exception in one line."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return said[:300].rstrip(": .")


class _Guarded:
    def __init__(self, tracker: Tracker, guard: Guard) -> None:
        self._tracker, self._guard = tracker, guard

    def log(self, values: Mapping[str, float]) -> None:
        self._guard.do("progress", lambda: self._tracker.log(values))

    def finish(self, stored: Stored) -> None:
        self._guard.do("record", lambda: self._tracker.finish(stored))
