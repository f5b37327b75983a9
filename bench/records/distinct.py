"""Records of one run in several folders, such as a copy of the results: the run counts once."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.records.record import to_json
from bench.records.store import Contents, Stored

# That many conflicts are told one by one.
_NAMED = 5


@dataclass(frozen=True)
class Distinct:
    """Runs of which no two have the same experiment, config hash and seed.

    Attributes:
        runs: the runs.
        notes: what was left out, a sentence each: copies by their number, others by their folders.
    """

    runs: tuple[Stored, ...]
    notes: tuple[str, ...] = ()


def distinct(folders: Iterable[Contents]) -> Distinct:
    """Each run once, of one or more results folders.

    Of several records the first counts: by the order of the results folders, within one the record that is least deep,
    where a run would look for it. The same record twice is a copy; records of different content, such as of the run
    done on two machines, are two answers of which one is left out, which is worth a warning.
    """
    runs = [run for contents in folders for run in sorted(contents.runs, key=_depth)]
    first: dict[tuple[str, str, int], Stored] = {}
    seen: set[Path] = set()
    copies, conflicts = 0, []
    for run in runs:
        folder = run.folder.resolve()
        # Of results folders one within the other.
        if folder in seen:
            continue
        seen.add(folder)
        record = run.record
        kept = first.setdefault((record.experiment, record.config_hash, record.seed), run)
        if kept is run:
            continue
        if to_json(kept.record) == to_json(record):
            copies += 1
        else:
            conflicts.append(_conflict(kept, run))
    return Distinct(tuple(first.values()), tuple(_notes(copies, conflicts)))


def _depth(run: Stored) -> int:
    return len(run.folder.parts)


def _conflict(kept: Stored, other: Stored) -> str:
    return (
        f"warning: {other.folder} does not count: {kept.folder} has another record of the same run. Name the results "
        "folder first that shall count."
    )


def _notes(copies: int, conflicts: list[str]) -> Iterable[str]:
    if copies:
        yield f"note: {copies} records are copies of others; each run counts once."
    yield from conflicts[:_NAMED]
    if len(conflicts) > _NAMED:
        yield f"warning: so do {len(conflicts) - _NAMED} further records not count."
