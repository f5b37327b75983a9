"""Methods against each other: tests of every pair, and average ranks."""

from collections import Counter
from collections.abc import Mapping
from itertools import chain

from bench.records.record import Record
from bench.records.rows import Value
from bench.report.series import MEASURES, scores
from bench.report.statistics import ALPHA, MethodComparison, compare_all, ranking
from bench.report.tables.table import NONE, Table

ALL = "all scenarios"
PreferredRuns = Mapping[tuple[str, str, int], Record]


def comparisons_table(best: PreferredRuns) -> Table | None:
    """Returns a line for each pair of methods, in each scenario and in all together; None where there is no pair."""
    compared = list(chain.from_iterable(_comparisons(best)))
    if not compared:
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
            for scope, measure, c in compared
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
            for scope, measure, c in compared
        ],
    )


def ranks_table(best: PreferredRuns) -> Table | None:
    """Returns average ranks over the scenarios and seeds that all methods have; None for fewer than two methods."""
    by_measure = {measure: ranking(scores(best, measure)) for measure in MEASURES}
    methods = sorted(by_measure["defect"].ranks, key=lambda name: by_measure["defect"].ranks[name])
    if len(methods) < 2:
        return None
    tests = "; ".join(
        f"{measure} p = {ranks.p:.3g}" if ranks.p is not None else f"{measure}: too few for a test"
        for measure, ranks in by_measure.items()
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


def _comparisons(best: PreferredRuns) -> list[list[tuple[str, str, MethodComparison]]]:
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


def _figure(value: Value, form: str) -> str:
    return NONE if value is None else form.format(value)
