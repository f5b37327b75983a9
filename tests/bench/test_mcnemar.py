"""McNemar's exact test against sums of binomial coefficients, in fractions."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from bench.mcnemar import mcnemar


@pytest.mark.parametrize(("broken", "repaired"), [(0, 0), (0, 5), (3, 9), (7, 7), (12, 1)])
def test_p_value_is_the_two_sided_binomial_tail(broken, repaired):
    before = np.array([True] * broken + [False] * repaired + [True] * 40 + [False] * 10)
    after = np.array([False] * broken + [True] * repaired + [True] * 40 + [False] * 10)
    n, k = broken + repaired, min(broken, repaired)
    tail = sum(Fraction(comb(n, i), 2**n) for i in range(k + 1))
    assert mcnemar(before, after) == pytest.approx(float(min(Fraction(1), 2 * tail)), rel=1e-12)
    assert mcnemar(after, before) == pytest.approx(mcnemar(before, after))
