"""McNemar's exact test: do two classifiers differ on the same inputs?"""

import numpy as np
from scipy.special import bdtr


def mcnemar(correct_before: np.ndarray, correct_after: np.ndarray) -> float:
    """Two-sided p-value of the hypothesis that an answer is as likely to become right as to become wrong.

    Only inputs whose answer became right or wrong count: under the null hypothesis each such change is a fair coin
    (McNemar, Psychometrika 12, 1947; the exact, binomial form).

    Args:
        correct_before, correct_after: (N,) bool, whether each input was classified correctly.
    """
    broken = int((correct_before & ~correct_after).sum())
    repaired = int((~correct_before & correct_after).sum())
    # The tail of a fair coin's binomial distribution, twice; scipy.stats has it as well, and takes a second to import.
    return min(1.0, 2 * float(bdtr(min(broken, repaired), broken + repaired, 0.5)))
