"""What one class asks of a repair."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from repair.weights.localization.localization import Entering

# A patch whose rows do not hold after rounding to float32 is solved again with its margin times these.
TIGHTENED = (1.0, 10.0, 100.0)


@dataclass(frozen=True, eq=False)
class Asked:
    """The free weights of a class and the tests whose rows are to hold.

    Attributes:
        label: the class.
        free: (v,) ascending C-order places of the free weights in the kernel.
        failing: tests for soft rows.
        passing: tests for hard rows.
        about: what is worth keeping in the record.
    """

    label: int
    free: np.ndarray
    failing: Entering
    passing: Entering
    about: Mapping[str, Any] = field(default_factory=dict)
