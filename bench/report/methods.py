"""Tables over seeds: each series with its intervals, methods against each other, and their ranks."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from bench.records.record import Record
from bench.records.rows import Value
from bench.report.series import MEASURES, Series, before_and_after, scores
from bench.report.statistics import ALPHA, Comparison, Interval, compare_all, interval, ranking
from bench.report.tables import NONE, Table

ALL = "all scenarios"
Best = Mapping[tuple[str, str, int], Record]


def series_table(series: Sequence[Series]) -> Table:
    """A line for each series: means over seeds with 95 % bootstrap intervals."""
    numbers = [_series_numbers(one) for one in series]
    return Table(
        title="Methods over seeds",
        note=(
            "Mean over seeds [95 % bootstrap interval, of two seeds or more], on test data, of the runs that "
            "ended with a repair; failed counts the others. Before → after: both of the same seeds; before without "
            "an interval is the same in all of them. Where validation data chose the network as it was, these "
            "are its accuracies, and 0 weights. Certified: every constraint held when the patched network was run. "
            "Intervals of few seeds are too narrow."
        ),
        columns=(
            "scenario",
            "method",
            "seeds",
            "failed",
            "defect %",
            "clean %",
            "weights changed",
            "certified",
            "seconds",
        ),
        lines=[
            (
                one.scenario,
                one.name,
                str(n["seeds"]),
                str(n["failed"] or NONE),
                *(_change(n, what) for what in MEASURES),
                _interval(n, "weights_changed", 0),
                NONE if n["certificates"] == 0 else f"{n['certified']} of {n['certificates']}",
                _interval(n, "seconds", 1),
            )
            for one, n in zip(series, numbers, strict=True)
        ],
        numbers=numbers,
    )


def comparisons_table(best: Best) -> Table | None:
    """Every pair of methods in each scenario and in all together; None where there is no pair."""
    found = list(chain.from_iterable(_comparisons(best)))
    if not found:
        return None
    return Table(
        title="Method comparison",
        note=(
            "Each method with the settings that did best on its validation data, for each scenario and seed. "
            "Difference: first minus second, mean over shared seeds (in all: over scenarios and seeds), "
            "percentage points of accuracy on test data. p: exact two-sided sign-flip test of the pairs, then "
            "Holm's correction over the pairs of the same scope and data that could be decided. A difference is "
            f"called one only where the corrected p is at most {ALPHA:g}; n pairs can give no p below 2^(1-n), so "
            "that it takes six. Pairs of one scenario share its network: what holds in all scenarios is said of "
            "these, not of others."
        ),
        columns=(
            "scope",
            "data",
            "first",
            "second",
            "pairs",
            "difference",
            "p",
            "p (Holm)",
            "verdict",
        ),
        lines=[
            (
                scope,
                measure,
                c.first,
                c.second,
                str(c.pairs),
                _figure(c.difference, "{:+.2f}"),
                _figure(c.p, "{:.3g}"),
                _figure(c.adjusted, "{:.3g}"),
                c.verdict,
            )
            for scope, measure, c in found
        ],
        numbers=[
            {
                "scope": scope,
                "data": measure,
                "first": c.first,
                "second": c.second,
                "pairs": c.pairs,
                "difference_pp": c.difference,
                "p": c.p,
                "p_smallest": c.smallest,
                "p_holm": c.adjusted,
                "better": c.better,
                "verdict": c.verdict,
            }
            for scope, measure, c in found
        ],
    )


def ranks_table(best: Best) -> Table | None:
    """Average ranks over the scenarios and seeds that all methods have; None where there are no two methods."""
    by_measure = {measure: ranking(scores(best, measure)) for measure in MEASURES}
    methods = sorted(by_measure["defect"].ranks, key=lambda name: by_measure["defect"].ranks[name])
    if len(methods) < 2:
        return None
    tests = "; ".join(
        f"{measure} p = {found.p:.3g}" if found.p is not None else f"{measure}: too few for a test"
        for measure, found in by_measure.items()
    )
    return Table(
        title="Average ranks",
        note=(
            "1 is the most accurate on test data; mean over the scenarios and seeds that all methods have "
            f"(blocks: {by_measure['defect'].blocks}). Friedman's test that all methods are alike, by "
            f"permutations: {tests}."
        ),
        columns=("method", *(f"rank on {measure} data" for measure in MEASURES)),
        lines=[
            (name, *(f"{by_measure[measure].ranks[name]:.2f}" for measure in MEASURES))
            for name in methods
        ],
        numbers=[
            {
                "method": name,
                **{f"rank_{measure}": by_measure[measure].ranks[name] for measure in MEASURES},
                **{f"friedman_p_{measure}": by_measure[measure].p for measure in MEASURES},
                "blocks": by_measure["defect"].blocks,
            }
            for name in methods
        ],
    )


def _comparisons(best: Best) -> list[list[tuple[str, str, Comparison]]]:
    compared = Counter(scenario for scenario, _ in {(s, method) for s, method, _ in best})
    scenarios = sorted(scenario for scenario, methods in compared.items() if methods > 1)
    scopes: list[tuple[str, str | None]] = [(scenario, scenario) for scenario in scenarios]
    if len(scenarios) > 1:
        scopes.append((ALL, None))
    return [
        [(name, measure, c) for c in compare_all(scores(best, measure, scope)) if c.pairs]
        for name, scope in scopes
        for measure in MEASURES
    ]


def _series_numbers(series: Series) -> dict[str, Value]:
    done = series.repaired
    held = [
        c.get("ok")
        for r in done
        if isinstance(c := r.details.get("certificate"), Mapping) and not r.kept_original
    ]
    columns: dict[str, Callable[[Record], float | None]] = {
        "weights_changed": lambda r: (r.patch or {}).get("weights_changed"),
        "seconds": lambda r: r.seconds.get("repair", r.seconds["total"]),
    }
    numbers: dict[str, Value] = {
        "scenario": series.scenario,
        "method": series.method,
        "setting": series.setting,
        "seeds": len(done),
        "failed": len(series.runs) - len(done),
        "left_as_it_was": sum(record.kept_original for record in done),
        "certified": sum(bool(ok) for ok in held),
        "certificates": len(held),
    }
    values_of = {
        name: [value for record in done if (value := read(record)) is not None]
        for name, read in columns.items()
    }
    for what in MEASURES:
        pairs = before_and_after(done, what)
        for place, when in enumerate(("before", "after")):
            values_of[f"{what}_{when}"] = [pair[place] for pair in pairs]
    for name, values in values_of.items():
        found = interval(values) if values else Interval(float("nan"), None, None, 0)
        numbers[name] = found.mean if values else None
        numbers[f"{name}_low"], numbers[f"{name}_high"] = found.low, found.high
    return numbers


def _change(numbers: Mapping[str, Value], what: str) -> str:
    before, after = (f"{what}_{when}" for when in ("before", "after"))
    if numbers[f"{before}_low"] == numbers[f"{before}_high"]:  # the same network for every seed
        return f"{_figure(numbers[before], '{:.2f}')} → {_interval(numbers, after, 2)}"
    return f"{_interval(numbers, before, 2)} → {_interval(numbers, after, 2)}"


def _interval(numbers: Mapping[str, Value], name: str, digits: int) -> str:
    mean, low, high = (numbers[key] for key in (name, f"{name}_low", f"{name}_high"))
    if mean is None:
        return NONE
    if low is None:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _figure(value: Value, form: str) -> str:
    return NONE if value is None else form.format(value)
