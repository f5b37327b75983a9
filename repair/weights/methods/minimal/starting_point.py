"""Where every configuration of a repair starts: the unrepaired network at the tests, and how a change is penalised."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from repair.weights.localization.localization import ActivationDifference, Localization
from repair.weights.methods.minimal.norms import Kind
from repair.weights.methods.minimal.objective import Objective, Regularizer, margins
from repair.weights.methods.minimal.penalties import Norm, kind, penalty_factors, restricted
from repair.weights.problem import Problem
from repair.weights.tangent import Tangent, Weights


@dataclass(frozen=True, eq=False)
class StartingPoint:
    """The unrepaired network at the tests of a problem.

    Attributes:
        problem: whose tests they are.
        tangent: the first-order model at the unrepaired network.
        norm: the norm that patches are small in.
        keep: whether clean tests that are right must stay right.
        free: how many weights of the problem's one layer may change at all; None for all weights.
        localize: scores the weights, where `free` is given.
    """

    problem: Problem
    tangent: Tangent
    norm: Norm = "l1"
    keep: bool = False
    free: int | None = None
    localize: Localization = field(default_factory=ActivationDifference)

    @property
    def weights(self) -> Weights:
        """What may change."""
        return self.tangent.weights

    @property
    def linear(self) -> bool:
        """Whether logits are linear in the weights, so that the first-order model is exact: at the last layer alone."""
        return self.weights.layers == self.problem.network.names[-1:]

    @property
    def kind(self) -> Kind:
        """The norm without its penalty factors."""
        return kind(self.norm)

    @cached_property
    def clean(self) -> np.ndarray:
        """(N,) bool, the tests without the defect."""
        return self.problem.is_clean

    @cached_property
    def margins(self) -> np.ndarray:
        """(N,) margin of each test: its true logit minus the largest other one."""
        return margins(self.tangent.logits, self.problem.tests.labels).min(1)

    @cached_property
    def reference_margin(self) -> float:
        """Median margin of the clean tests that the network gets right; 0 where there are none."""
        right = self.margins[self.clean & (self.margins > 0)]
        return float(np.median(right)) if len(right) else 0.0

    @cached_property
    def penalty_factors(self) -> np.ndarray:
        """(n,) penalty factor of each weight, infinite for one that may not change."""
        labels, right = self.problem.tests.labels, self.margins > 0
        factors = penalty_factors(self.norm, self.tangent, labels, self.clean)
        if self.free is None:
            return factors
        layer = self.problem.layer
        return restricted(factors, layer, self.tangent, labels, right, self.localize, self.free)

    def sample_weights(self, clean: float) -> np.ndarray:
        """(N,) weights of the tests: 1 of a defective one, `clean` of a clean one."""
        return np.where(self.clean, clean, 1.0)

    def objective(
        self, target_margin: float, sample_weight: float, strength: float = 1.0, kind: Kind = "l1"
    ) -> Objective:
        """The hinge loss and its regularizer.

        Args:
            target_margin: relative to the reference margin.
            sample_weight: of a clean test, relative to a defective one.
            strength: regularization strength.
            kind: the norm of the regularizer.
        """
        return Objective(
            self.problem.tests.labels,
            self.sample_weights(sample_weight),
            target_margin * self.reference_margin,
            Regularizer(kind, strength, self.penalty_factors, self.weights.scale),
            hard=self.clean & (self.margins > 0) if self.keep else None,
        )
