"""What a repair by margins minimises: the hinge loss of the tests plus a regularizer, a norm of the change of weights.

The multiclass hinge loss is that of Crammer and Singer ("On the algorithmic implementation of multiclass kernel-based
vector machines", JMLR 2, 2001): a test's margin is its true logit minus the largest other one, and what it lacks of
the target margin is its slack.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from repair.weights.methods.minimal import norms
from repair.weights.tangent import Tangent

FLOOR = 1e-4


def margins(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The true logit of each test minus each other one.

    Args:
        logits: (N, classes).
        labels: (N,) true classes.

    Returns:
        (N, classes), infinite at the true class.
    """
    tests = np.arange(len(logits))
    differences = logits[tests, labels][:, None] - logits
    differences[tests, labels] = np.inf
    return differences


@dataclass(frozen=True, eq=False)
class Regularizer:
    """The regularization strength times a norm of factors * deltas / scale.

    Attributes:
        kind: which norm: the sum of sizes (L1), the Euclidean norm (L2) or the largest size (L-inf).
        strength: regularization strength, for deltas of one scale.
        factors: (n,) penalty factor of each weight; infinite for one that may not change.
        scale: (n,) per-weight scale of the deltas.
    """

    kind: norms.Kind
    strength: float
    factors: np.ndarray
    scale: np.ndarray

    def __call__(self, deltas: np.ndarray) -> float:
        """The value at deltas (n,)."""
        changed = np.flatnonzero(deltas)
        weighted = self.factors[changed] * deltas[changed] / self.scale[changed]
        return self.strength * float(np.linalg.norm(weighted, norms.ORDER[self.kind]))

    def largest_strength(self, gradient: np.ndarray) -> float:
        """The strength from which on no change pays, for a loss with a gradient (n,) in the deltas."""
        return norms.largest_strength(self.kind, gradient * self.scale, self.factors)


@dataclass(frozen=True, eq=False)
class Objective:
    """sum_t sample_weight_t * max(0, 1 - margin_t / target_margin) + regularizer(deltas).

    Attributes:
        labels: (N,) true classes of the tests.
        sample_weights: (N,) weight of each test's slack.
        target_margin: margin that every test should reach, in the unit of the logits.
        regularizer: of the deltas.
        hard: (N,) bool, tests that must be right by `floor`, a hard constraint; None for none.
        floor: least margin of a hard test, relative to the target margin.
    """

    labels: np.ndarray
    sample_weights: np.ndarray
    target_margin: float
    regularizer: Regularizer
    hard: np.ndarray | None = None
    floor: float = FLOOR

    @property
    def largest_slack(self) -> np.ndarray:
        """(N,) the most slack that each test may have: infinite, but of a hard test that which leaves the floor."""
        largest = np.full(len(self.labels), np.inf)
        if self.hard is not None:
            largest[self.hard] = 1.0 - self.floor
        return largest

    def admits(self, logits: np.ndarray) -> bool:
        """Whether every hard test is right by logits (N, classes)."""
        return self.hard is None or bool((self.slack(logits)[self.hard] < 1.0).all())

    def with_strength(self, strength: float) -> Self:
        """The same with another regularization strength."""
        return replace(self, regularizer=replace(self.regularizer, strength=strength))

    def largest_strength(self, tangent: Tangent) -> float:
        """The regularization strength from which on nothing changes, by the gradient of the hinge loss at a tangent."""
        gradient = tangent.gradient(*self.hinge_cotangents(tangent.logits))
        return self.regularizer.largest_strength(gradient)

    def margins(self, logits: np.ndarray) -> np.ndarray:
        """(N, classes) margins to each other class, relative to the target margin; infinite at the true class."""
        return margins(logits, self.labels) / self.target_margin

    def slack(self, logits: np.ndarray) -> np.ndarray:
        """(N,) how much each test lacks of the target margin, relative to it."""
        return np.maximum(0.0, 1.0 - self.margins(logits).min(1))

    def __call__(self, logits: np.ndarray, deltas: np.ndarray) -> float:
        """The value at deltas (n,) that lead to logits (N, classes)."""
        return float(self.sample_weights @ self.slack(logits)) + self.regularizer(deltas)

    def hinge_cotangents(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Minus the gradient of the hinge loss in the logits (N, classes).

        Returns:
            (K,) the tests with slack, and (K, classes) minus the gradient in their logits.
        """
        relative = self.margins(logits)
        rivals = relative.argmin(1)
        tests = np.flatnonzero(relative.min(1) < 1)
        weight = self.sample_weights[tests] / self.target_margin
        cotangents = np.zeros((len(tests), logits.shape[1]))
        rows = np.arange(len(tests))
        cotangents[rows, self.labels[tests]] = weight
        cotangents[rows, rivals[tests]] = -weight
        return tests, cotangents
