"""Architecture repair: published beside ours, one line for each set of broken definitions."""

import csv
from collections.abc import Mapping, Sequence
from functools import cache

from bench import shipped
from bench.records import details
from bench.records.record import Record
from bench.records.rows import Value, number
from bench.report.tables import NONE, Table

METHOD = "architecture_search"
PUBLISHED_RULES = "strict"
"""The rules that the published tool repairs under; Keras's are milder, so its edits do not compare."""


@cache
def published() -> Mapping[str, Mapping[str, str]]:
    """The figures of ExAIS (Schumi and Sun, ISSTA 2023, arXiv 2306.07995) by set of cases."""
    path = shipped("results/published") / "exais.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return {row["set"]: row for row in csv.DictReader(file)}


def architecture_table(records: Sequence[Record]) -> Table | None:
    """A line for each record of architecture repair; None where there is none."""
    found = [record for record in records if record.method == METHOD]
    if not found:
        return None
    lines, numbers = zip(*map(_line, found), strict=True)
    return Table(
        title="Architecture repair: published beside ours",
        note=(
            "Published: ExAIS. Edits: layers added, of another type or with other arguments; "
            "'+widths' adds the widths that the published tool changes without saying so (ours keeps "
            "them). 'more edits' counts the cases where ours needs more than published, by either "
            "count. Published edits are those of the same cases. ms: wall clock of one search, and processor time."
        ),
        columns=tuple(lines[0]),
        lines=[tuple(line.values()) for line in lines],
        numbers=list(numbers),
    )


def _line(record: Record) -> tuple[dict[str, str], dict[str, Value]]:
    m = {name: number(value) for name, value in record.metrics.items()}
    rules = details.text(record, "rules") or ""
    paper = published().get(record.scenario, {})
    cases = int(m.get("cases") or 0)
    alike = rules == PUBLISHED_RULES
    compared = {name: m.get(name) if alike else None for name in (
        "published_edits_mean", "published_edits_with_widths_mean", "more_edits_than_published",
        "more_edits_than_published_with_widths",
    )}  # fmt: skip
    repaired = round((m.get("success") or 0) * cases)
    line = {
        "set": record.scenario,
        "rules": rules,
        "valid": f"{repaired} of {cases}",
        "published": f"{paper['repaired']} of {paper['cases']}" if paper else NONE,
        "edits": _number(m.get("edits_mean"), 2),
        "published edits": _number(compared["published_edits_mean"], 2),
        "+widths": _number(compared["published_edits_with_widths_mean"], 2),
        "more edits": _number(compared["more_edits_than_published"], 0),
        "+widths ": _number(compared["more_edits_than_published_with_widths"], 0),
        "proven": _number(100 * (m.get("proven") or 0), 1) + "%",
        "not kept": _number(m.get("not_kept"), 0),
        "median ms (CPU)": _both(m, "milliseconds_median", 1),
        "most ms (CPU)": _both(m, "milliseconds_max", 0),
        "published s": paper.get("seconds_mean") or NONE,
        "built by Keras": _share(m, "keras"),
        "by NNX": _share(m, "nnx"),
        "expected fix in first 3": _number(m.get("expected_in_first_three"), 0),
        "original back": _number(m.get("original_back"), 0),
        "accuracy": _number(m.get("accuracy_mean"), 4),
        "of the original": _number(m.get("accuracy_original_mean"), 4),
    }
    numbers: dict[str, Value] = {
        "set": record.scenario, "rules": rules, "cases": cases, "repaired": repaired,
        **{name: m.get(name) for name in FIGURES}, **compared,
        **{f"published_{name}": paper.get(name) for name in ("cases", "repaired", "seconds_mean")},
        "config_hash": record.config_hash,
    }  # fmt: skip
    return line, numbers


FIGURES = (
    "edits_mean", "proven", "not_kept", "milliseconds_median", "milliseconds_max",
    "cpu_milliseconds_median", "cpu_milliseconds_max", "keras_built", "keras_tried", "nnx_built",
    "nnx_tried", "expected_in_first_three", "original_back", "accuracy_mean", "accuracy_cases",
    "accuracy_original_mean",
)  # fmt: skip


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _both(metrics: Mapping[str, float | None], name: str, digits: int) -> str:
    wall, spent = (_number(metrics.get(key), digits) for key in (name, f"cpu_{name}"))
    return wall if wall == NONE else f"{wall} ({spent})"


def _share(metrics: Mapping[str, float | None], framework: str) -> str:
    built, tried = (metrics.get(f"{framework}_{what}") for what in ("built", "tried"))
    return NONE if built is None or tried is None else f"{built:.0f} of {tried:.0f}"
