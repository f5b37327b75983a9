"""A candidate's patch with its certificate; what rounding breaks is solved again with a tighter margin."""

from dataclasses import replace

import numpy as np

from repair.weights.certificate import Certificate, MarginConstraints, certify
from repair.weights.methods.minimal.linear_programs.sequential import DescentPoint, SequentialLP
from repair.weights.methods.minimal.search import Candidate
from repair.weights.patch import Patch
from repair.weights.problem import Problem
from repair.weights.tangent import Tangent

TIGHTER = 10.0  # factor of the floor, at each attempt
ATTEMPTS = 3


def certified(
    problem: Problem, start: Tangent, candidate: Candidate, programs: SequentialLP
) -> tuple[Patch, Certificate]:
    """The patch, and every margin constraint of the tests that it claims to put right, checked by `certify`.

    Where one breaks in the full float32 run, the claimed tests become hard, by a floor that is ten times higher each
    time, and the program is solved again.

    Args:
        problem: whose tests they are.
        start: the tests at the unrepaired network.
        candidate: what is to be certified.
        programs: how linear programs are solved.
    """
    deltas, objective = candidate.deltas, candidate.objective
    claimed = objective.margins(start.at(deltas).logits).min(1) > 0
    patch, certificate = _checked(problem, start, deltas, claimed)
    for _ in range(ATTEMPTS):
        if certificate.ok:
            break
        objective = replace(objective, hard=claimed, floor=objective.floor * TIGHTER)
        here = DescentPoint(start.at(deltas), candidate.radius)
        point, rounds = programs.descend(here, objective, rounds=1)
        exact = rounds and np.isinf(candidate.radius)
        deltas = rounds[-1].step.deltas if exact else point.tangent.deltas
        patch, certificate = _checked(problem, start, deltas, claimed)
    return patch, certificate


def _checked(
    problem: Problem, start: Tangent, deltas: np.ndarray, claimed: np.ndarray
) -> tuple[Patch, Certificate]:
    patch = start.weights.patch(deltas)
    rows = MarginConstraints.margins(problem.tests.take(claimed), problem.network.classes)
    return patch, certify(problem.network, patch, rows)
