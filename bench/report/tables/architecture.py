"""The table of architecture repair: one line for each set of broken definitions, compared with the published tool."""

from collections.abc import Mapping, Sequence

from bench.records import details
from bench.records.record import Record
from bench.records.rows import Value, number
from bench.report.published import published_architectures
from bench.report.tables.table import NONE, Table

METHOD = "architecture_search"
PUBLISHED_RULES = "strict"
"""The rules that the published tool repairs under; Keras's are milder, so its edits do not compare."""
PUBLISHED_FIGURES = (
    "published_edits_mean",
    "published_edits_with_widths_mean",
    "more_edits_than_published",
    "more_edits_than_published_with_widths",
)
FIGURES = (
    "edits_mean",
    "proven",
    "not_kept",
    "milliseconds_median",
    "milliseconds_max",
    "cpu_milliseconds_median",
    "cpu_milliseconds_max",
    "keras_built",
    "keras_tried",
    "nnx_built",
    "nnx_tried",
    "expected_in_first_three",
    "original_back",
    "accuracy_mean",
    "accuracy_cases",
    "accuracy_original_mean",
)


def architecture_table(records: Sequence[Record]) -> Table | None:
    """Returns a line for each record of architecture repair; None where there is none."""
    repairs = [record for record in records if record.method == METHOD]
    if not repairs:
        return None
    lines, numbers = zip(*map(_line, repairs), strict=True)
    return Table(
        title="Architecture repair: comparison with published results",
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
    """Returns the texts for reading and the numbers of one record."""
    metrics = {name: number(value) for name, value in record.metrics.items()}
    rules = details.text(record, "rules") or ""
    paper = published_architectures().get(record.scenario, {})
    cases = int(metrics.get("cases") or 0)
    repaired = round((metrics.get("success") or 0) * cases)
    comparable = rules == PUBLISHED_RULES
    compared = {name: metrics.get(name) if comparable else None for name in PUBLISHED_FIGURES}
    line = {
        "set": record.scenario,
        "rules": rules,
        "valid": f"{repaired} of {cases}",
        "published": f"{paper['repaired']} of {paper['cases']}" if paper else NONE,
        "edits": _number(metrics.get("edits_mean"), 2),
        "published edits": _number(compared["published_edits_mean"], 2),
        "+widths": _number(compared["published_edits_with_widths_mean"], 2),
        "more edits": _number(compared["more_edits_than_published"], 0),
        "+widths ": _number(compared["more_edits_than_published_with_widths"], 0),
        "proven": _number(100 * (metrics.get("proven") or 0), 1) + "%",
        "not kept": _number(metrics.get("not_kept"), 0),
        "median ms (CPU)": _milliseconds(metrics, "milliseconds_median", 1),
        "most ms (CPU)": _milliseconds(metrics, "milliseconds_max", 0),
        "published s": paper.get("seconds_mean") or NONE,
        "built by Keras": _share(metrics, "keras"),
        "by NNX": _share(metrics, "nnx"),
        "expected fix in first 3": _number(metrics.get("expected_in_first_three"), 0),
        "original back": _number(metrics.get("original_back"), 0),
        "accuracy": _number(metrics.get("accuracy_mean"), 4),
        "of the original": _number(metrics.get("accuracy_original_mean"), 4),
    }
    numbers: dict[str, Value] = {
        "set": record.scenario,
        "rules": rules,
        "cases": cases,
        "repaired": repaired,
        **{name: metrics.get(name) for name in FIGURES},
        **compared,
        **{f"published_{name}": paper.get(name) for name in ("cases", "repaired", "seconds_mean")},
        "config_hash": record.config_hash,
    }
    return line, numbers


def _number(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def _milliseconds(metrics: Mapping[str, float | None], name: str, digits: int) -> str:
    """Returns wall clock, and processor time in brackets."""
    wall, processor = (_number(metrics.get(key), digits) for key in (name, f"cpu_{name}"))
    return wall if wall == NONE else f"{wall} ({processor})"


def _share(metrics: Mapping[str, float | None], framework: str) -> str:
    built, tried = (metrics.get(f"{framework}_{what}") for what in ("built", "tried"))
    return NONE if built is None or tried is None else f"{built:.0f} of {tried:.0f}"
