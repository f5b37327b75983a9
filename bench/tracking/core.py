"""W&B's own process, wandb-core: it begins before the first run and ends with this process, whatever it does."""

import atexit
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from functools import cache
from typing import Any

from bench.tracking.guard import Guard

_processes: list[subprocess.Popen[bytes]] = []


@cache
def begun(patience: float) -> None:
    """Begins it; `patience` is how many seconds the end of this process may wait for it."""
    import wandb  # here: who does not track does not wait for it

    place = tempfile.mkdtemp(prefix="wandb-")  # its sockets, some of which it leaves
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = place
    try:
        setup: Any = wandb.setup(wandb.Settings(silent=True))
    finally:
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before
        atexit.register(shutil.rmtree, place, ignore_errors=True)
    with suppress(AttributeError):  # another version of W&B may call it otherwise
        _processes.append(setup._connection._proc._process)
    guard = Guard(patience, kill)

    def end() -> None:
        with suppress(Exception, SystemExit):  # it has ended or died, and all runs with it
            wandb.teardown()

    atexit.register(guard.do, "end", end)  # before W&B's own, and after what begins later


def kill() -> None:
    """Kills it: threads of W&B that wait for its answer would keep this process from ending."""
    while _processes:
        process = _processes.pop()
        process.kill()
        process.wait()  # its own child lives as long as it does
