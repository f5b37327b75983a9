"""Splits a partial MaxSAT problem where no row joins its deltas, and joins the answers.

At an intermediate layer each neuron has deltas and rows of its own: many small programs, each
proven at once and within the size that a small Gurobi licence admits, instead of one large one.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import block_array, csr_array, vstack
from scipy.sparse.csgraph import connected_components

from repair.weights.programs.maxsat import LinearConstraints, MaxSat, max_satisfied
from repair.weights.programs.program import Solution, SolverStatus

# The answer to all is as bad as the worst of the answers.
_WORST_FIRST = (
    SolverStatus.ERROR,
    SolverStatus.LICENCE,
    SolverStatus.INFEASIBLE,
    SolverStatus.UNBOUNDED,
    SolverStatus.TIME_LIMIT,
    SolverStatus.OPTIMAL,
)


class Component(NamedTuple):
    """A problem of its own: some of the deltas, and all rows that speak of them.

    Attributes:
        problem: the component.
        deltas: (k,) indices of its deltas in the whole problem.
    """

    problem: MaxSat
    deltas: Int[np.ndarray, " k"]


def split(problem: MaxSat) -> list[Component]:
    """The components of a problem; rows and deltas that touch nothing go with the first."""
    h, n = len(problem.hard.side), len(problem.lower)
    hard, soft = (csr_array(rows.matrix) for rows in (problem.hard, problem.soft))
    touches = csr_array(vstack([hard, soft], format="csr") != 0)
    graph = block_array([[None, touches], [touches.T, None]], format="csr")
    label = connected_components(graph, directed=False)[1]
    joined, place = np.unique(label, return_inverse=True)
    both = np.isin(joined, label[: touches.shape[0]]) & np.isin(joined, label[touches.shape[0] :])
    place = np.where(both[place], (np.cumsum(both) - 1)[place], 0)
    of_hard, of_soft, of_delta = np.split(place, [h, touches.shape[0]])
    if both.sum() < 2:
        return [Component(problem, np.arange(n))]
    parts = []
    for index in range(int(both.sum())):
        deltas = np.flatnonzero(of_delta == index)
        part = max_satisfied(
            _part(hard, problem.hard.side, of_hard == index, deltas),
            _part(soft, problem.soft.side, of_soft == index, deltas),
            problem.lower[deltas],
            problem.upper[deltas],
            problem.margin,
        )
        parts.append(Component(part, deltas))
    return parts


def _part(
    matrix: csr_array, side: np.ndarray, mine: np.ndarray, deltas: np.ndarray
) -> LinearConstraints:
    return LinearConstraints(matrix[mine][:, deltas], side[mine])


def join(solutions: list[Solution], values: Float[np.ndarray, " n"] | None = None) -> Solution:
    """One solution from those of all components: sizes, objectives, bounds and seconds add up.

    Args:
        solutions: the solution of each component.
        values: (n,) the values of the whole problem.
    """
    worst = min(solutions, key=lambda one: _WORST_FIRST.index(one.status))
    return Solution(
        status=worst.status,
        solver="+".join(sorted({one.solver for one in solutions})),
        rows=sum(one.rows for one in solutions),
        columns=sum(one.columns for one in solutions),
        values=values,
        objective=_total([one.objective for one in solutions]),
        bound=_total([one.bound for one in solutions]),
        seconds=sum(one.seconds for one in solutions),
        message=worst.message,
    )


def _total(numbers: list[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None
