"""Gurobi, with the licence as a value: its pip licence admits small programs only."""

import os
import time
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from repair.weights.programs.program import (
    TOLERANCE,
    Program,
    Solution,
    SolverOptions,
    SolverStatus,
)

# Gurobi's size-limited licences (pip, trial): "2000 variables, 2000 linear constraints, and 200
# variables if quadratic terms are present"; a Program has no quadratic terms.
# https://support.gurobi.com/hc/en-us/articles/360051597492
_SIZE_LIMIT = 2000
_TRUST = 5 * TOLERANCE  # a larger violation than this is not rounding
_TOO_LARGE = 10010  # GRB.Error.SIZE_LIMIT_EXCEEDED


@dataclass(frozen=True)
class Licence:
    """What Gurobi may be used for here.

    Attributes:
        limit: most rows, and most columns, of a program; None for any size, 0 for none at all.
        reason: why none at all.
    """

    limit: int | None
    reason: str = ""

    def describe(self) -> str:
        """Which solver `auto` takes under this licence: one line."""
        if self.limit is None:
            return "Gurobi (a licence for any size was found)"
        if self.limit == 0:
            return f"HiGHS (Gurobi cannot be used: {self.reason})"
        return (
            f"Gurobi up to {self.limit} rows and {self.limit} columns, HiGHS above "
            "(only Gurobi's size-limited licence was found)"
        )


def licence() -> Licence:
    """The licence in force: found by one small trial for each licence file (about 10 ms)."""
    return _licence(os.environ.get("GRB_LICENSE_FILE", ""))


def refusal(program: Program) -> str | None:
    """Why the licence does not admit the program, without a full stop; None if it does."""
    held = licence()
    m, n = program.rows.shape
    m += int(_two_sided(program).sum())
    if held.limit is None or max(m, n) <= held.limit:
        return None
    if held.limit == 0:
        return f"Gurobi cannot be used: {held.reason}"
    return (
        f"the Gurobi licence found admits {held.limit} constraints and {held.limit} variables "
        f"and this program has {m} and {n}"
    )


def solve(program: Program, options: SolverOptions, start: np.ndarray | None = None) -> Solution:
    """Solve with Gurobi; a licence that does not admit the program is the status `licence`."""
    m, n = program.rows.shape
    no = refusal(program)
    if no is not None:
        advice = 'Use solver="highs" or solver="auto", or set GRB_LICENSE_FILE to a full licence.'
        return Solution(
            SolverStatus.LICENCE, "gurobi", m, n, message=f'solver="gurobi": {no}. {advice}'
        )
    gp = _module()
    if isinstance(gp, str):  # refusal said so already; this tells the type checker
        return Solution(SolverStatus.LICENCE, "gurobi", m, n, message=gp)
    begin = time.perf_counter()
    try:
        with gp.Env(params={"OutputFlag": 0}) as env, gp.Model(env=env) as model:
            x = _build(gp, model, program, options)
            if start is not None:
                x.Start = np.where(np.isnan(start), gp.GRB.UNDEFINED, start)
            model.optimize()
            if model.Status == gp.GRB.INF_OR_UNBD:  # without dual reductions it knows which
                model.Params.DualReductions = 0
                model.optimize()
            # Its presolve rounds: rows have been seen missed by 500 times FeasibilityTol.
            if model.SolCount and program.violation(np.asarray(x.X)) > _TRUST:
                model.reset()
                model.Params.Presolve = 0
                if options.time_limit is not None:
                    spent = time.perf_counter() - begin
                    model.Params.TimeLimit = max(0.0, options.time_limit - spent)
                model.optimize()
            return _read(gp, model, x, program, time.perf_counter() - begin)
    except gp.GurobiError as error:
        lacks = error.errno in (_TOO_LARGE, gp.GRB.Error.NO_LICENSE)
        status = SolverStatus.LICENCE if lacks else SolverStatus.ERROR
        seconds = time.perf_counter() - begin
        return Solution(status, "gurobi", m, n, seconds=seconds, message=f"Gurobi: {error}")


def _module() -> ModuleType | str:
    try:
        import gurobipy
    except ImportError as error:
        return f"gurobipy cannot be imported ({error}); install it: pip install gurobipy"
    return gurobipy


@cache
def _licence(licence_file: str) -> Licence:
    gp = _module()
    if isinstance(gp, str):
        return Licence(0, gp)
    try:
        # gurobipy names no limit: only a model above it tells a full licence from a small one.
        with gp.Env(params={"OutputFlag": 0}) as env, gp.Model(env=env) as model:
            model.addMVar(_SIZE_LIMIT + 1)
            model.optimize()
    except gp.GurobiError as error:
        return Licence(_SIZE_LIMIT) if error.errno == _TOO_LARGE else Licence(0, str(error))
    return Licence(None)


def _two_sided(program: Program) -> np.ndarray:
    """(m,) bool: rows that become two constraints, which counts for the licence."""
    both = np.isfinite(program.row_lower) & np.isfinite(program.row_upper)
    return both & (program.row_lower != program.row_upper)


def _build(gp: ModuleType, model, program: Program, options: SolverOptions):  # type: ignore[no-untyped-def]
    settings = {
        "TimeLimit": gp.GRB.INFINITY if options.time_limit is None else options.time_limit,
        "MIPGap": options.gap,
        "Threads": options.threads,
        "Seed": options.seed,
        "FeasibilityTol": TOLERANCE,
        "IntFeasTol": TOLERANCE,
        "OptimalityTol": TOLERANCE,
    }
    for name, value in settings.items():
        model.setParam(name, value)
    kinds = np.where(program.integer, gp.GRB.INTEGER, gp.GRB.CONTINUOUS)
    n = program.rows.shape[1]
    x = model.addMVar(n, lb=program.lower, ub=program.upper, vtype=kinds)
    model.setObjective(program.objective @ x + program.constant)
    same = program.row_lower == program.row_upper
    below = np.isfinite(program.row_lower) & ~same
    above = np.isfinite(program.row_upper) & ~same
    for mask, sense, sides in (
        (same, "=", program.row_lower),
        (below, ">", program.row_lower),
        (above, "<", program.row_upper),
    ):
        if mask.any():
            model.addMConstr(program.rows[mask], x, sense, sides[mask])
    return x


def _read(gp: ModuleType, model, x, program: Program, seconds: float) -> Solution:  # type: ignore[no-untyped-def]
    m, n = program.rows.shape
    status = {
        gp.GRB.OPTIMAL: SolverStatus.OPTIMAL,
        gp.GRB.INFEASIBLE: SolverStatus.INFEASIBLE,
        gp.GRB.UNBOUNDED: SolverStatus.UNBOUNDED,
        gp.GRB.TIME_LIMIT: SolverStatus.TIME_LIMIT,
    }.get(model.Status, SolverStatus.ERROR)
    message = f"Gurobi ended with status {model.Status}" if status is SolverStatus.ERROR else ""
    bound: float | None = None
    if status in (SolverStatus.OPTIMAL, SolverStatus.TIME_LIMIT):
        bound = (
            float(model.ObjBound)
            if program.is_integer or status is SolverStatus.OPTIMAL
            else -np.inf
        )
        bound = -np.inf if bound <= -gp.GRB.INFINITY else bound
    if status not in (SolverStatus.OPTIMAL, SolverStatus.TIME_LIMIT) or model.SolCount == 0:
        return Solution(status, "gurobi", m, n, bound=bound, seconds=seconds, message=message)
    values = np.asarray(x.X, dtype=np.float64)
    return Solution(status, "gurobi", m, n, values, program.cost(values), bound, seconds, message)
