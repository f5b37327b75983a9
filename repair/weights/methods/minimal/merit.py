"""What a minimal repair minimises: the priced hinge of every test's margin plus the weighted norm of the deltas."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from repair.weights.methods.minimal import norms

FLOOR = 1e-4


@dataclass(frozen=True, eq=False)
class Merit:
    """sum_t importance_t * max(0, 1 - margin_t / margin) + price * the norm of cost * delta / unit.

    A test's margin is its true logit minus the largest other one (Crammer and Singer, JMLR 2, 2001).

    Attributes:
        labels: (N,) true classes of the tests.
        importance: (N,) price of a test's slack.
        margin: what each test should reach, in the unit of the logits.
        price: of a delta of one unit.
        cost: (n,) relative price of each weight; infinite for one that may not change.
        units: (n,) unit of each delta.
        hard: (N,) bool, tests that must be right by `floor` of the margin, at any price; None for none.
        floor: what a hard test's margin must reach, in units of the margin.
        kind: of norm: the sum of the deltas' sizes (L1), or the largest of them (L-inf).
    """

    labels: np.ndarray
    importance: np.ndarray
    margin: float
    price: float
    cost: np.ndarray
    units: np.ndarray
    hard: np.ndarray | None = None
    floor: float = FLOOR
    kind: norms.Kind = "l1"

    @property
    def most_slack(self) -> np.ndarray:
        """(N,) largest slack of each test: a hard one's leaves it the floor."""
        most = np.full(len(self.labels), np.inf)
        if self.hard is not None:
            most[self.hard] = 1.0 - self.floor
        return most

    def keeps(self, logits: np.ndarray) -> bool:
        """Whether every hard test is right."""
        return self.hard is None or bool((self.slack(logits)[self.hard] < 1.0).all())

    def priced(self, price: float) -> Self:
        """The same with another price of change."""
        return replace(self, price=price)

    def margins(self, logits: np.ndarray) -> np.ndarray:
        """(N, classes) true logit minus each other, in units of the margin; infinite at the true class."""
        tests = np.arange(len(logits))
        own = logits[tests, self.labels]
        margins = (own[:, None] - logits) / self.margin
        margins[tests, self.labels] = np.inf
        return margins

    def slack(self, logits: np.ndarray) -> np.ndarray:
        """(N,) how much each test lacks of the margin, in units of it."""
        return np.maximum(0.0, 1.0 - self.margins(logits).min(1))

    def norm(self, deltas: np.ndarray) -> float:
        """Weighted norm of deltas (n,), in units."""
        changed = np.flatnonzero(deltas)
        priced = self.cost[changed] * deltas[changed] / self.units[changed]
        return float(np.linalg.norm(priced, norms.ORDER[self.kind]))

    def __call__(self, logits: np.ndarray, deltas: np.ndarray) -> float:
        """The merit of deltas (n,) that lead to logits (N, classes)."""
        return float(self.importance @ self.slack(logits)) + self.price * self.norm(deltas)

    def hinge_cotangents(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tests with slack, and minus the gradient of the hinge in their logits."""
        margins = self.margins(logits)
        rivals = margins.argmin(1)
        tests = np.flatnonzero(margins.min(1) < 1)
        weight = self.importance[tests] / self.margin
        cotangents = np.zeros((len(tests), logits.shape[1]))
        rows = np.arange(len(tests))
        cotangents[rows, self.labels[tests]] = weight
        cotangents[rows, rivals[tests]] = -weight
        return tests, cotangents
