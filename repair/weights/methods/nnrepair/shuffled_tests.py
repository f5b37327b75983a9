"""The tests of a problem as activations that enter the layer under repair: computed once, drawn by seed."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool

from repair.weights.localization.localization import Entering
from repair.weights.problem import Problem


@dataclass(frozen=True, eq=False)
class ShuffledTests:
    """Tests in a random order, so that the first ones are a draw.

    Attributes:
        entering: activations (N, in) and true labels; its indices are those in `Problem.tests`.
        right: (N,) whether the network classifies the test right.
        clean: (N,) whether the test is a clean one; all are where the defect is low accuracy.
    """

    entering: Entering
    right: Bool[np.ndarray, " N"]
    clean: Bool[np.ndarray, " N"]

    @property
    def halves(self) -> tuple[Entering, Entering]:
        """The clean and the defective tests; the same object where the defect is low accuracy."""
        if self.clean.all():
            return self.entering, self.entering
        return self.entering.take(self.clean), self.entering.take(~self.clean)

    @classmethod
    def of(cls, problem: Problem, layer: str, seed: int) -> Self:
        """The problem's repair set, run up to the layer and shuffled by seed."""
        tests = problem.tests
        order = np.random.default_rng(seed).permutation(len(tests))
        values = problem.network.activations(tests.images, at=layer)[order]
        labels = tests.labels[order]
        right = problem.network.logits_of(values, at=layer).argmax(1) == labels
        return cls(Entering(values, labels, order), right, problem.is_clean[order])

    def failing(self, label: int) -> Entering:
        """Tests of a class that the network gets wrong."""
        return self.entering.take(~self.right & (self.entering.labels == label))

    def passing(self, label: int) -> Entering:
        """Tests of a class that the network gets right."""
        return self.entering.take(self.right & (self.entering.labels == label))

    def keeping(self, count: int, classes: int) -> Entering:
        """Clean tests that the network gets right, as many of each class as can be.

        Args:
            count: the largest number of tests.
            classes: how many classes there are.
        """
        chosen = np.flatnonzero(self.right & self.clean)
        labels = self.entering.labels[chosen]
        turn = np.zeros(len(chosen), dtype=np.int64)  # how many of its class come before a test
        for label in range(classes):
            turn[labels == label] = np.arange((labels == label).sum())
        return self.entering.take(chosen[np.lexsort((labels, turn))][:count])
