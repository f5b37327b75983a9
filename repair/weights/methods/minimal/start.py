"""Where every arm of a repair starts: the unrepaired network at the tests, and what a change of its weights costs."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from repair.weights.localization.localization import Localization
from repair.weights.methods.minimal.costs import Norm, costs, kind, only_blamed
from repair.weights.methods.minimal.merit import Merit
from repair.weights.methods.minimal.norms import Kind
from repair.weights.problem import Problem
from repair.weights.tangent import Tangent, Weights


@dataclass(frozen=True, eq=False)
class Start:
    """The unrepaired network at the tests of a problem.

    Attributes:
        problem: whose tests they are.
        tangent: at no change.
        norm: that patches are small in.
        keep: whether clean tests that are right must stay so.
        free, localize: how many weights may change at all, and what chooses them; None for all.
    """

    problem: Problem
    tangent: Tangent
    norm: Norm
    keep: bool
    free: int | None
    localize: Localization

    @property
    def weights(self) -> Weights:
        """What may change."""
        return self.tangent.weights

    @property
    def exact(self) -> bool:
        """Whether logits are linear in the weights: at the last layer alone."""
        return self.weights.layers == self.problem.network.names[-1:]

    @property
    def kind(self) -> Kind:
        """Of norm."""
        return kind(self.norm)

    @cached_property
    def clean(self) -> np.ndarray:
        """(N,) bool, the tests without the defect."""
        return self.problem.is_clean

    @cached_property
    def margins(self) -> np.ndarray:
        """(N,) margin of each test: its true logit minus the largest other one."""
        return self._plain.margins(self.tangent.logits).min(1)

    @cached_property
    def usual(self) -> float:
        """Median margin of the clean tests that the network gets right; 0 where there are none."""
        right = self.margins[self.clean & (self.margins > 0)]
        return float(np.median(right)) if len(right) else 0.0

    @cached_property
    def cost(self) -> np.ndarray:
        """(n,) relative price of each weight, infinite for one that may not change."""
        cost = costs(self.norm, self.tangent, self._plain, self.clean)
        if self.free is None:
            return cost
        labels, right = self.problem.tests.labels, self.margins > 0
        return only_blamed(
            cost, self.problem.layer, self.tangent, labels, right, self.localize, self.free
        )

    def merit(
        self, margin: float, importance: float, price: float = 1.0, kind: Kind = "l1"
    ) -> Merit:
        """The merit of a margin, relative to the usual one, and of an importance of clean tests."""
        return Merit(
            self.problem.tests.labels,
            np.where(self.clean, importance, 1.0),
            margin * self.usual,
            price,
            self.cost,
            self.weights.units,
            self.clean & (self.margins > 0) if self.keep else None,
            kind=kind,
        )

    @property
    def _plain(self) -> Merit:
        labels, units = self.problem.tests.labels, self.weights.units
        return Merit(labels, np.ones(len(labels)), 1.0, 1.0, np.ones(len(units)), units)
