"""Tables of a report: the numbers as CSV, the same for reading as Markdown and in a terminal."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from bench.escape import csv_cell, markdown, terminal
from bench.records.record import Record
from bench.records.rows import Value, row

NONE = "-"
_ARCHITECTURE = ("cases", "success", "edits_mean", "proven", "milliseconds_median")


@dataclass(frozen=True)
class Table:
    """A table with its numbers.

    Args:
        columns, lines: for reading; each line has a text for each column.
        numbers: for computing, the rows of the CSV file; all have the same keys.
    """

    title: str
    note: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]
    numbers: Sequence[Mapping[str, Value]]

    def shown(self) -> list[tuple[str, Sequence[str]]]:
        """The columns that say something: (name, texts)."""
        texts = zip(*self.lines, strict=True)
        named = zip(self.columns, texts, strict=True)
        return [(name, column) for name, column in named if set(column) != {NONE}]

    def markdown(self) -> str:
        """A section: heading, note, pipe table."""
        names, columns = zip(*self.shown(), strict=True)
        head, *lines = [
            [markdown(text) for text in line] for line in (names, *zip(*columns, strict=True))
        ]
        table = [head, ["---"] * len(names), *lines]
        body = "\n".join(f"| {' | '.join(line)} |" for line in table)
        return f"## {markdown(self.title)}\n\n{markdown(self.note)}\n\n{body}\n"

    def csv(self) -> str:
        """The numbers in full precision; what is missing is empty."""
        return csv_text(list(self.numbers[0]), self.numbers)

    def rich(self) -> RichTable:
        """For a terminal; nothing is cut off where it is narrow."""
        title, note = (Text(terminal(text)) for text in (self.title, self.note))
        table = RichTable(title=title, caption=note, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        names, columns = zip(*self.shown(), strict=True)
        for name in names:
            table.add_column(Text(terminal(name)), overflow="fold")
        for texts in zip(*columns, strict=True):
            table.add_row(*(Text(terminal(text)) for text in texts))  # Text: brackets are no markup
        return table


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Value]]) -> str:
    """The text of a CSV file; None is an empty cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()


def runs_table(records: Sequence[Record]) -> Table:
    """Every record, of whatever method and status, with the reason where it is not ok."""
    rows = [row(record) for record in records]
    return Table(
        title="Runs",
        note=(
            "Accuracies on test data in percent, before -> after repair; ORIG: no repair did better on validation "
            "data than the network as it was. Failed and skipped runs with the reason."
        ),
        columns=(
            "experiment",
            "run",
            "status",
            "combination",
            "clean",
            "defect",
            *(name.replace("_", " ") for name in _ARCHITECTURE),
            "weights changed",
            "seconds",
            "reason",
        ),
        lines=[
            (
                _text(r["experiment"]),
                _run(r),
                _text(r["status"]),
                _text(r["chosen"]),
                _change(r["clean_before"], r["clean_after"]),
                _change(r["defect_before"], r["defect_after"]),
                *(_text(r[name]) for name in _ARCHITECTURE),
                *(_text(r[name]) for name in ("weights_changed", "seconds", "reason")),
            )
            for r in rows
        ],
        numbers=rows,
    )


def _run(numbers: Mapping[str, Value]) -> str:
    words = [numbers["method"], numbers["layer"], numbers["exp"], f"seed {numbers['seed']}"]
    return " ".join(str(word) for word in words if word is not None)


def _change(before: Value, after: Value) -> str:
    return NONE if before is None else f"{_text(before)} -> {_text(after)}"


def _text(value: Value) -> str:
    if value is None:
        return NONE
    return f"{value:.2f}" if isinstance(value, float) else str(value)
