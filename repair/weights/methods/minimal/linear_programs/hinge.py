"""The hinge loss: every test's margin should reach a target margin, by linear programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from repair.weights.methods.minimal.linear_programs.sequential import DescentPoint, SequentialLP
from repair.weights.methods.minimal.loss import HIGHS, Keep
from repair.weights.methods.minimal.objective import Objective
from repair.weights.methods.minimal.penalties import Norm
from repair.weights.methods.minimal.search import Callback, Configuration
from repair.weights.methods.minimal.starting_point import StartingPoint
from repair.weights.settings import Count, Positive, Settings, Several, SolverName

TIGHTENING = 1.0  # radius within which a patch whose certificate fails is tightened


@dataclass(frozen=True)
class Hinge(Settings):
    """Sample weight times what a test's margin lacks of the target margin.

    The loss and its norm make a linear program, solved by generating rows and columns: one exact program at the last
    layer, sequential ones in a trust region elsewhere. In the L2 norm it would be a quadratic program, which is not
    supported.

    Attributes:
        target_margins: relative to the median margin of the clean tests that the network gets right; more than one are
            searched.
        sample_weights: weight of a clean test's slack relative to a defective one's; more than one are searched.
        radius: of the first trust region, relative to the mean |weight| of a layer's kernel.
        rounds: most linear programs at a step of the regularization path.
    """

    norms: ClassVar[tuple[Norm, ...]] = ("l1", "weighted_l1", "linf")
    keeps: ClassVar[tuple[Keep, ...]] = ("none", "clean")
    solvers: ClassVar[tuple[SolverName, ...]] = HIGHS

    target_margins: Several[Positive] = (0.2, 0.5)
    sample_weights: Several[Positive] = (1.0, 3.0)
    radius: Positive = 1.0
    rounds: Count = 4

    def configurations(
        self, start: StartingPoint, programs: SequentialLP, most_weights: int
    ) -> list[Configuration]:
        """One for each target margin and sample weight that leave something to do."""
        sample_weights = self.sample_weights if not start.clean.all() else (1.0,)
        rounds, radius = (1, np.inf) if start.linear else (self.rounds, self.radius)
        configurations: list[Configuration] = []
        for target in self.target_margins:
            for weight in sample_weights:
                objective = start.objective(target, weight, kind=start.kind)
                largest = objective.largest_strength(start.tangent)
                if largest > 0:
                    settings = {"target_margin": target, "sample_weight": weight}
                    point = DescentPoint(start.tangent, radius)
                    configurations.append(
                        HingeConfiguration(settings, objective, largest, point, programs, rounds)
                    )
        return configurations


@dataclass(eq=False)
class HingeConfiguration:
    """A target margin and a sample weight of clean tests, and how far their descent is.

    Attributes:
        settings: the two.
        objective: with them, at the present regularization strength.
        largest_strength: the regularization strength from which on nothing changes.
        point: where the descent is.
        programs: how linear programs are solved.
        rounds: most linear programs at a step of the path.
    """

    settings: Mapping[str, float]
    objective: Objective
    largest_strength: float
    point: DescentPoint
    programs: SequentialLP
    rounds: int

    def advance(self, strength: float, callback: Callback, until: float) -> None:
        """Rounds until the objective no longer falls; the callback is told of each accepted point."""
        self.objective = self.objective.with_strength(strength * self.largest_strength)
        point, done = self.programs.descend(
            self.point,
            self.objective,
            self.rounds,
            until=until,
            accepted=lambda point: callback(point.tangent.deltas),
        )
        self.point = point
        if not any(one.accepted for one in done) and not point.tangent.deltas.any():
            callback(point.tangent.deltas)

    @property
    def radius(self) -> float:
        """Within which a patch is tightened; infinite where the program is exact."""
        return TIGHTENING if np.isfinite(self.point.radius) else np.inf

    def exceeds_budget(self, most_weights: int) -> bool:
        """Patches only grow along the path."""
        return bool(np.count_nonzero(self.point.tangent.deltas) > most_weights)
