"""Waiting for what another process or thread does: until it is done, and never longer than a minute or two."""

import threading
import time
from collections.abc import Callable

INTERVAL = 0.02  # seconds between two looks


def until(
    condition: Callable[[], object], seconds: float = 120, why: Callable[[], object] = str
) -> object:
    """What `condition` gives as soon as it is true; an AssertionError with what `why` gives after the seconds."""
    deadline, never = time.monotonic() + seconds, threading.Event()
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited for {seconds} s. {why()}"
        never.wait(INTERVAL)
    return found
