"""What a sweep will take, from the records of earlier runs: how many runs, how long, how much memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table
from rich.text import Text

from bench.records.record import Record
from bench.runs.specification import method_name
from bench.sweep.plan import Job
from repair.weights.status import RepairStatus

# What earlier runs may have in common with new ones, from the most alike to the least.
_LIKENESS = (
    ("these settings, other seeds", ("experiment", "config_hash")),
    ("this experiment and method", ("experiment", "method")),
    ("this scenario and method", ("scenario", "method")),
    ("this method", ("method",)),
)


@dataclass(frozen=True)
class Expected:
    """Runs that differ in their seed alone, by the records of earlier ones like them.

    Attributes:
        label: the settings that tell them from the sweep's other runs.
        runs: how many are still to be done.
        seconds: median of one earlier run; None where there is none.
        memory_mb: largest peak of the earlier ones, MiB; None where it was not recorded.
        records: how many earlier ones there are.
        likeness: what they have in common with these.
    """

    label: str
    runs: int
    seconds: float | None
    memory_mb: int | None
    records: int
    likeness: str


def expected(jobs: Sequence[Job], records: Sequence[Record]) -> tuple[Expected, ...]:
    """For each kind of run to be done what the records say; those of runs that failed say nothing."""
    useful = [record for record in records if record.status is not RepairStatus.ERROR]
    kinds: dict[str, list[Job]] = {}
    for job in jobs:
        kinds.setdefault(_label(job), []).append(job)
    return tuple(_expected(label, alike, useful) for label, alike in kinds.items())


def _expected(label: str, jobs: Sequence[Job], records: Sequence[Record]) -> Expected:
    kind = _kind(jobs[0])
    for likeness, fields in _LIKENESS:
        alike = [r for r in records if all(getattr(r, name) == kind[name] for name in fields)]
        if alike:
            peaks = [record.environment.get("peak_memory_mb") for record in alike]
            return Expected(
                label,
                len(jobs),
                median(record.seconds["total"] for record in alike),
                max((peak for peak in peaks if isinstance(peak, int)), default=None),
                len(alike),
                likeness,
            )
    return Expected(label, len(jobs), None, None, 0, "")


def _kind(job: Job) -> dict[str, str]:
    config = job.config
    repairs = config["task"] == "repair"
    return {
        "experiment": config["experiment"],
        "config_hash": job.specification.about.config_hash if job.specification else "",
        "scenario": str(config["scenario"].get("name")) if repairs else config["experiment"],
        "method": method_name(config) if repairs else config["task"],
    }


def _label(job: Job) -> str:
    parts = [part for part in job.label.split() if not part.startswith("seed=")]
    return " ".join(parts) or "all seeds"


def table(kinds: Sequence[Expected]) -> Table:
    """A line for each kind of run."""
    shown = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("to do", "runs", "seconds each", "peak MiB", "records"):
        shown.add_column(name, overflow="fold")
    for kind in kinds:
        shown.add_row(
            Text(kind.label),
            str(kind.runs),
            "?" if kind.seconds is None else f"{kind.seconds:.1f}",
            "?" if kind.memory_mb is None else f"{kind.memory_mb:,}",
            f"{kind.likeness}: {kind.records}" if kind.records else "no record",
        )
    return shown


def total(kinds: Sequence[Expected]) -> str:
    """All of it in a sentence."""
    known = [kind for kind in kinds if kind.seconds is not None]
    parts = []
    if known:
        seconds = sum(kind.runs * (kind.seconds or 0.0) for kind in known)
        parts.append(f"about {_duration(seconds)}, one after another")
    peaks = [kind.memory_mb for kind in known if kind.memory_mb is not None]
    if peaks:
        parts.append(f"up to {max(peaks):,} MiB for each run at a time")
    unknown = sum(kind.runs for kind in kinds if kind.seconds is None)
    if unknown:
        parts.append(f"{unknown} runs of which no record tells anything")
    return "; ".join(parts) + "."


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
