"""Programs (LP or MILP) as arrays, and what a solver answers: no solver's own objects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from repair.errors import InputError
from repair.weights.settings import NotNegative, Settings, SolverSeed, SolverThreads

# What both solvers are asked for: a row counts as kept when it is missed by no more than this.
# Their defaults (1e-6, 1e-7) would let a binary of 1e-6 buy 1e-6 x big-M of slack.
TOLERANCE = 1e-9


class Status(StrEnum):
    """How a solve ended. None of these is an exception: each is a result."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    TIME_LIMIT = "time_limit"
    LICENCE = "licence"
    ERROR = "error"


@dataclass(frozen=True)
class SolverOptions(Settings):
    """Settings that every solver honours.

    Attributes:
        time_limit: seconds for one solve; None for no limit.
        gap: relative gap at which a MILP counts as solved; 0 asks for a proven optimum.
        threads: number of threads; 0 leaves it to the solver.
        seed: of the solver's own random choices, 0 or more.

    Raises:
        InputError: for a value outside its range.
    """

    time_limit: NotNegative | None = 30.0
    gap: NotNegative = 0.0
    threads: SolverThreads = 1
    seed: SolverSeed = 0


@dataclass(frozen=True, eq=False)
class Program:
    """Minimise objective @ x + constant, row_lower <= rows @ x <= row_upper, lower <= x <= upper.

    Attributes:
        objective: (n,) float64.
        rows: (m, n) float64 sparse matrix A.
        row_lower: (m,) float64, -inf where a row has no lower side.
        row_upper: (m,) float64, +inf where a row has no upper side.
        lower: (n,) float64.
        upper: (n,) float64.
        integer: (n,) bool, True where x must be a whole number.
        constant: added to the objective.
        row_blocks: names of runs of rows, for stats and for reading values by name.
        column_blocks: names of runs of columns.

    Raises:
        InputError: for shapes that do not fit and for values that are not numbers.
    """

    objective: np.ndarray
    rows: csr_array
    row_lower: np.ndarray
    row_upper: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    integer: np.ndarray
    constant: float = 0.0
    row_blocks: Mapping[str, slice] = field(default_factory=dict)
    column_blocks: Mapping[str, slice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        m, n = self.rows.shape
        expected = {"row_lower": m, "row_upper": m}
        expected |= dict.fromkeys(("objective", "lower", "upper", "integer"), n)
        for name, length in expected.items():
            shape = getattr(self, name).shape
            if shape != (length,):
                raise InputError(
                    f"a program of {m} rows and {n} columns needs {name} of shape ({length},); "
                    f"given {shape}."
                )
        finite = {"objective": self.objective, "rows": self.rows.data}
        sides = {name: getattr(self, name) for name in ("row_lower", "row_upper", "lower", "upper")}
        wrong = [name for name, a in finite.items() if not np.isfinite(a).all()]
        wrong += [name for name, a in sides.items() if np.isnan(a).any()]
        if wrong:
            raise InputError(
                f"the program has values that are not finite numbers in {', '.join(wrong)}; "
                "check the network's weights and inputs for NaN and infinity."
            )

    @property
    def is_integer(self) -> bool:
        """True for a MILP, False for an LP."""
        return bool(self.integer.any())

    def cost(self, values: np.ndarray) -> float:
        """The objective at values (n,)."""
        return float(self.objective @ values) + self.constant

    def violation(self, values: np.ndarray) -> float:
        """The most by which values (n,) miss a row, a bound or a whole number; 0.0 for none."""
        activity = self.rows @ values
        whole = values[self.integer]
        misses = (
            self.row_lower - activity,
            activity - self.row_upper,
            self.lower - values,
            values - self.upper,
            np.abs(whole - np.round(whole)),
        )
        return max([0.0, *(float(miss.max()) for miss in misses if miss.size)])

    def stats(self) -> str:
        """One line: kind and size, then rows and columns of each named block."""
        m, n = self.rows.shape
        kind = "MILP" if self.is_integer else "LP"
        blocks = ", ".join(
            f"{name} {part.stop - part.start} {what}"
            for what, named in (("rows", self.row_blocks), ("columns", self.column_blocks))
            for name, part in named.items()
        )
        size = f"{kind}: {m} rows, {n} columns ({int(self.integer.sum())} integer), "
        return size + f"{self.rows.nnz} nonzeros" + (f"; {blocks}" if blocks else "")


@dataclass(frozen=True, eq=False)
class Solution:
    """A solver's answer.

    Attributes:
        status: how the solve ended.
        solver: "gurobi", "highs" or "pdhg".
        rows: of the program.
        columns: of the program.
        values: (n,) float64; None without a solution. With time_limit, the incumbent if any.
        objective: at values.
        bound: proven lower bound of the objective (-inf when nothing is proven).
        seconds: wall-clock time of the solve.
        message: for a person; says why when the status is licence or error.
        stages: seconds of the solve's stages, where it has several.
    """

    status: Status
    solver: str
    rows: int
    columns: int
    values: np.ndarray | None = None
    objective: float | None = None
    bound: float | None = None
    seconds: float = 0.0
    message: str = ""
    stages: Mapping[str, float] = field(default_factory=dict)

    @property
    def gap(self) -> float | None:
        """(objective - bound) / max(1, |objective|): 0.0 is a proven optimum."""
        if self.objective is None or self.bound is None:
            return None
        return max(0.0, self.objective - self.bound) / max(1.0, abs(self.objective))

    def summary(self) -> dict[str, Any]:
        """What a record keeps of the solve: all but the values; None for what is not finite."""
        numbers = {"objective": self.objective, "bound": self.bound, "gap": self.gap}
        finite = {k: v if v is not None and np.isfinite(v) else None for k, v in numbers.items()}
        return {
            "name": self.solver,
            "status": self.status.value,
            **finite,
            "seconds": self.seconds,
            **({"stages": dict(self.stages)} if self.stages else {}),
            "rows": self.rows,
            "columns": self.columns,
            "message": self.message,
        }
