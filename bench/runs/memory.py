"""How much memory a piece of work took, for the record and for estimates of sweeps."""

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PROC = Path("/proc/self")


@contextmanager
def measured() -> Iterator[Callable[[], dict[str, int]]]:
    """Calling what this yields, inside or after, gives {"peak_memory_mb": ...}: resident memory, MiB.

    On Linux it is the peak since the block began; elsewhere the largest of the process so far.
    """
    # Linux lets a process reset its own peak; without that a long-lived worker would report its largest run for all.
    with suppress(OSError):
        (_PROC / "clear_refs").write_text("5")
    yield lambda: {"peak_memory_mb": _peak_bytes() >> 20}


def _peak_bytes() -> int:
    with suppress(OSError, StopIteration):
        lines = (_PROC / "status").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM:"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # In bytes there, in KiB elsewhere.
    return peak if sys.platform == "darwin" else peak << 10
