"""Solvers: Program -> Solution, chosen by name."""

import logging
from functools import cache
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from repair.errors import unknown
from repair.weights.programs.program import Program, Solution, SolverOptions
from repair.weights.programs.solvers import gurobi, highs

_log = logging.getLogger(__name__)


@runtime_checkable
class Solver(Protocol):
    """Solves a program; expected failures come back as the solution's status."""

    def __call__(
        self,
        program: Program,
        options: SolverOptions,
        start: Float[np.ndarray, " n"] | None = None,
    ) -> Solution:
        """Solve; start is (n,) values to start from, NaN where not known."""
        ...


SOLVERS: dict[str, Solver] = {"gurobi": gurobi.solve, "highs": highs.solve}


def choose(program: Program, solver: str = "auto") -> str:
    """The name of the solver that will take the program.

    `auto` is Gurobi where its licence admits the program's size, known before the call, else
    HiGHS; which one and why is logged once.

    Raises:
        InputError: for a name that does not exist, with those that do.
    """
    if solver == "auto":
        _say_once(gurobi.licence().describe())
        return "gurobi" if gurobi.refusal(program) is None else "highs"
    if solver not in SOLVERS:
        raise unknown("solver", solver, ["auto", *SOLVERS])
    return solver


def solve(
    program: Program,
    solver: str | Solver = "auto",
    options: SolverOptions | None = None,
    start: Float[np.ndarray, " n"] | None = None,
) -> Solution:
    """Solve a program.

    Args:
        program: what to solve.
        solver: "auto", the name of a solver, or a solver of your own.
        options: time limit, gap, threads, seed.
        start: (n,) values to start from, NaN where not known; a MILP's first incumbent.

    Raises:
        InputError: for a name that does not exist, with those that do.
    """
    call = SOLVERS[choose(program, solver)] if isinstance(solver, str) else solver
    return call(program, options or SolverOptions(), start)


@cache
def _say_once(rule: str) -> None:
    _log.info('solver="auto" takes %s', rule)
