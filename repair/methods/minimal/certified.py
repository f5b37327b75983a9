"""A candidate's patch with its certificate; what rounding breaks is solved again with a tighter margin."""

from dataclasses import replace

import numpy as np

from repair.certify import Certificate, Rows, certify
from repair.methods.minimal.descent import Point, descend
from repair.methods.minimal.search import Candidate, Search
from repair.patch import Patch
from repair.problem import Problem
from repair.tangent import Tangent

TIGHTER = 10.0
ATTEMPTS = 3


def certified(
    problem: Problem, start: Tangent, found: Candidate | None, search: Search
) -> tuple[Patch | None, Certificate | None]:
    """The patch, and every margin row of the tests that it claims to put right, checked by `certify`.

    Where a row breaks in the full float32 run, the claimed tests become hard, by a floor that is ten times higher
    each time, and the program is solved again.

    Args:
        start: the tests at the unrepaired network.
        found: the candidate; None gives nothing.
        search: how the programs are solved; their rounds are added to its own.
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
        exact = start.weights.layers == problem.network.names[-1:]
        point, rounds = descend(
            Point(start.move(deltas), np.inf if exact else 1.0),
            merit,
            rounds=1,
            bound=search.limits.bound,
            generation=search.generation,
            options=search.options,
        )
        search.rounds.extend(rounds)
        deltas = rounds[-1].step.deltas if rounds and exact else point.tangent.at
        patch, certificate = _checked(problem, start, deltas, claimed)
    return patch, certificate


def _checked(
    problem: Problem, start: Tangent, deltas: np.ndarray, claimed: np.ndarray
) -> tuple[Patch, Certificate]:
    patch = start.weights.patch(deltas)
    rows = Rows.margins(problem.tests.take(claimed), problem.network.classes)
    return patch, certify(problem.network, patch, rows)
