"""Progress for a person: a live line with the time on a terminal, plain lines elsewhere; or a log file."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def stage(what: str) -> Iterator[None]:
    """Shows that something is going on, and how long it took, on standard error."""
    began = time.perf_counter()
    if sys.stderr.isatty():
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as progress:
            progress.add_task(what, total=None)
            yield
        return
    print(f"{what} ...", file=sys.stderr, flush=True)
    yield
    print(f"{what}: {time.perf_counter() - began:.1f} s", file=sys.stderr, flush=True)


@contextmanager
def printed_to(path: Path) -> Iterator[None]:
    """What this process prints goes to the end of a file: that of native libraries too."""
    streams = (sys.stdout, sys.stderr)
    _flush(streams)
    kept = {number: os.dup(number) for number in (1, 2)}
    try:
        with path.open("ab") as file:
            for number in kept:
                os.dup2(file.fileno(), number)
        yield
    finally:
        _flush(streams)
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)


def _flush(streams: tuple[TextIO, ...]) -> None:
    for stream in streams:
        with suppress(OSError):  # a full disk: the record will say so
            stream.flush()
