"""Tables of a report: the numbers as CSV, the same for reading as Markdown and in a terminal."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table as RichTable

from bench.record import Combination, Record
from bench.report.compare import Line, Named
from bench.rows import Value, row

_NONE = "-"
_ACCURACIES = "clean_before", "clean_after", "defect_before", "defect_after"


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

    def markdown(self) -> str:
        """A section: heading, note, pipe table."""
        cells = [[_escape(text) for text in line] for line in self.lines]
        table = [list(self.columns), ["---"] * len(self.columns), *cells]
        body = "\n".join(f"| {' | '.join(line)} |" for line in table)
        return f"## {self.title}\n\n{self.note}\n\n{body}\n"

    def csv(self) -> str:
        """The numbers in full precision; what is missing is empty."""
        out = io.StringIO()
        writer = csv.DictWriter(out, list(self.numbers[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.numbers)
        return out.getvalue()

    def rich(self) -> RichTable:
        """For a terminal."""
        table = RichTable(*self.columns, title=self.title, caption=self.note)
        for line in self.lines:
            table.add_row(*line)
        return table


def comparison_table(lines: Sequence[Line]) -> Table:
    """Published beside ours, each line of `bench.report.compare.compare`."""
    return Table(
        title="Published beside ours",
        note=(
            "Each figure: combination, clean / defect accuracy on test data in percent. The paper "
            "chose the best combination on test data; ours is chosen on validation data, and its "
            "best on test data is shown apart. Gaps: ours chosen on validation minus published "
            "best, percentage points."
        ),
        columns=(
            "scenario",
            "layer",
            "exp",
            "before",
            "published, best on test",
            "published, our combination",
            "ours, chosen on validation",
            "ours, best on test",
            "defect gap",
            "clean gap",
            "status",
        ),
        lines=[
            (
                line.scenario,
                line.layer,
                line.exp or _NONE,
                _pair(line.before),
                _named(line.published_best),
                _named(line.published_same),
                _named(line.chosen),
                _named(line.best),
                _points(line.defect_gap()),
                _points(line.clean_gap()),
                line.status,
            )
            for line in lines
        ],
        numbers=[_numbers(line) for line in lines],
    )


def runs_table(records: Sequence[Record]) -> Table:
    """Every record, of whatever method and status, with the reason where it is not ok."""
    rows = [row(record) for record in records]
    architecture = any(record.metrics.get("success") is not None for record in records)
    further = ("success", "edits_mean", "proven", "milliseconds_median") if architecture else ()
    return Table(
        title="Runs",
        note="Accuracies on test data in percent; failed and skipped runs with the reason.",
        columns=(
            "experiment",
            "method",
            "layer",
            "exp",
            "seed",
            "status",
            "combination",
            "clean before",
            "clean after",
            "defect before",
            "defect after",
            *(name.replace("_", " ") for name in further),
            "weights changed",
            "seconds",
            "reason",
        ),
        lines=[
            (
                *(_text(r[name]) for name in ("experiment", "method", "layer", "exp", "seed")),
                *(_text(r[name]) for name in ("status", "chosen")),
                *(_text(r[name]) for name in _ACCURACIES),
                *(_text(r[name]) for name in further),
                *(_text(r[name]) for name in ("weights_changed", "seconds", "reason")),
            )
            for r in rows
        ],
        numbers=rows,
    )


def _numbers(line: Line) -> dict[str, Value]:
    record = line.record
    return {
        "scenario": line.scenario,
        "layer": line.layer,
        "exp": line.exp,
        **_figures("before", Named("ORIG", line.before) if line.before else None),
        **_figures("published_best_on_test", line.published_best),
        **_figures("published_our_combination", line.published_same),
        **_figures("ours_chosen_on_validation", line.chosen),
        **_figures("ours_best_on_test", line.best),
        "defect_gap_pp": line.defect_gap(),
        "clean_gap_pp": line.clean_gap(),
        "status": line.status,
        "reason": record.reason if record else None,
        "seed": record.seed if record else None,
        "config_hash": record.config_hash if record else None,
        "seconds": record.seconds["total"] if record else None,
    }


def _figures(prefix: str, named: Named | None) -> dict[str, Value]:
    clean, defect = (named.result.clean, named.result.defect) if named else (None, None)
    return {
        prefix: named.name if named else None,
        f"{prefix}_clean": 100 * clean.accuracy if clean else None,
        f"{prefix}_defect": 100 * defect.accuracy if defect else None,
    }


def _pair(result: Combination | None) -> str:
    if result is None:
        return _NONE
    return f"{100 * result.clean.accuracy:.2f} / {100 * result.defect.accuracy:.2f}"


def _named(named: Named | None) -> str:
    return _NONE if named is None else f"{named.name} {_pair(named.result)}"


def _points(value: float | None) -> str:
    return _NONE if value is None else f"{value:+.2f}"


def _text(value: Value) -> str:
    if value is None:
        return _NONE
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
