"""What a replay found: a line for each published row, and the tables made of them."""

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
class Line:
    """A published row beside ours.

    Attributes:
        key: the table it is in.
        row: its name there.
        published, ours: its counts, as `bench.replay.tables.Table` orders them; None where the row
            cannot be rebuilt.
        reason: why they differ, where that is known; "" otherwise.
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
class Comparison:
    """All lines of a replay."""

    lines: tuple[Line, ...]

    @cached_property
    def metrics(self) -> dict[str, int]:
        """Rows compared, and single counts of them."""
        pairs = [p for x in self.lines if x.ours for p in zip(x.published, x.ours, strict=True)]
        return {
            "tables": len({line.key for line in self.lines}),
            **_statuses(self.lines),
            "counts_compared": len(pairs),
            "counts_equal": sum(published == ours for published, ours in pairs),
        }

    def summary(self) -> str:
        """One line of text."""
        found = _statuses(self.lines)
        return (
            f"{found['rows_equal']} of {found['rows_compared']} rows equal,"
            f" {found['rows_within_one']} within one, {found['rows_different']} different,"
            f" {found['rows_unexplained']} of these without a known reason"
        )

    def tables(self) -> dict[str, Table]:
        """By the name of their file: the sums, what is not equal, and every row.

        The numbers of the sums are those of each published table.
        """
        return {
            "replay": self._sums(),
            "replay_reasons": self._reasons(),
            "replay_rows": _rows("Every row", "Counts as published and as replayed.", self.lines),
        }

    def markdown(self) -> str:
        """The report for reading: sums, reasons, and every row that is not equal."""
        unequal = [x for x in self.lines if x.status in ("within one", "different")]
        note = "Right, wrong; of single experts also true and false positives and negatives."
        sections = [self._sums(), self._reasons()]
        if unequal:
            sections.append(_rows("Rows that are not equal", note, unequal))
        return "\n".join(["# Replay of the published repairs\n", *(t.markdown() for t in sections)])

    def _sums(self) -> Table:
        by_set = _grouped(self.lines, lambda x: (x.key.scenario, x.key.layer, x.key.set))
        total = ("all", "", "", *map(str, _statuses(self.lines).values()))
        names = tuple(name.removeprefix("rows_").replace("_", " ") for name in _statuses(()))
        return Table(
            title="Published rows, replayed",
            note=f"{self.summary()}. Not rebuilt: rows without a published solution.",
            columns=("scenario", "layer", "set", *names),
            lines=[(*key, *map(str, _statuses(found).values())) for key, found in by_set.items()]
            + [total],
            numbers=[
                {**asdict(key), **_statuses(found)}
                for key, found in _grouped(self.lines, lambda x: x.key).items()
            ],
        )

    def _reasons(self) -> Table:
        open_ = [x for x in self.lines if x.status != "equal"]
        counted = Counter((x.key.scenario, x.key.layer, x.status, x.reason) for x in open_)
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


def _statuses(lines: Iterable[Line]) -> dict[str, int]:
    lines = tuple(lines)
    found = Counter(line.status for line in lines)
    named = {f"rows_{status.replace(' ', '_')}": found[status] for status in STATUSES}
    return {
        "rows_compared": len(lines) - found["not rebuilt"],
        **named,
        "rows_unexplained": sum(x.status != "equal" and not x.reason for x in lines),
    }


def _grouped(lines: Iterable[Line], key: Callable[[Line], _K]) -> dict[_K, list[Line]]:
    found: dict[_K, list[Line]] = {}
    for line in lines:
        found.setdefault(key(line), []).append(line)
    return found


def _rows(title: str, note: str, lines: Iterable[Line]) -> Table:
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
        for x in lines
    ]
    columns = (*_KEY, "row", "published", "ours", "reason")
    texts = [tuple(str(number[name]) for name in columns) for number in numbers]
    return Table(title, note, columns, texts, numbers)


def _text(counts: Counts) -> str:
    return " ".join(map(str, counts))
