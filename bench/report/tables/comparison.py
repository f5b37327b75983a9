"""The table of comparison with published results, ours over seeds."""

from collections import Counter
from collections.abc import Iterable, Sequence

from bench.records.record import Accuracy, Combination
from bench.records.rows import Value
from bench.report.compare import ComparisonRow, NamedCombination, cells, combinations_before
from bench.report.statistics import interval
from bench.report.tables.table import NONE, Table


def comparison_table(rows: Sequence[ComparisonRow]) -> Table:
    """Returns the table of the rows of `bench.report.compare.compare`; seeds of the same config share a line.

    The numbers (CSV) have a row for each seed.
    """
    return Table(
        title="Comparison with published results",
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
        lines=[_line(cell) for cell in cells(rows)],
        numbers=[_numbers(row) for row in rows],
    )


def _line(cell: Sequence[ComparisonRow]) -> tuple[str, ...]:
    first = cell[0]
    same = {row.published_same.name for row in cell if row.published_same}
    return (
        f"{first.scenario} {first.layer} {first.exp}".strip(),
        str(len(cell)) if first.record else NONE,
        _before(combinations_before(cell)),
        _named([first.published_best]),
        _named([first.published_same]) if len(same) == 1 else NONE,
        _named([row.chosen for row in cell]),
        _named([row.best for row in cell]),
        _gap(cell),
        ", ".join(_counted(row.status for row in cell)),
    )


def _numbers(row: ComparisonRow) -> dict[str, Value]:
    record = row.record
    return {
        "scenario": row.scenario,
        "layer": row.layer,
        "exp": row.exp,
        **_figures("before", NamedCombination("ORIG", row.before) if row.before else None),
        **_figures("published_best_on_test", row.published_best),
        **_figures("published_our_combination", row.published_same),
        **_figures("ours_chosen_on_validation", row.chosen),
        **_figures("ours_best_on_test", row.best),
        "defect_gap_pp": row.defect_gap(),
        "clean_gap_pp": row.clean_gap(),
        "status": row.status,
        "reason": record.reason if record else None,
        "seed": record.seed if record else None,
        "config_hash": record.config_hash if record else None,
        "seconds": record.seconds["total"] if record else None,
    }


def _figures(prefix: str, named: NamedCombination | None) -> dict[str, Value]:
    clean, defect = (named.result.clean, named.result.defect) if named else (None, None)
    return {
        prefix: named.name if named else None,
        f"{prefix}_clean": 100 * clean.accuracy if clean else None,
        f"{prefix}_defect": 100 * defect.accuracy if defect else None,
    }


def _named(combinations: Sequence[NamedCombination | None]) -> str:
    """Returns the names, with how often each occurs where they differ, and the accuracies."""
    named = [one for one in combinations if one]
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
    """Returns the same as `_pairs`, without an interval where all seeds have one network."""
    return _pairs(results[:1] if all(one == results[0] for one in results) else results)


def _gap(cell: Sequence[ComparisonRow]) -> str:
    both = [
        [gap for row in cell if (gap := read(row)) is not None]
        for read in (ComparisonRow.clean_gap, ComparisonRow.defect_gap)
    ]
    return "/".join(_mean(gaps, "{:+.2f}") for gaps in both) if all(both) else NONE


def _mean(values: Sequence[float], form: str) -> str:
    over_seeds = interval(values)
    mean = form.format(over_seeds.mean)
    if over_seeds.low is None or over_seeds.high is None:
        return mean
    return f"{mean} [{form.format(over_seeds.low)}, {form.format(over_seeds.high)}]"


def _clean(result: Combination) -> Accuracy:
    return result.clean


def _defect(result: Combination) -> Accuracy:
    return result.defect
