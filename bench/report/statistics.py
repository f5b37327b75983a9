"""Statistics over seeds and scenarios: intervals, paired tests with a correction for many, ranks.

Scores are compared in pairs: the same scenario and seed, that is the same network, data and split. Nothing is assumed
of their distribution, so that with n pairs no p-value can lie below 2^(1-n): five seeds decide nothing at 0.05.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.stats import bootstrap, permutation_test, rankdata

LEVEL = 0.95
ALPHA = 0.05
RESAMPLES = 9999
# method -> block (such as scenario and seed) -> score; larger is better
Scores = Mapping[str, Mapping[tuple, float]]


@dataclass(frozen=True)
class Interval:
    """A mean with its interval at LEVEL; `low` and `high` are None for a single value."""

    mean: float
    low: float | None
    high: float | None
    count: int


@dataclass(frozen=True)
class MethodComparison:
    """Two methods on the blocks that both have.

    Attributes:
        pairs: The number of these blocks.
        difference: The mean of first minus second, in the unit of the scores.
        p: The two-sided p-value of the sign-flip test; None without a pair.
        smallest: The least p that these pairs could have given.
        adjusted: The p-value after Holm's correction; None where no outcome could have been significant.
    """

    first: str
    second: str
    pairs: int
    difference: float | None
    p: float | None
    smallest: float
    adjusted: float | None = None

    @property
    def better(self) -> str | None:
        """The better of the two where the test says that they differ; else None."""
        if self.difference is None or self.adjusted is None or self.adjusted > ALPHA:
            return None
        return self.first if self.difference > 0 else self.second

    @property
    def verdict(self) -> str:
        """The conclusion in words: a difference is called one only when the test says so."""
        if self.adjusted is None:
            return f"undecided: p can be no lower than {self.smallest:.2g} here"
        return f"{self.better} is better" if self.better else "no difference shown"


@dataclass(frozen=True)
class Ranking:
    """Average ranks over the blocks that all methods have; 1 is the best, ties share their ranks.

    Attributes:
        p: The p-value of Friedman's test that all methods are alike; None with fewer than two methods or blocks.
    """

    ranks: Mapping[str, float]
    blocks: int
    p: float | None


def interval(values: Sequence[float], seed: int = 0) -> Interval:
    """Returns the mean with its bootstrap interval at 95 % (BCa, Efron, JASA 82, 1987; `scipy.stats.bootstrap`).

    Of few values every bootstrap interval is too narrow; it shows how far the seeds lie apart, not more.
    """
    data = np.asarray(values, float)
    mean, count = float(data.mean()), len(data)
    if count == 1:
        return Interval(mean, None, None, 1)
    if np.ptp(data) == 0:
        return Interval(mean, mean, mean, count)
    rng = np.random.default_rng(seed)
    limits = bootstrap(
        (data,), np.mean, confidence_level=LEVEL, n_resamples=RESAMPLES, method="BCa", rng=rng
    ).confidence_interval
    return Interval(mean, float(limits.low), float(limits.high), count)


def paired(first: Sequence[float], second: Sequence[float], seed: int = 0) -> tuple[float, float]:
    """Returns the two-sided p-value of the sign-flip test on the mean difference, and the least possible p.

    Under the null hypothesis each pair may be swapped (Fisher, The Design of Experiments, 1935, section 21). Exact up
    to 13 pairs, then by 9,999 random swaps.

    Args:
        first: Scores, shape (n,).
        second: Scores of the same blocks, shape (n,).
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    different = a != b
    smallest = min(1.0, 2.0 ** (1 - int(different.sum())))
    if different.sum() < 2:  # swapping one pair only turns the sign
        return 1.0, 1.0
    test = permutation_test(
        (a, b),
        lambda x, y, axis: (x - y).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(seed),
    )
    return float(test.pvalue), max(smallest, 2 / (RESAMPLES + 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p-values adjusted for family-wise error (Holm, Scand. J. Statist. 6, 1979)."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()


def compare_all(scores: Scores) -> list[MethodComparison]:
    """Compares every pair of methods, with Holm's correction over those pairs that could be decided at all.

    A pair whose least possible p lies above 0.05 cannot be rejected and takes no part in the correction (Tarone,
    Biometrics 46, 1990).
    """
    compared = [_compared(scores, a, b) for a, b in combinations(sorted(scores), 2)]
    decidable = [c for c in compared if c.p is not None and c.smallest <= ALPHA]
    corrected = holm([c.p for c in decidable if c.p is not None])
    adjusted = {(c.first, c.second): q for c, q in zip(decidable, corrected, strict=True)}
    return [replace(c, adjusted=adjusted.get((c.first, c.second))) for c in compared]


def ranking(scores: Scores, seed: int = 0) -> Ranking:
    """Returns average ranks and Friedman's test (JASA 32, 1937), its p by permutations within blocks.

    Which pairs differ, `compare_all` says: mean ranks depend on who else takes part (Benavoli, Corani and Mangili,
    JMLR 17, 2016).
    """
    methods = sorted(scores)
    common = set.intersection(*(set(scores[m]) for m in methods)) if methods else set()
    blocks = sorted(common)
    if not blocks:
        return Ranking({}, 0, None)
    table = np.array([[scores[m][block] for block in blocks] for m in methods])
    ranks = rankdata(-table, axis=0)
    means = dict(zip(methods, ranks.mean(axis=1).tolist(), strict=True))
    if len(methods) < 2 or len(blocks) < 2:
        return Ranking(means, len(blocks), None)
    test = permutation_test(
        tuple(ranks),
        # With the ranks of each block fixed, Friedman's statistic grows with the spread of the mean ranks alone.
        lambda *samples, axis: np.var([s.mean(axis=axis) for s in samples], axis=0),
        permutation_type="samples",
        vectorized=True,
        alternative="greater",
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(seed),
    )
    return Ranking(means, len(blocks), float(test.pvalue))


def _compared(scores: Scores, first: str, second: str) -> MethodComparison:
    blocks = sorted(scores[first].keys() & scores[second].keys())
    if not blocks:
        return MethodComparison(first, second, 0, None, None, 1.0)
    a, b = ([scores[name][block] for block in blocks] for name in (first, second))
    p, smallest = paired(a, b)
    return MethodComparison(first, second, len(blocks), float(np.mean(a) - np.mean(b)), p, smallest)
