"""How a sweep stands: a live table on a terminal, a line for each run that ends elsewhere."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.escape import terminal
from bench.records import store
from bench.records.rows import row
from bench.sweep.job import Outcome
from bench.sweep.plan import Job
from repair.weights.status import RepairStatus

_COLOURS = {RepairStatus.OK: "green", "running": "cyan", "waiting": "dim"}
_REFRESH = 0.5  # seconds


class Board:
    """Shows the runs of a sweep while the block is open.

    What runs is seen by its lock on the disk, so it is the same for every kind of launcher.

    Args:
        jobs: those to be done.
        finished: how many runs of the sweep were finished before.
    """

    def __init__(self, jobs: Sequence[Job], finished: int) -> None:
        self._jobs, self._finished = jobs, finished
        self._states: dict[Job, tuple[str, str]] = {}
        self._began: dict[Job, float] = {}
        self._start = time.monotonic()
        self._live: Live | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._refresh, daemon=True)

    def __enter__(self) -> "Board":
        if sys.stderr.isatty() and self._jobs:
            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self._live.start()
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._live is not None:
            self._thread.join()
            self._live.stop()

    def ended(self, job: Job, outcome: Outcome) -> None:
        """A run has ended."""
        figures = _figures(job) if outcome.state == RepairStatus.OK else outcome.reason or ""
        self._states[job] = (outcome.state, figures)
        count = f"[{len(self._states)}/{len(self._jobs)}]"
        if self._live is None:
            elsewhere = "" if outcome.new else " (done by another sweep meanwhile)"
            line = f"{count} {job.label}: {outcome.state}{elsewhere}, {figures}".rstrip(" ,")
            print(terminal(line), file=sys.stderr, flush=True)

    def _refresh(self) -> None:
        while not self._stop.wait(_REFRESH):
            if self._live is not None:
                self._live.update(self._table(self._live.console.height), refresh=True)

    def _table(self, height: int) -> Group:
        states = {job: self._state(job) for job in self._jobs}
        counts = Counter(state for state, _ in states.values())
        seconds = time.monotonic() - self._start
        head = ", ".join(f"{number} {state}" for state, number in counts.items())
        before = f"{self._finished} finished before, " if self._finished else ""
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("run", "state", ""):
            table.add_column(name, no_wrap=True)
        for job in _most_telling(states, height - 4):
            state, text = states[job]
            table.add_row(
                Text(job.label), Text(state, _COLOURS.get(state, "red")), Text(terminal(text))
            )
        return Group(Text(f"{before}{head}; {seconds:.0f} s"), table)

    def _state(self, job: Job) -> tuple[str, str]:
        if job in self._states:
            return self._states[job]
        if job.specification is None or not store.busy(job.specification.folder):
            self._began.pop(job, None)
            return "waiting", ""
        began = self._began.setdefault(job, time.monotonic())
        return "running", f"{time.monotonic() - began:.0f} s"


def _most_telling(states: dict[Job, tuple[str, str]], rows: int) -> list[Job]:
    """As many runs as fit: those that run, then the last that ended, then the next; in order."""
    order = list(states)
    running = [job for job in order if states[job][0] == "running"]
    waiting = [job for job in order if states[job][0] == "waiting"]
    ended = [job for job in order if states[job][0] not in ("running", "waiting")]
    room = max(rows - len(running), 0)
    late = ended[-max(room - min(len(waiting), room // 3), 1) :] if room else []
    shown = {*running[:rows], *late, *waiting[: room - len(late)]}
    return [job for job in order if job in shown]


def _figures(job: Job) -> str:
    record = job.record()
    if record is None:
        return ""
    line = row(record)
    pairs = [
        f"{name} {line[f'{name}_before']:.2f} -> {line[f'{name}_after']:.2f} %"
        for name in ("clean", "defect")
        if line[f"{name}_before"] is not None and line[f"{name}_after"] is not None
    ]
    kept = ["no repair chosen"] if record.kept_original else []
    return ", ".join((*pairs, *kept, f"{record.seconds['total']:.1f} s"))
