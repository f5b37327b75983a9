"""A table of a report: its numbers as CSV, the same for reading as Markdown and in a terminal."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from bench.escape import csv_cell, markdown, terminal
from bench.records.rows import Value

NONE = "-"
"""The text of a cell that has nothing to say."""


@dataclass(frozen=True)
class Table:
    """A table with its numbers.

    Args:
        title: The heading.
        note: What the columns mean, in whole sentences.
        columns: The names of the columns of `lines`.
        lines: The texts for reading, one for each column.
        numbers: The rows of the CSV file, in full precision; all have the same keys.
    """

    title: str
    note: str
    columns: Sequence[str]
    lines: Sequence[Sequence[str]]
    numbers: Sequence[Mapping[str, Value]]

    def shown(self) -> list[tuple[str, Sequence[str]]]:
        """Each column with something in it, as its name and its texts."""
        texts = zip(*self.lines, strict=True)
        named = zip(self.columns, texts, strict=True)
        return [(name, column) for name, column in named if set(column) != {NONE}]

    def markdown(self) -> str:
        """The table as a section of Markdown: heading, note, pipe table."""
        names, columns = zip(*self.shown(), strict=True)
        head, *lines = [
            [markdown(text) for text in line] for line in (names, *zip(*columns, strict=True))
        ]
        table = [head, ["---"] * len(names), *lines]
        body = "\n".join(f"| {' | '.join(line)} |" for line in table)
        return f"## {markdown(self.title)}\n\n{markdown(self.note)}\n\n{body}\n"

    def csv(self) -> str:
        """The numbers as the text of a CSV file, in full precision; what is missing is empty."""
        return csv_text(list(self.numbers[0]), self.numbers)

    def rich(self) -> RichTable:
        """The table for a terminal; nothing is cut off where that is narrow."""
        title, note = (Text(terminal(text)) for text in (self.title, self.note))
        table = RichTable(title=title, caption=note, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        names, columns = zip(*self.shown(), strict=True)
        for name in names:
            table.add_column(Text(terminal(name)), overflow="fold")
        for texts in zip(*columns, strict=True):
            table.add_row(*(Text(terminal(text)) for text in texts))  # Text: brackets are no markup
        return table


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Value]]) -> str:
    """Returns the text of a CSV file; None is an empty cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue()
