"""PDHG on the accelerator, finished by HiGHS: a crossover to a vertex, then simplex to a proven optimum.

Restarted, averaged PDHG (Applegate et al., "Practical large-scale linear programming using primal-dual hybrid
gradient", NeurIPS 2021, arXiv 2106.04756) as MPAX does it in JAX (Lu, Peng, Yang, arXiv 2412.09734). What it ends
with is a point to start from and nothing else: status, values and bound are HiGHS's, to its tolerances.

`auto` takes it where it wins by measurement, which is nowhere yet. By `scripts/perf_lp.py --images 50` (900 rows, 2,680
columns, 123,696 nonzeros; CPU) it takes 9.7 s of processor time once compiled, HiGHS 0.2 s, and 0.1 s with rows and
columns generated; compiling takes as long again, for every shape. On an accelerator it has not been measured.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import highspy
import jax
import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from repair.errors import InputError
from repair.weights.programs.program import Program, Solution, SolverOptions
from repair.weights.programs.solvers import highs

TOLERANCE = 1e-4  # relative residuals and gap at which PDHG ends: HiGHS does the rest
MOST = 100_000  # iterations
PROBE = 1000  # iterations of the first call under a time limit: they tell how long one takes
SHARE = 0.7  # of the time limit, at most, for PDHG
DENSE = (
    2**28
)  # entries up to which an accelerator is given a dense matrix: JAX's sparse products gather and scatter


class _Point(NamedTuple):
    """Values (n,) of columns and duals (m,) of rows, and the iterations that led there."""

    values: np.ndarray
    duals: np.ndarray
    iterations: int


def solve(program: Program, options: SolverOptions, start: np.ndarray | None = None) -> Solution:
    """Solve an LP with PDHG and HiGHS; `start` is where PDHG starts, 0 where not known.

    Raises:
        InputError: for a program with integer columns, and where mpax is not installed.
    """
    if program.is_integer:
        raise InputError(
            f"solver=pdhg solves linear programs; given a {program.stats()}. Use solver=auto, gurobi or highs."
        )
    _module()
    begin = time.perf_counter()
    until = np.inf if options.time_limit is None else begin + SHARE * options.time_limit
    point = _first_order(program, start, until)
    after = time.perf_counter()
    if options.time_limit is not None:
        options = replace(options, time_limit=max(0.0, options.time_limit - (after - begin)))
    solver = highs.loaded(program, options)
    basis = None if point is None else _crossover(program, point, options)
    if solver is not None and basis is not None:
        solver.setBasis(basis)
    answer = highs.finished(solver, program, begin, "pdhg")
    stages = {"pdhg": after - begin, "crossover_and_simplex": answer.seconds - (after - begin)}
    return replace(answer, stages=stages)


@cache
def _module() -> Any:
    try:
        import mpax
    except ImportError as error:
        raise InputError(
            f"solver=pdhg needs mpax, which cannot be imported ({error}). Install it: pip install 'repairbench[pdhg]',"
            " or use solver=highs."
        ) from error
    return mpax


def _first_order(program: Program, start: np.ndarray | None, until: float) -> _Point | None:
    """Where PDHG ends; None where it has no time or nothing to do."""
    n = program.rows.shape[1]
    equal = program.row_lower == program.row_upper
    above = np.isfinite(program.row_lower) & ~equal
    below = np.isfinite(program.row_upper) & ~equal
    inequalities = csr_array(vstack([program.rows[above], -program.rows[below]]))
    m = int(equal.sum() + above.sum() + below.sum())
    if not m or not program.rows.nnz or time.perf_counter() >= until:
        return None
    sides = np.concatenate([program.row_lower[above], -program.row_upper[below]])
    dense = jax.default_backend() != "cpu" and m * n <= DENSE
    with jax.enable_x64(True), jax.numpy_dtype_promotion("standard"), _root_logger_kept():
        asked = _module().create_lp(
            program.objective,
            program.rows[equal],
            program.row_lower[equal],
            inequalities,
            sides,
            program.lower,
            program.upper,
            use_sparse_matrix=not dense,
        )
        x = np.zeros(n) if start is None else np.nan_to_num(start)
        y, done, limit = np.zeros(m), 0, MOST if np.isinf(until) else PROBE
        while limit > 0:
            begin = time.perf_counter()
            found = _run(asked, x, y, limit)
            x, y = np.asarray(found.primal_solution), np.asarray(found.dual_solution)
            done += int(found.iteration_count)
            now = time.perf_counter()
            if int(found.iteration_count) < limit:
                break
            limit = min(MOST - done, int(limit * (until - now) / (now - begin)))
    duals = np.zeros(program.rows.shape[0])
    duals[equal] = y[: equal.sum()]
    duals[above] += y[equal.sum() :][: above.sum()]
    duals[below] -= y[m - below.sum() :]
    return _Point(x, duals, done)


@jax.jit
def _run(problem: Any, x: Any, y: Any, limit: Any) -> Any:
    method = _module().raPDHG(
        eps_abs=TOLERANCE, eps_rel=TOLERANCE, iteration_limit=limit, warm_start=True
    )
    return method.optimize(problem, x, y)


@contextmanager
def _root_logger_kept() -> Iterator[None]:
    # mpax replaces the handlers of the root logger, which are not its own.
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:], root.level = handlers, level


def _crossover(
    program: Program, point: _Point, options: SolverOptions
) -> highspy.HighsBasis | None:
    """The basis of a vertex near a point; None where HiGHS finds none.

    HiGHS's crossover wants points that are complementary to the last bit, which only columns can be: every row but
    an equation is given a column of its own, A x - s = 0, whose status is then the row's.
    """
    m, n = program.rows.shape
    open_ = np.flatnonzero(program.row_lower != program.row_upper)
    lower = np.concatenate([program.lower, program.row_lower[open_]])
    upper = np.concatenate([program.upper, program.row_upper[open_]])
    own = csr_array((-np.ones(len(open_)), (open_, np.arange(len(open_)))), shape=(m, len(open_)))
    sides = np.where(program.row_lower == program.row_upper, program.row_lower, 0.0)
    widened = Program(
        np.concatenate([program.objective, np.zeros(len(open_))]),
        csr_array(hstack([program.rows, own], format="csr")),
        sides,
        sides,
        lower,
        upper,
        np.zeros(n + len(open_), bool),
    )
    values = np.concatenate([point.values, (program.rows @ point.values)[open_]])
    reduced = np.concatenate([program.objective - program.rows.T @ point.duals, point.duals[open_]])
    values = np.clip(values, lower, upper)
    # Of a distance from a bound and a reduced cost that speaks against it, the smaller one goes.
    bound = np.where(reduced > 0, lower, upper)
    away = np.abs(values - bound)
    at_bound = np.abs(reduced) >= away
    values = np.where(at_bound, bound, values)
    reduced = np.where(at_bound | (away == 0), reduced, 0.0)
    solver = highs.loaded(widened, options)
    if solver is None:
        return None
    solution = highspy.HighsSolution()
    solution.col_value, solution.col_dual = values.tolist(), reduced.tolist()
    solution.row_value, solution.row_dual = sides.tolist(), point.duals.tolist()
    solution.value_valid = solution.dual_valid = True
    if solver.crossover(solution) == highspy.HighsStatus.kError:
        return None
    found = solver.getBasis()
    rows = np.array(found.row_status)
    rows[open_] = found.col_status[n:]
    basis = highspy.HighsBasis()
    basis.col_status, basis.row_status = found.col_status[:n], rows.tolist()
    basis.valid = found.valid
    return basis
