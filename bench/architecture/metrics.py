"""The metrics of a set of cases, from the row of each case."""

from collections.abc import Mapping, Sequence
from statistics import mean, median

from bench.records.rows import Value
from repair.architecture.search import SearchStatus

Row = Mapping[str, Value]
Metrics = dict[str, float | int]


def metrics(rows: Sequence[Row]) -> Metrics:
    """The metrics of a set; those of published repairs only where every case has them."""
    repaired = [row for row in rows if row["edits"] is not None]
    valid = [row for row in rows if row["status"] in (SearchStatus.VALID, SearchStatus.REPAIRED)]
    whole: Metrics = {
        "cases": len(rows),
        "success": len(valid) / len(rows) if rows else 0.0,
        "proven": mean(_column(rows, "proven")) if rows else 0.0,
        "valid_as_given": sum(row["status"] == SearchStatus.VALID for row in rows),
        "not_kept": sum(_column(repaired, "not_kept")),
    }
    for name in ("milliseconds", "cpu_milliseconds"):
        if times := _column(rows, name):
            whole |= {f"{name}_median": median(times), f"{name}_max": max(times)}
    if repaired:
        whole["edits_mean"] = mean(_column(repaired, "edits"))
    whole |= _against_published(repaired)
    for framework in ("keras", "nnx"):
        whole |= _built(rows, framework)
    if ranks := _column(rows, "expected_rank"):
        whole["expected_in_first_three"] = sum(1 <= rank <= 3 for rank in ranks)
    for name in ("accuracy", "accuracy_original"):
        if accuracies := _column(rows, name):
            whole |= {f"{name}_mean": mean(accuracies), f"{name}_cases": len(accuracies)}
    if originals := _column(rows, "original"):
        whole["original_back"] = sum(originals)
    return whole


def _against_published(rows: Sequence[Row]) -> Metrics:
    """Edits against those of the published tool, with and without the widths that it changed."""
    published = _column(rows, "published_edits")
    if not rows or len(published) < len(rows):
        return {}
    edits = _column(rows, "edits")
    with_widths = [
        theirs + (_column([row], "published_widths_changed") or [0])[0]
        for theirs, row in zip(published, rows, strict=True)
    ]
    return {
        "published_edits_mean": mean(published),
        "published_edits_with_widths_mean": mean(with_widths),
        "more_edits_than_published": _more(edits, published),
        "more_edits_than_published_with_widths": _more(edits, with_widths),
    }


def _more(ours: Sequence[float], theirs: Sequence[float]) -> int:
    return sum(a > b for a, b in zip(ours, theirs, strict=True))


def _built(rows: Sequence[Row], framework: str) -> Metrics:
    """How many repairs a framework built, of those that it has all layers of."""
    answers = [str(row[framework]) for row in rows if row[framework] is not None]
    if not answers:
        return {}
    missing = sum(answer.startswith("no counterpart") for answer in answers)
    return {
        f"{framework}_built": sum(answer.startswith("yes") for answer in answers),
        f"{framework}_tried": len(answers) - missing,
        f"{framework}_without_counterpart": missing,
    }


def _column(rows: Sequence[Row], name: str) -> list[float]:
    """The numbers of a column, without the cases that have none."""
    return [value for row in rows if isinstance(value := row[name], int | float)]
