"""Sequential linear programming: rounds of linear programs, each accepted only if the true merit falls.

S_l1-LP with a trust region (Fletcher and Sainz de la Maza, "Nonlinear programming and nonsmooth optimization by
successive linear programming", Mathematical Programming 43, 1989). Where nothing nonlinear follows the weights, the
model is exact and one round is the whole answer.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from repair.weights.methods.minimal.linear import Step, TakesStep, best_step
from repair.weights.methods.minimal.merit import Merit
from repair.weights.programs.program import SolverStatus
from repair.weights.tangent import Tangent

GOOD, POOR = 0.75, 0.25  # of the fall that the model promised
ENOUGH = 1e-4  # relative fall of the merit below which a price is done


@dataclass(frozen=True, eq=False)
class Point:
    """Where a descent is.

    Attributes:
        tangent: the model at the accepted deltas.
        radius: of the trust region, in units; infinite where the model is exact.
    """

    tangent: Tangent
    radius: float


@dataclass(frozen=True, eq=False)
class Round:
    """One solved round: its step, whether it was accepted, and the merit before and after."""

    step: Step
    accepted: bool
    before: float
    after: float


def descend(
    point: Point,
    merit: Merit,
    *,
    rounds: int,
    bound: float = np.inf,
    step_by: TakesStep = best_step,
    until: float | None = None,
    accepted: Callable[[Point], None] | None = None,
) -> tuple[Point, list[Round]]:
    """Lower the merit from a point.

    Args:
        point: where to start.
        merit: what is lowered.
        rounds: most rounds.
        bound: largest |delta|, in units.
        step_by: solves the program of a round.
        until: time (time.perf_counter) at which to stop.
        accepted: told of every accepted point.

    Returns:
        The last accepted point and the rounds.
    """
    done: list[Round] = []
    for _ in range(rounds):
        if until is not None and time.perf_counter() >= until:
            break
        tangent = point.tangent
        before = merit(tangent.logits, tangent.at)
        step = step_by(tangent, merit, radius=point.radius, bound=bound, until=until)
        if step.status is not SolverStatus.OPTIMAL:
            done.append(Round(step, False, before, before))
            break
        moved = tangent.move(step.deltas)
        after = merit(moved.logits, moved.at)
        falls = after < before and merit.keeps(moved.logits)
        done.append(Round(step, falls, before, after))
        promised = before - step.objective
        radius = point.radius
        if np.isfinite(radius):
            share = (before - after) / promised if falls and promised > 0 else 0.0
            radius = radius * 2 if share > GOOD else radius / 2 if share < POOR else radius
        point = Point(moved, radius) if falls else replace(point, radius=radius)
        if falls and accepted is not None:
            accepted(point)
        if promised <= ENOUGH * before or not np.isfinite(radius):
            break
    return point, done
