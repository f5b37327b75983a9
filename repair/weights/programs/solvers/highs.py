"""HiGHS, through highspy: no licence, any size."""

import os
import tempfile
import time
from pathlib import Path

import highspy
import numpy as np

from repair.errors import InputError
from repair.weights.programs.program import (
    TOLERANCE,
    Program,
    Solution,
    SolverOptions,
    SolverStatus,
)

STATUS = {
    highspy.HighsModelStatus.kOptimal: SolverStatus.OPTIMAL,
    highspy.HighsModelStatus.kInfeasible: SolverStatus.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: SolverStatus.UNBOUNDED,
    highspy.HighsModelStatus.kTimeLimit: SolverStatus.TIME_LIMIT,
}


def solve(program: Program, options: SolverOptions, start: np.ndarray | None = None) -> Solution:
    """Solve with HiGHS."""
    begin = time.perf_counter()
    solver = loaded(program, options)
    if start is not None and solver is not None:
        known = np.flatnonzero(~np.isnan(start)).astype(np.int32)
        solver.setSolution(len(known), known, start[known])
    return finished(solver, program, begin)


def loaded(program: Program, options: SolverOptions) -> highspy.Highs | None:
    """HiGHS with a program and options; None where it refuses the program."""
    solver = silent()
    for name, value in settings(options).items():
        solver.setOptionValue(name, value)
    refused = _pass(solver, program) == highspy.HighsStatus.kError
    return None if refused else solver


def finished(
    solver: highspy.Highs | None, program: Program, begin: float, name: str = "highs"
) -> Solution:
    """Run HiGHS, from the basis that it has if any, and read its answer.

    Args:
        solver: as `loaded` gives it.
        program: that it holds.
        begin: time (time.perf_counter) from which the answer's seconds count.
        name: of the solver, for the answer.
    """
    m, n = program.rows.shape
    if solver is None:
        seconds = time.perf_counter() - begin
        message = "HiGHS refused the program"
        return Solution(SolverStatus.ERROR, name, m, n, seconds=seconds, message=message)
    if solver.run() == highspy.HighsStatus.kError:
        # Its threads belong to the process: another number of them needs a new pool.
        highspy.Highs.resetGlobalScheduler(True)
        solver.run()
    if solver.getModelStatus() == highspy.HighsModelStatus.kUnboundedOrInfeasible:
        solver.setOptionValue("presolve", "off")  # without it, HiGHS knows which
        solver.run()
    return _read(solver, program, name, time.perf_counter() - begin)


def write(program: Program, path: Path) -> None:
    """Write a program as text, to be read by a person or another solver.

    Raises:
        InputError: for a suffix other than .lp and .mps.
    """
    if path.suffix not in (".lp", ".mps"):
        raise InputError(f"a program is written to a .lp or .mps file; given {path.name!r}.")
    solver = silent()
    _pass(solver, program)
    handle, draft = tempfile.mkstemp(suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        if solver.writeModel(draft) == highspy.HighsStatus.kError:
            raise OSError(f"HiGHS could not write {path}")
        os.replace(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)


def silent() -> highspy.Highs:
    """A solver that prints nothing."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    return solver


def settings(options: SolverOptions) -> dict[str, int | float]:
    """The options in HiGHS's own words."""
    return {
        "time_limit": np.inf if options.time_limit is None else options.time_limit,
        "mip_rel_gap": options.gap,
        "threads": options.threads,
        "random_seed": options.seed,
        "primal_feasibility_tolerance": TOLERANCE,
        "dual_feasibility_tolerance": TOLERANCE,
        "mip_feasibility_tolerance": TOLERANCE,
    }


def _pass(solver: highspy.Highs, program: Program) -> highspy.HighsStatus:
    m, n = program.rows.shape
    a = program.rows
    return solver.passModel(
        n,
        m,
        a.nnz,
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize),
        program.constant,
        program.objective,
        program.lower,
        program.upper,
        program.row_lower,
        program.row_upper,
        a.indptr.astype(np.int32),
        a.indices.astype(np.int32),
        a.data,
        program.integer.astype(np.int32),
    )


def _read(solver: highspy.Highs, program: Program, name: str, seconds: float) -> Solution:
    m, n = program.rows.shape
    ended = solver.getModelStatus()
    status = STATUS.get(ended, SolverStatus.ERROR)
    message = ""
    if status is SolverStatus.ERROR:
        message = f"HiGHS ended with {solver.modelStatusToString(ended)!r}"
    info = solver.getInfo()
    bound: float | None = None
    if program.is_integer and status in (SolverStatus.OPTIMAL, SolverStatus.TIME_LIMIT):
        bound = float(info.mip_dual_bound)
    elif status is SolverStatus.OPTIMAL:
        bound = float(info.objective_function_value)
    elif status is SolverStatus.TIME_LIMIT:
        bound = -np.inf
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if status not in (SolverStatus.OPTIMAL, SolverStatus.TIME_LIMIT) or not feasible:
        return Solution(status, name, m, n, bound=bound, seconds=seconds, message=message)
    values = np.asarray(solver.getSolution().col_value, dtype=np.float64)
    return Solution(status, name, m, n, values, program.cost(values), bound, seconds, message)
