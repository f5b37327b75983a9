"""The table of all runs: one line for each record, whatever its method and status."""

from collections.abc import Mapping, Sequence

from bench.records.record import Record
from bench.records.rows import Value, row
from bench.report.tables.table import NONE, Table

_ARCHITECTURE = ("cases", "success", "edits_mean", "proven", "milliseconds_median")


def runs_table(records: Sequence[Record]) -> Table:
    """Returns a line for each record, with the reason where its status is not "ok"."""
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
