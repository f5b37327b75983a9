"""Progress for a person: a live line with the time on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

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
