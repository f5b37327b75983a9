"""The table of published figures beside ours, ours over seeds."""

from collections import Counter
from collections.abc import Iterable, Sequence

from bench.records.record import Accuracy, Combination
from bench.records.rows import Value
from bench.report.compare import Line, Named, befores, cells
from bench.report.statistics import interval
from bench.report.tables import NONE, Table


def comparison_table(lines: Sequence[Line]) -> Table:
    """Published beside ours, the lines of `bench.report.compare.compare`; seeds of the same config share a line.

    The numbers (CSV) have a row for each seed.
    """
    return Table(
        title="Published beside ours",
        note=(
            "Each figure: clean/defect accuracy on test data in percent; of several seeds the mean [95 % bootstrap "
            "interval], before and after of the same ones. The paper chose the best combination on test data; ours is "
            "chosen on validation data, and its best on test data is shown apart. Gap: ours chosen on validation minus "
            "published best on test, percentage points, clean/defect."
        ),
        columns=(
            "cell",
            "seeds",
            "before",
            "published, best on test",
            "published, our choice",
            "ours, chosen on validation",
            "ours, best on test",
            "gap",
            "status",
        ),
        lines=[_line(cell) for cell in cells(lines)],
        numbers=[_numbers(line) for line in lines],
    )


def _line(cell: Sequence[Line]) -> tuple[str, ...]:
    first = cell[0]
    same = {line.published_same.name for line in cell if line.published_same}
    return (
        f"{first.scenario} {first.layer} {first.exp}".strip(),
        str(len(cell)) if first.record else NONE,
        _before(befores(cell)),
        _named([first.published_best]),
        _named([first.published_same]) if len(same) == 1 else NONE,
        _named([line.chosen for line in cell]),
        _named([line.best for line in cell]),
        _gap(cell),
        ", ".join(_counted(line.status for line in cell)),
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


def _named(given: Sequence[Named | None]) -> str:
    """The names, with how often where they differ, and the accuracies."""
    named = [one for one in given if one]
    if not named:
        return NONE
    names = ", ".join(_counted(one.name for one in named))
    return f"{names} {_pairs([one.result for one in named])}"


def _counted(words: Iterable[str]) -> list[str]:
    counts = Counter(words).most_common()
    return [word if len(counts) == 1 else f"{count} {word}" for word, count in counts]


def _pairs(results: Sequence[Combination]) -> str:
    if not results:
        return NONE
    return "/".join(
        _mean([100 * choose(result).accuracy for result in results], "{:.2f}")
        for choose in (_clean, _defect)
    )


def _before(results: Sequence[Combination]) -> str:
    """As `_pairs`; one network for all seeds needs no interval."""
    return _pairs(results[:1] if all(one == results[0] for one in results) else results)


def _gap(cell: Sequence[Line]) -> str:
    both = [
        [gap for line in cell if (gap := read(line)) is not None]
        for read in (Line.clean_gap, Line.defect_gap)
    ]
    return "/".join(_mean(gaps, "{:+.2f}") for gaps in both) if all(both) else NONE


def _mean(values: Sequence[float], form: str) -> str:
    found = interval(values)
    mean = form.format(found.mean)
    if found.low is None or found.high is None:
        return mean
    return f"{mean} [{form.format(found.low)}, {form.format(found.high)}]"


def _clean(result: Combination) -> Accuracy:
    return result.clean


def _defect(result: Combination) -> Accuracy:
    return result.defect
