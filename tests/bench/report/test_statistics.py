"""Statistics against enumeration, published examples and other implementations."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, wilcoxon

from bench.report.statistics import compare_all, holm, interval, paired, ranking

FEW = st.lists(st.integers(-20, 20), min_size=1, max_size=7)


@settings(max_examples=25, deadline=None)
@given(FEW)
def test_the_sign_flip_test_counts_all_swaps(differences):
    d = np.array(differences, float)
    sums = np.array([np.dot(signs, d) for signs in product((-1, 1), repeat=len(d))])
    # The rule of two-sided tests by permutation: twice the smaller tail.
    tails = [np.mean(sums >= d.sum() - 1e-9), np.mean(sums <= d.sum() + 1e-9)]
    p, smallest = paired(d + 50, np.full(len(d), 50))
    assert p == pytest.approx(min(1.0, 2 * min(tails)))
    assert p >= smallest - 1e-12
    assert paired(np.full(len(d), 50), d + 50)[0] == pytest.approx(p)


def test_many_pairs_agree_with_wilcoxon_where_both_are_clear():
    rng = np.random.default_rng(0)
    base = rng.normal(size=40)
    near, far = base + rng.normal(0.0, 1.0, 40), base + 1 + rng.normal(0, 0.5, 40)
    assert paired(base, near)[0] > 0.05
    assert wilcoxon(base, near).pvalue > 0.05
    assert paired(base, far)[0] < 0.001 > wilcoxon(base, far).pvalue


def test_holm_is_the_textbook_one():
    # Four hypotheses: 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1, never falling.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_interval_holds_the_mean_and_grows_with_the_spread():
    near, far = interval([97, 98, 99, 98, 97]), interval([87, 98, 109, 98, 87])
    for found in (near, far):
        assert found.low < found.mean < found.high
    assert far.high - far.low > 5 * (near.high - near.low)
    assert interval([97, 98, 99, 98, 97]) == near
    assert interval([5.0]).low is None
    assert interval([5.0, 5.0, 5.0]) == pytest.approx(interval([5.0] * 3))
    assert (interval([5.0] * 3).low, interval([5.0] * 3).high) == (5.0, 5.0)


def test_the_interval_covers_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    inside = [
        found.low <= 0 <= found.high
        for found in (interval(rng.normal(size=40).tolist()) for _ in range(150))
    ]
    assert 0.88 <= np.mean(inside) <= 0.99


def scores(**methods):
    return {name: {("s", i): v for i, v in enumerate(values)} for name, values in methods.items()}


def test_a_difference_is_called_one_only_when_the_test_says_so():
    better, base = [60, 61, 62, 63, 64, 65], [50, 51, 52, 53, 54, 55]
    (six,) = compare_all(scores(new=better, old=base))
    assert six.verdict == "new is better"
    assert six.difference == pytest.approx(10)
    (five,) = compare_all(scores(new=better[:5], old=base[:5]))
    assert five.verdict.startswith("undecided")
    assert five.smallest == pytest.approx(2 / 32)
    (mixed,) = compare_all(scores(new=[60, 41, 62, 43, 64, 45, 50], old=[50] * 7))
    assert mixed.verdict == "no difference shown"
    (none,) = compare_all({"a": {("s", 0): 1.0}, "b": {("s", 1): 1.0}})
    assert (none.pairs, none.difference) == (0, None)
    assert none.verdict.startswith("undecided")


def test_the_correction_counts_only_pairs_that_could_be_decided():
    six = dict(enumerate([60, 61, 62, 63, 64, 65]))
    found = compare_all(
        {
            "a": {(k,): v for k, v in six.items()},
            "b": {(k,): v - 10 for k, v in six.items()},
            "c": {(0,): 1.0, (1,): 2.0},  # two pairs with each: never decidable
        }
    )
    by_name = {(c.first, c.second): c for c in found}
    assert by_name["a", "b"].adjusted == pytest.approx(by_name["a", "b"].p)
    assert by_name["a", "c"].adjusted is None
    # Two more of the kind, and the same p no longer suffices: 3 x 2/64 > 0.05.
    three = compare_all(scores(a=range(6), b=range(10, 16), c=range(20, 26)))
    assert {c.verdict for c in three} == {"no difference shown"}
    assert {round(c.adjusted, 5) for c in three} == {round(6 / 64, 5)}


def test_ranks_and_friedman_agree_with_scipy():
    rng = np.random.default_rng(3)
    table = rng.normal(size=(3, 30)) + np.array([[0.0], [0.5], [0.9]])
    found = ranking(scores(low=table[0], mid=table[1], high=table[2]))
    assert sorted(found.ranks, key=found.ranks.get) == ["high", "mid", "low"]
    assert sum(found.ranks.values()) == pytest.approx(6)
    assert found.p == pytest.approx(friedmanchisquare(*table).pvalue, abs=0.02)
    tied = ranking(scores(a=[1, 1, 1], b=[1, 1, 1]))
    assert tied.ranks == {"a": 1.5, "b": 1.5}
    assert tied.p == 1.0


def test_only_blocks_of_all_methods_are_ranked():
    found = ranking({"a": {(0,): 1.0, (1,): 2.0}, "b": {(1,): 1.0}})
    assert (found.blocks, found.p) == (1, None)
    assert found.ranks == {"a": 1.0, "b": 2.0}
    assert ranking({"a": {(0,): 1.0}, "b": {}}).ranks == {}
