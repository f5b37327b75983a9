"""The MaxSAT problem of one expert: the free weights of a class, and the tests that constrain them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Int64
from numpy import ndarray

from repair.weights.localization.localization import Entering

# A patch whose rows do not hold after rounding to float32 is solved again with its margin times these.
TIGHTENED = (1.0, 10.0, 100.0)


@dataclass(frozen=True, eq=False)
class ExpertProblem:
    """The free weights of a class and the tests whose rows are to hold.

    Attributes:
        label: the class that the expert repairs.
        free: (v,) ascending C-order indices of the free weights in the kernel.
        failing: tests for soft rows.
        passing: tests for hard rows.
        details: what is worth keeping in the record.
    """

    label: int
    free: Int64[ndarray, " v"]
    failing: Entering
    passing: Entering
    details: Mapping[str, Any] = field(default_factory=dict)
