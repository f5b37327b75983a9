"""What a replay gives: each published row with ours, and the tables made of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TypeVar

from bench.records.rows import Value
from bench.replay.tables import Counts, Key
from bench.report.tables import Table

STATUSES = ("equal", "within one", "different", "not rebuilt")
_K = TypeVar("_K")
_KEY = tuple(Key.__dataclass_fields__)


@dataclass(frozen=True)
class ReplayedRow:
    """A published row with ours.

    Attributes:
        key: the table that the row is in.
        row: the name of the row.
        published, ours: the counts of the row, as `bench.replay.tables.PublishedTable` orders them; None where the row
            cannot be rebuilt.
        reason: why the counts differ, where that is known; "" otherwise.
    """

    key: Key
    row: str
    published: Counts
    ours: Counts | None
    reason: str = ""

    @property
    def difference(self) -> int | None:
        """The largest difference of a count, in inputs."""
        if self.ours is None:
            return None
        return max(abs(a - b) for a, b in zip(self.published, self.ours, strict=True))

    @property
    def status(self) -> str:
        """One of STATUSES."""
        return "not rebuilt" if self.difference is None else STATUSES[min(self.difference, 2)]


@dataclass(frozen=True)
class Replay:
    """All rows of a replay."""

    rows: tuple[ReplayedRow, ...]

    @cached_property
    def metrics(self) -> dict[str, int]:
        """Rows compared, and single counts of them."""
        pairs = [p for x in self.rows if x.ours for p in zip(x.published, x.ours, strict=True)]
        return {
            "tables": len({row.key for row in self.rows}),
            **_statuses(self.rows),
            "counts_compared": len(pairs),
            "counts_equal": sum(published == ours for published, ours in pairs),
        }

    def summary(self) -> str:
        """The sums in one line of text."""
        sums = _statuses(self.rows)
        return (
            f"{sums['rows_equal']} of {sums['rows_compared']} rows equal,"
            f" {sums['rows_within_one']} within one, {sums['rows_different']} different,"
            f" {sums['rows_unexplained']} of these without a known reason"
        )

    def tables(self) -> dict[str, Table]:
        """By the name of their file: the sums, what is not equal, and every row.

        The numbers of the sums are those of each published table.
        """
        return {
            "replay": self._sums(),
            "replay_reasons": self._reasons(),
            "replay_rows": _rows("Every row", "Counts as published and as replayed.", self.rows),
        }

    def markdown(self) -> str:
        """The report for reading: sums, reasons, and every row that is not equal."""
        unequal = [x for x in self.rows if x.status in ("within one", "different")]
        note = "Right, wrong; of single experts also true and false positives and negatives."
        sections = [self._sums(), self._reasons()]
        if unequal:
            sections.append(_rows("Rows that are not equal", note, unequal))
        return "\n".join(["# Replay of the published repairs\n", *(t.markdown() for t in sections)])

    def _sums(self) -> Table:
        by_set = _grouped(self.rows, lambda x: (x.key.scenario, x.key.layer, x.key.set))
        total = ("all", "", "", *map(str, _statuses(self.rows).values()))
        names = tuple(name.removeprefix("rows_").replace("_", " ") for name in _statuses(()))
        return Table(
            title="Published rows, replayed",
            note=f"{self.summary()}. Not rebuilt: rows without a published solution.",
            columns=("scenario", "layer", "set", *names),
            lines=[(*key, *map(str, _statuses(group).values())) for key, group in by_set.items()]
            + [total],
            numbers=[
                {**asdict(key), **_statuses(group)}
                for key, group in _grouped(self.rows, lambda x: x.key).items()
            ],
        )

    def _reasons(self) -> Table:
        unequal = [x for x in self.rows if x.status != "equal"]
        counted = Counter((x.key.scenario, x.key.layer, x.status, x.reason) for x in unequal)
        columns = ("scenario", "layer", "status", "reason")
        numbers: list[Mapping[str, Value]] = [
            {**dict(zip(columns, key, strict=True)), "rows": count}
            for key, count in sorted(counted.items())
        ]
        return Table(
            title="Reasons",
            note=(
                "Why rows are not equal, or not rebuilt. A reason that says so was tried: run as it"
                " says, the rows come out equal. That of AVERAGE of CIFAR-10 adversarial is inferred:"
                " all other rows of its tables on plain images come out, so the solutions are right,"
                " and the published mean is another one."
            ),
            columns=(*columns, "rows"),
            lines=[tuple(str(v) or "not known" for v in number.values()) for number in numbers],
            numbers=numbers or [dict.fromkeys((*columns, "rows"))],
        )


def _statuses(rows: Iterable[ReplayedRow]) -> dict[str, int]:
    rows = tuple(rows)
    counts = Counter(row.status for row in rows)
    named = {f"rows_{status.replace(' ', '_')}": counts[status] for status in STATUSES}
    return {
        "rows_compared": len(rows) - counts["not rebuilt"],
        **named,
        "rows_unexplained": sum(x.status != "equal" and not x.reason for x in rows),
    }


def _grouped(
    rows: Iterable[ReplayedRow], key: Callable[[ReplayedRow], _K]
) -> dict[_K, list[ReplayedRow]]:
    groups: dict[_K, list[ReplayedRow]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _rows(title: str, note: str, rows: Iterable[ReplayedRow]) -> Table:
    numbers: list[Mapping[str, Value]] = [
        {
            **asdict(x.key),
            "row": x.row,
            "published": _text(x.published),
            "ours": _text(x.ours or ()),
            "difference": x.difference,
            "status": x.status,
            "reason": x.reason,
        }
        for x in rows
    ]
    columns = (*_KEY, "row", "published", "ours", "reason")
    texts = [tuple(str(number[name]) for name in columns) for number in numbers]
    return Table(title, note, columns, texts, numbers)


def _text(counts: Counts) -> str:
    return " ".join(map(str, counts))
