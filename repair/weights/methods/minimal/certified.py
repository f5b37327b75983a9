"""A candidate's patch with its certificate; what rounding breaks is solved again with a tighter margin."""

from dataclasses import replace

import numpy as np

from repair.weights.certificate import Certificate, MarginConstraints, certify
from repair.weights.methods.minimal.descent import Point
from repair.weights.methods.minimal.programs import Programs
from repair.weights.methods.minimal.search import Candidate
from repair.weights.patch import Patch
from repair.weights.problem import Problem
from repair.weights.tangent import Tangent

TIGHTER = 10.0
ATTEMPTS = 3


def certified(
    problem: Problem, start: Tangent, found: Candidate | None, programs: Programs
) -> tuple[Patch | None, Certificate | None]:
    """The patch, and every margin row of the tests that it claims to put right, checked by `certify`.

    Where a row breaks in the full float32 run, the claimed tests become hard, by a floor that is ten times higher
    each time, and the program is solved again.

    Args:
        start: the tests at the unrepaired network.
        found: the candidate; None gives nothing.
        programs: how it is solved.
    """
    if found is None:
        return None, None
    deltas, merit = found.deltas, found.merit
    claimed = merit.margins(start.move(deltas).logits).min(1) > 0
    patch, certificate = _checked(problem, start, deltas, claimed)
    for _ in range(ATTEMPTS):
        if certificate.ok:
            break
        merit = replace(merit, hard=claimed, floor=merit.floor * TIGHTER)
        point, rounds = programs.descend(Point(start.move(deltas), found.radius), merit, rounds=1)
        exact = rounds and np.isinf(found.radius)
        deltas = rounds[-1].step.deltas if exact else point.tangent.at
        patch, certificate = _checked(problem, start, deltas, claimed)
    return patch, certificate


def _checked(
    problem: Problem, start: Tangent, deltas: np.ndarray, claimed: np.ndarray
) -> tuple[Patch, Certificate]:
    patch = start.weights.patch(deltas)
    rows = MarginConstraints.margins(problem.tests.take(claimed), problem.network.classes)
    return patch, certify(problem.network, patch, rows)
