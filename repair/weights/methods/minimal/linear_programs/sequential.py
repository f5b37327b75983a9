"""Sequential linear programming: a nonsmooth objective falls by linear programs within a trust region.

Each round minimises the objective of the network's first-order model within a trust region around the present deltas,
and is accepted only if the true objective falls (Fletcher and Sainz de la Maza, "Nonlinear programming and nonsmooth
optimization by successive linear programming", Mathematical Programming 43, 1989). Where nothing nonlinear follows the
weights, the model is exact and one round is the whole answer.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from repair.weights.methods.minimal.linear_programs.generation import (
    Generation,
    LinearStep,
    best_step,
)
from repair.weights.methods.minimal.objective import Objective
from repair.weights.programs.program import SolverOptions, SolverStatus
from repair.weights.tangent import Tangent

# Shares of the fall promised by the model, above and below which the trust region grows and shrinks.
GOOD, POOR = 0.75, 0.25
ENOUGH = 1e-4  # relative fall of the objective below which a descent is done


@dataclass(frozen=True, eq=False)
class DescentPoint:
    """Where a descent is.

    Attributes:
        tangent: the first-order model at the accepted deltas.
        radius: of the trust region, in the scale of the weights; infinite where the model is exact.
    """

    tangent: Tangent
    radius: float


@dataclass(frozen=True, eq=False)
class DescentRound:
    """One solved round: its step, whether it was accepted, and the objective before and after."""

    step: LinearStep
    accepted: bool
    before: float
    after: float


@dataclass(frozen=True)
class SequentialLP:
    """Sequential linear programming with the settings of a repair, and a protocol of all rounds.

    Attributes:
        generation: how rows and columns are generated.
        options: of the solver.
        bound: largest |delta|, in the scale of the weights.
        rounds: all that were solved.
    """

    generation: Generation = field(default_factory=Generation)
    options: SolverOptions = field(default_factory=SolverOptions)
    bound: float = np.inf
    rounds: list[DescentRound] = field(default_factory=list)

    def descend(
        self,
        point: DescentPoint,
        objective: Objective,
        rounds: int,
        *,
        until: float = np.inf,
        accepted: Callable[[DescentPoint], None] | None = None,
    ) -> tuple[DescentPoint, Sequence[DescentRound]]:
        """Lower the objective from a point.

        Args:
            point: where to start.
            objective: what is lowered.
            rounds: most rounds.
            until: time (time.perf_counter) at which to stop.
            accepted: is told of every accepted point.

        Returns:
            The last accepted point, and the rounds that led there.
        """
        first = len(self.rounds)
        for _ in range(rounds):
            if time.perf_counter() >= until:
                break
            tangent = point.tangent
            before = objective(tangent.logits, tangent.deltas)
            step = best_step(
                tangent,
                objective,
                radius=point.radius,
                bound=self.bound,
                generation=self.generation,
                options=self.options,
                until=until,
            )
            if step.status is not SolverStatus.OPTIMAL:
                self.rounds.append(DescentRound(step, False, before, before))
                break
            ahead = tangent.at(step.deltas)
            after = objective(ahead.logits, ahead.deltas)
            falls = after < before and objective.admits(ahead.logits)
            self.rounds.append(DescentRound(step, falls, before, after))
            promised = before - step.objective
            share = (before - after) / promised if falls and promised > 0 else 0.0
            radius = _adapted(point.radius, share)
            point = DescentPoint(ahead, radius) if falls else replace(point, radius=radius)
            if falls and accepted is not None:
                accepted(point)
            if promised <= ENOUGH * before or not np.isfinite(radius):
                break
        return point, self.rounds[first:]

    @property
    def seconds(self) -> float:
        """Seconds in the solver."""
        return sum(done.step.solver_seconds for done in self.rounds)

    def summary(self) -> dict[str, Any] | None:
        """All programs as one, for the record: the largest sizes, seconds added up, the last status."""
        if not self.rounds:
            return None
        steps = [done.step for done in self.rounds]
        return {
            "name": "highs",
            "status": steps[-1].status.value,
            "objective": steps[-1].objective if np.isfinite(steps[-1].objective) else None,
            "rows": max(step.rows for step in steps),
            "columns": max(step.columns for step in steps),
            "seconds": self.seconds,
            "programs": len(steps),
            "solves": sum(step.passes for step in steps),
            "exact_programs": sum(step.exact for step in steps),
        }


def _adapted(radius: float, share: float) -> float:
    """The next radius, by the share of the promised fall that came true; an infinite one stays."""
    if share > GOOD:
        return radius * 2
    return radius / 2 if share < POOR else radius
