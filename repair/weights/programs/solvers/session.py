"""An LP that grows: rows and columns are added, and each solve starts from the last basis."""

import time
from dataclasses import dataclass

import highspy
import numpy as np
from jaxtyping import Float, Float64
from scipy.sparse import csc_array, csr_array

from repair.weights.programs.program import SolverOptions, SolverStatus
from repair.weights.programs.solvers.highs import STATUS, settings, silent


@dataclass(frozen=True, eq=False)
class Vertex:
    """An optimal vertex of the LP as it stands.

    Attributes:
        status: how the solve ended; the arrays are empty unless OPTIMAL.
        values: (n,) values of the columns.
        duals: (m,) duals of the rows: what one unit more on the right-hand side costs.
        objective: the objective at values.
        seconds: wall-clock time of the solve.
        message: for a person, where the solve failed.
    """

    status: SolverStatus
    values: Float64[np.ndarray, " n"]
    duals: Float64[np.ndarray, " m"]
    objective: float
    seconds: float
    message: str = ""


class Session:
    """One HiGHS model that is solved again and again, from the basis of the last solve.

    Args:
        options: settings of each solve.
    """

    def __init__(self, options: SolverOptions):
        self._solver, self._options = silent(), options
        for name, value in settings(options).items():
            self._solver.setOptionValue(name, value)
        self.rows = self.columns = self.solves = 0

    def add_columns(
        self,
        cost: Float[np.ndarray, " k"],
        lower: Float[np.ndarray, " k"],
        upper: Float[np.ndarray, " k"],
        matrix: csc_array | None = None,
    ) -> None:
        """Add columns (k,) with their entries (m, k) in the present rows; none where matrix is None."""
        starts, indices, data = _vectors(matrix, len(cost))
        self._solver.addCols(len(cost), cost, lower, upper, len(data), starts, indices, data)
        self.columns += len(cost)

    def add_rows(
        self, lower: Float[np.ndarray, " k"], upper: Float[np.ndarray, " k"], matrix: csr_array
    ) -> None:
        """Add rows lower <= matrix @ x <= upper, matrix (k, n)."""
        starts, indices, data = _vectors(matrix, len(lower))
        self._solver.addRows(len(lower), lower, upper, len(data), starts, indices, data)
        self.rows += len(lower)

    def solve(self, time_limit: float | None = None) -> Vertex:
        """Solve from the last basis.

        Args:
            time_limit: seconds for this solve, where that is less than the options allow.
        """
        limits = [limit for limit in (time_limit, self._options.time_limit) if limit is not None]
        # HiGHS counts the time of all solves of a model together.
        end = self._solver.getRunTime() + min(limits) if limits else np.inf
        self._solver.setOptionValue("time_limit", end)
        begin = time.perf_counter()
        if self._solver.run() == highspy.HighsStatus.kError:
            highspy.Highs.resetGlobalScheduler(True)
            self._solver.run()
        seconds = time.perf_counter() - begin
        self.solves += 1
        ended = self._solver.getModelStatus()
        status = STATUS.get(ended, SolverStatus.ERROR)
        if status is not SolverStatus.OPTIMAL:
            message = f"HiGHS ended with {self._solver.modelStatusToString(ended)!r}"
            return Vertex(status, np.empty(0), np.empty(0), np.inf, seconds, message)
        solution = self._solver.getSolution()
        return Vertex(
            status,
            np.asarray(solution.col_value, np.float64),
            np.asarray(solution.row_dual, np.float64),
            float(self._solver.getInfo().objective_function_value),
            seconds,
        )


def _vectors(
    matrix: csc_array | csr_array | None, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if matrix is None:
        return np.zeros(count, np.int32), np.empty(0, np.int32), np.empty(0)
    starts = matrix.indptr[:-1].astype(np.int32)
    return starts, matrix.indices.astype(np.int32), np.asarray(matrix.data, np.float64)
