"""McNemar's exact test: do two classifiers differ on the same inputs?"""

import numpy as np
from scipy.special import bdtr


def mcnemar(right_before: np.ndarray, right_after: np.ndarray) -> float:
    """Two-sided p-value that the same share of inputs was put right as was broken.

    Only inputs whose answer turned right or wrong count: under the null hypothesis each turn is a fair coin
    (McNemar, Psychometrika 12, 1947; the exact, binomial form).

    Args:
        right_before, right_after: (N,) bool, whether each input was classified right.
    """
    broken = int((right_before & ~right_after).sum())
    repaired = int((~right_before & right_after).sum())
    # The tail of a fair coin's binomial distribution, twice; scipy.stats has it as well, and takes a second to import.
    return min(1.0, 2 * float(bdtr(min(broken, repaired), broken + repaired, 0.5)))
