"""Solves a partial MaxSAT problem, checks the answer by computation, and chooses among optima."""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float
from scipy.sparse import csr_array, hstack, vstack

from repair.errors import unknown
from repair.weights.programs.components import join, split
from repair.weights.programs.maxsat import MaxSat
from repair.weights.programs.program import Program, Solution, SolverOptions, SolverStatus
from repair.weights.programs.solvers import Solver, solve

Secondary = Literal["none", "l1"]


@dataclass(frozen=True, eq=False)
class Maximum:
    """The deltas that hold the most soft rows, and how far that is proven.

    Attributes:
        solution: the answer to the MILP that maximises the number of soft rows.
        bound: no deltas hold more soft rows than this (up to the margin); proven by the solver.
        deltas: (n,) the answer; None when the solver has none.
        held: (m,) whether each soft row holds at deltas, recomputed in float64.
        admitted: whether deltas keep the bounds and every hard row, recomputed in float64.
        second: the solve that chose among the optima; None without one.
    """

    solution: Solution
    bound: int
    deltas: Float[np.ndarray, " n"] | None = None
    held: Bool[np.ndarray, " m"] | None = None
    admitted: bool = False
    second: Solution | None = None

    @property
    def count(self) -> int:
        """Soft rows that hold; 0 without deltas."""
        return 0 if self.held is None else int(self.held.sum())

    @property
    def proven(self) -> bool:
        """True when the hard rows hold and no deltas hold more soft rows."""
        return self.admitted and self.count >= self.bound


def maximise(
    problem: MaxSat,
    solver: str | Solver = "auto",
    options: SolverOptions | None = None,
    start: Float[np.ndarray, " n"] | None = None,
    secondary: str = "none",
) -> Maximum:
    """Find deltas that keep the hard rows and as many soft rows as possible.

    Deltas that no row joins are solved apart (`repair.weights.programs.components`).

    Args:
        problem: from `max_satisfied`.
        solver: as in `repair.weights.programs.solvers.solve`.
        options: the time limit is for everything together.
        start: (n,) deltas to start from.
        secondary: which of the optima: "none" takes the solver's first, "l1" the one of the
            smallest L1 norm of the deltas (lexicographic: a second MILP with the count fixed).

    Raises:
        InputError: for an unknown solver or secondary objective.
    """
    if secondary not in get_args(Secondary):
        raise unknown("secondary objective", secondary, get_args(Secondary))
    options = options or SolverOptions()
    parts = split(problem)
    if len(parts) == 1:
        return _solve(problem, solver, options, start, secondary)
    maxima, left = [], options
    for part in parts:
        begin = None if start is None else start[part.deltas]
        maxima.append(_solve(part.problem, solver, left, begin, secondary))
        left = _less(left, maxima[-1])
    return _join(problem, [part.deltas for part in parts], maxima)


def _solve(
    problem: MaxSat,
    solver: str | Solver,
    options: SolverOptions,
    start: np.ndarray | None,
    secondary: str,
) -> Maximum:
    begin = None if start is None else problem.values(start)
    solution = solve(problem.program, solver, options, begin)
    first = Maximum(solution, _most(problem, solution))
    if solution.values is None:
        return first
    n = len(problem.lower)
    values, second = solution.values, None
    if secondary == "l1" and solution.status is SolverStatus.OPTIMAL:
        parts = np.concatenate([np.maximum(values[:n], 0), np.maximum(-values[:n], 0), values[n:]])
        smallest = _smallest(problem.program, values, n)
        second = solve(smallest, solver, _less(options, first), parts)
        if second.values is not None:
            values = second.values[:n] - second.values[n : 2 * n]
    return _checked(problem, first, values[:n], second)


def _checked(
    problem: MaxSat, found: Maximum, deltas: np.ndarray, second: Solution | None
) -> Maximum:
    deltas = np.clip(deltas, problem.lower, problem.upper)
    held, admitted = problem.held(deltas), problem.admits(deltas)
    return replace(found, deltas=deltas, held=held, admitted=admitted, second=second)


def _join(problem: MaxSat, of_part: list[np.ndarray], maxima: list[Maximum]) -> Maximum:
    solutions = [one.solution for one in maxima]
    infeasible = any(one.status is SolverStatus.INFEASIBLE for one in solutions)
    bound = 0 if infeasible else sum(one.bound for one in maxima)
    known = [one.deltas for one in maxima if one.deltas is not None]
    if len(known) < len(maxima):
        return Maximum(join(solutions), bound)
    deltas = np.zeros(len(problem.lower))
    deltas[np.concatenate(of_part)] = np.concatenate(known)
    seconds = [one.second for one in maxima if one.second is not None]
    second = join(seconds) if seconds else None
    first = Maximum(join(solutions, problem.values(deltas)), bound)
    return _checked(problem, first, deltas, second)


def _less(options: SolverOptions, spent: Maximum) -> SolverOptions:
    """The options for what is solved next: less time is left."""
    if options.time_limit is None:
        return options
    seconds = spent.solution.seconds + (spent.second.seconds if spent.second else 0.0)
    return replace(options, time_limit=max(0.0, options.time_limit - seconds))


def _most(problem: MaxSat, solution: Solution) -> int:
    """The proven upper bound of the number of soft rows that hold."""
    m = len(problem.soft.side)
    if solution.status is SolverStatus.INFEASIBLE:
        return 0
    if solution.bound is None or not np.isfinite(solution.bound):
        return m
    return m - math.ceil(solution.bound - 1e-6)  # the number of rows that fail is whole


def _smallest(program: Program, values: np.ndarray, n: int) -> Program:
    """The least L1 norm of the first n columns at the program's objective at values.

    The n columns become 2n: positive parts, negative parts.
    """
    deltas, binaries = program.rows[:, :n], program.rows[:, n:]
    u = binaries.shape[1]
    count = csr_array(program.objective[None, n:])
    budget = np.round(program.objective[n:] @ values[n:]) + 0.5  # whole numbers: half is no slack
    rows = vstack(
        [
            hstack([deltas, -deltas, binaries]),
            hstack([csr_array((1, 2 * n)), count]),
        ],
        format="csr",
    )
    lower, upper = program.lower[:n], program.upper[:n]
    positive, negative = np.maximum(lower, 0), np.maximum(-upper, 0)
    return Program(
        objective=np.concatenate([np.ones(2 * n), np.zeros(u)]),
        rows=csr_array(rows),
        row_lower=np.append(program.row_lower, -np.inf),
        row_upper=np.append(program.row_upper, budget),
        lower=np.concatenate([positive, negative, program.lower[n:]]),
        upper=np.concatenate([np.maximum(upper, 0), np.maximum(-lower, 0), program.upper[n:]]),
        integer=np.concatenate([np.zeros(2 * n, dtype=bool), program.integer[n:]]),
        row_blocks={**program.row_blocks, "count": slice(rows.shape[0] - 1, rows.shape[0])},
        column_blocks={
            "positive": slice(0, n),
            "negative": slice(n, 2 * n),
            "binaries": slice(2 * n, 2 * n + u),
        },
    )
