"""Architecture repair case by case: edits and seconds, compared with the published tool."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.escape import slug
from bench.records import details
from bench.records.record import Record
from bench.records.regular import read_regular
from bench.report.build import Report
from bench.report.run_files import read_run_file
from bench.report.style import BLUE, GREY, SHORTEST, WIDTH, Drawing, logarithmic
from bench.report.tables.architecture import METHOD, PUBLISHED_RULES
from repair.errors import InputError

_CASES = "cases.csv"
_COLUMNS = ("edits", "milliseconds", "published_edits", "published_seconds")
_MOST_BYTES = 2**26  # of the file
_LARGEST = 1e12  # of its numbers
_OURS, _PUBLISHED = ("ours", BLUE, "-"), ("published", GREY, "--")


def architectures(report: Report) -> list[Drawing]:
    """Draws a figure for each run of architecture repair that has kept its cases."""
    by_key: dict[tuple[str, ...], list[Drawing]] = {}
    for run in report.runs:
        path = run.folder / _CASES
        if run.record.method == METHOD and (cases := read_run_file(path, _repaired)):
            alike = by_key.setdefault(_key(run.record), [])  # the same run in several folders
            alike.append(_drawing(run.record, cases, len(alike)))
    return [drawing for alike in by_key.values() for drawing in alike]


def _repaired(path: Path) -> list[dict[str, float]]:
    """Returns the numbers of the repaired cases; raises InputError for a file that is no table of cases."""
    try:
        text = read_regular(path, _MOST_BYTES).decode()
        rows = csv.DictReader(io.StringIO(text, newline=""))
        repaired = [row for row in rows if row["status"] == "repaired"]
        return [
            {name: _number(row[name]) for name in _COLUMNS if row.get(name)} for row in repaired
        ]
    except (KeyError, OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path} is no table of cases: {error}.") from error


def _number(text: str) -> float:
    value = float(text)
    if not 0 <= value <= _LARGEST:
        raise ValueError(f"{value:g}, expected 0 to {_LARGEST:g}")
    return value


def _key(record: Record) -> tuple[str, ...]:
    """Returns what the name of its figure is made of."""
    rules = details.text(record, "rules") or ""
    return record.scenario, rules, record.config_hash, str(record.seed)


def _drawing(record: Record, cases: Sequence[Mapping[str, float]], before: int) -> Drawing:
    """Draws the figure of a run, after a number of others with the same key."""
    rules = details.text(record, "rules") or ""
    drawn = Figure(figsize=(WIDTH, 2.6), layout="constrained")
    edits, seconds = drawn.subplots(1, 2)
    curves = {
        edits: [(_column(cases, "edits"), _OURS)],
        seconds: [(np.maximum(_column(cases, "milliseconds") / 1000, SHORTEST), _OURS)],
    }
    if rules == PUBLISHED_RULES:  # under milder rules there is less to repair
        curves[edits].append((_column(cases, "published_edits"), _PUBLISHED))
        curves[seconds].append(
            (np.maximum(_column(cases, "published_seconds"), SHORTEST), _PUBLISHED)
        )
    for axes, shown in curves.items():
        _distribution(axes, shown)
    edits.set(xlabel="edits", ylabel="share of the cases", xlim=(0, None))
    seconds.set(xlabel="seconds")
    logarithmic(seconds, "x")
    handles, labels = edits.get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside upper center", ncols=2)
    stem = f"cases_{slug(*_key(record), *([str(before)] if before else []))}"
    caption = (
        f"Of {len(cases)} repaired definitions the share that took at most so many edits (left) and seconds of wall "
        "clock (right). Left of the published curve, where the same rules allow for one, is better; the published "
        "seconds are of the authors' machine."
    )
    title = f"Architecture repair: {record.scenario.replace('_', ' ')}, rules {rules}"
    return Drawing(stem, title, caption, drawn)


def _column(cases: Sequence[Mapping[str, float]], name: str) -> np.ndarray:
    """Returns the numbers of a column, empty where it has none."""
    return np.array([case[name] for case in cases if name in case])


def _distribution(axes: Axes, curves: Sequence[tuple[np.ndarray, tuple[str, str, str]]]) -> None:
    for values, (label, colour, style) in curves:
        if len(values):
            axes.ecdf(values, color=colour, ls=style, label=label)
    axes.set_ylim(0, 1.02)
