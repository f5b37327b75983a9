"""Accuracy on validation data, which settings are chosen by."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from repair.weights.network.network import Network
from repair.weights.problem import Examples, Problem


@dataclass(frozen=True)
class Score:
    """Accuracies on validation data, fractions.

    Attributes:
        clean: on the inputs without the defect.
        defect: on those with it.
    """

    clean: float
    defect: float

    @property
    def total(self) -> float:
        """The sum of both, which is made as large as possible."""
        return self.clean + self.defect


@dataclass(frozen=True, eq=False)
class Validation:
    """Measures networks on a problem's validation data.

    Attributes:
        problem: whose validation data it is.
        first: the first layer whose weights may differ from the problem's network; what enters it is computed once.
    """

    problem: Problem
    first: str

    def __call__(self, network: Network) -> Score:
        """The accuracies of a network."""
        clean = _accuracy(network, self._clean, self.problem.validation_clean, self.first)
        if self.problem.validation_defect is self.problem.validation_clean:
            return Score(clean, clean)
        defect = _accuracy(network, self._defect, self.problem.validation_defect, self.first)
        return Score(clean, defect)

    @cached_property
    def before(self) -> Score:
        """The accuracies of the unrepaired network."""
        return self(self.problem.network)

    @cached_property
    def _clean(self) -> np.ndarray:
        return self.problem.network.activations(self.problem.validation_clean.images, at=self.first)

    @cached_property
    def _defect(self) -> np.ndarray:
        return self.problem.network.activations(
            self.problem.validation_defect.images, at=self.first
        )


def _accuracy(network: Network, entering: np.ndarray, examples: Examples, first: str) -> float:
    answers = network.logits_of(entering, at=first).argmax(1)
    return float((answers == examples.labels).mean())
