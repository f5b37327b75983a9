"""The linear program of one round in one go, with every row and every weight: for solvers that start from nothing."""

import time
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, diags_array, hstack, vstack

from repair.errors import InputError
from repair.weights.methods.minimal.linear import Step
from repair.weights.methods.minimal.merit import Merit
from repair.weights.programs.program import Program, SolverOptions, SolverStatus
from repair.weights.programs.solvers import solve
from repair.weights.tangent import Tangent, margin_cotangents

AT_ONCE = 2**22  # entries of rows made at a time, as a dense matrix
MOST_ENTRIES = 50_000_000


def full_program(
    tangent: Tangent, merit: Merit, radius: float = np.inf, bound: float = np.inf
) -> Program:
    """The program that `linear.best_step` makes parts of.

    Columns: "plus" and "minus", what is added to and taken from each weight that may change, in units; "slack" of
    each test; for the L-inf norm the "norm". Rows: margin + slack >= 1 for each test and rival class; plus + minus
    within the norm for each weight.

    Args:
        tangent: the model, at the present deltas.
        merit: what is minimised.
        radius: of the trust region, in units; infinite where the model is exact.
        bound: largest |delta|, in units.

    Raises:
        InputError: for a program of more than MOST_ENTRIES entries.
    """
    count, classes = tangent.logits.shape
    weights = np.flatnonzero(np.isfinite(merit.cost))
    tests, rivals = (part.ravel() for part in np.indices((count, classes)))
    others = rivals != merit.labels[tests]
    tests, rivals = tests[others], rivals[others]
    slopes = _slopes(tangent, merit, weights, tests, rivals)
    at = tangent.at[weights] / merit.units[weights]
    low, high = np.maximum(at - radius, -bound), np.minimum(at + radius, bound)
    slack = csr_array((np.ones(len(tests)), (np.arange(len(tests)), tests)), (len(tests), count))
    k, one = len(weights), merit.kind == "linf"
    cost = merit.cost[weights]
    rows = hstack([slopes, -slopes, slack], format="csr")
    least = 1.0 - merit.margins(tangent.logits)[tests, rivals] + slopes @ at
    priced = np.zeros(2 * k) if one else np.tile(merit.price * cost, 2)
    objective = np.concatenate([priced, merit.importance])
    lower = np.concatenate([np.maximum(low, 0), np.maximum(-high, 0), np.zeros(count)])
    upper = np.concatenate([np.maximum(high, 0), np.maximum(-low, 0), merit.most_slack])
    if one:
        each = diags_array(cost)
        within = hstack([each, each, csr_array((k, count)), csr_array(-np.ones((k, 1)))])
        rows = vstack([hstack([rows, csr_array((len(tests), 1))]), within], format="csr")
        objective = np.append(objective, merit.price)
        lower, upper = np.append(lower, 0.0), np.append(upper, np.inf)
        least = np.concatenate([least, np.full(k, -np.inf)])
    most = np.where(np.arange(len(least)) < len(tests), np.inf, 0.0)
    blocks = {
        "plus": slice(0, k),
        "minus": slice(k, 2 * k),
        "slack": slice(2 * k, 2 * k + count),
    }
    n = len(objective)
    integer = np.zeros(n, bool)
    return Program(
        objective, csr_array(rows), least, most, lower, upper, integer, column_blocks=blocks
    )


def full_step(
    tangent: Tangent,
    merit: Merit,
    *,
    radius: float = np.inf,
    bound: float = np.inf,
    solver: str = "auto",
    options: SolverOptions | None = None,
    until: float | None = None,
) -> Step:
    """Deltas of least merit under the first-order model within the trust region: `linear.best_step` in one solve.

    Args:
        tangent, merit, radius, bound: as of `full_program`.
        solver: its name.
        options: of the solver.
        until: time (time.perf_counter) at which to stop.
    """
    program = full_program(tangent, merit, radius, bound)
    options = options or SolverOptions()
    if until is not None and np.isfinite(until):
        left = max(0.0, until - time.perf_counter())
        limit = left if options.time_limit is None else min(left, options.time_limit)
        options = replace(options, time_limit=limit)
    found = solve(program, solver, options)
    deltas, objective = tangent.at, np.inf
    if found.values is not None:
        blocks = program.column_blocks
        values = found.values[blocks["plus"]] - found.values[blocks["minus"]]
        weights = np.flatnonzero(np.isfinite(merit.cost))
        deltas = np.zeros(len(merit.units))
        deltas[weights] = values * merit.units[weights]
        objective = merit(tangent.logits + tangent.along(deltas - tangent.at), deltas)
    m, n = program.rows.shape
    exact = found.status is SolverStatus.OPTIMAL
    return Step(deltas, objective, exact, found.status, m, n, found.seconds, 1, found.message)


def _slopes(
    tangent: Tangent, merit: Merit, weights: np.ndarray, tests: np.ndarray, rivals: np.ndarray
) -> csr_array:
    """(rows, k) gradients of margins, in units of the margin and of the deltas."""
    size, blocks, entries = max(1, AT_ONCE // max(1, len(weights))), [], 0
    for begin in range(0, len(tests), size):
        part = slice(begin, begin + size)
        cotangents = margin_cotangents(
            merit.labels[tests[part]], rivals[part], tangent.logits.shape[1]
        )
        dense = tangent.factors(tests[part], cotangents).columns(weights)
        blocks.append(csr_array(dense * (merit.units[weights] / merit.margin)))
        entries += blocks[-1].nnz
        if 2 * entries > MOST_ENTRIES:
            raise InputError(
                f"the program of {len(tests)} rows and {len(weights)} weights has more than {MOST_ENTRIES:,} entries;"
                " only solver=highs, which makes those rows and columns that matter, can solve it."
            )
    return csr_array(vstack(blocks, format="csr"))
