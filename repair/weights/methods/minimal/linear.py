"""The linear program of one round, solved exactly by generating its rows and its columns.

Minimise the merit of the first-order model within a trust region. The program has a row for every test and rival
class and two columns for every weight; only the rows that matter and the weights that pay are ever made (column and
constraint generation for L1-regularised support vector machines: Dedieu, Mazumder, Wang, "Solving L1-regularized
SVMs and related linear programs", JMLR 23, 2022).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from scipy.sparse import csc_array, csr_array

from repair.weights.methods.minimal.merit import Merit
from repair.weights.programs.program import SolverOptions, SolverStatus
from repair.weights.programs.solvers.session import Session, Vertex
from repair.weights.settings import Count, Settings
from repair.weights.tangent import Factors, Tangent, margin_cotangents

TOLERANCE = 1e-4  # of a row, in units of the margin: the first-order model is computed in float32


@dataclass(frozen=True)
class Generation(Settings):
    """How rows and columns are generated.

    Attributes:
        rows: most rows added at once.
        columns: most weights added at once.
        most_columns: most weights in the program at all.
        passes: most solves.
    """

    rows: Count = 400
    columns: Count = 200
    most_columns: Count = 1500
    passes: Count = 60


@dataclass(frozen=True, eq=False)
class Step:
    """The answer of a round.

    Attributes:
        deltas: (n,) deltas from the unrepaired network.
        objective: merit of the first-order model there.
        exact: whether no row and no weight was left that would improve on it.
        status: of the last solve.
        rows, columns: of the program at the end.
        solver_seconds: in the solver; the rest is ours.
        passes: solves.
    """

    deltas: np.ndarray
    objective: float
    exact: bool
    status: SolverStatus
    rows: int
    columns: int
    solver_seconds: float
    passes: int
    message: str = ""


class TakesStep(Protocol):
    """Solves the program of a round: `best_step`, or `full.full_step`, with their settings."""

    def __call__(
        self,
        tangent: Tangent,
        merit: Merit,
        *,
        radius: float,
        bound: float,
        until: float | None,
    ) -> Step:
        """Arguments as of `best_step`."""
        ...


@dataclass(eq=False)
class Generated:
    """The program as far as it has been made.

    Args:
        tangent: the model.
        merit: what is minimised.
        radius: largest change of a delta from the tangent's point, in units; infinite for none.
        bound: largest |delta|, in units.
        options: of the solver.
    """

    tangent: Tangent
    merit: Merit
    radius: float
    bound: float
    options: SolverOptions
    weights: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    plus: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    minus: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    tests: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    rivals: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        self.session = Session(self.options)
        self.factors: list[Factors] = []
        self.slack = np.full(len(self.merit.labels), -1)
        self.logits = self.tangent.logits
        self.margins = self.merit.margins(self.logits)
        self.margin_rows = np.empty(0, np.int64)
        self.largest = (
            self.merit.kind == "linf"
        )  # then column 0 is the norm, and weights cost nothing
        if self.largest:
            self.session.add_columns(np.array([self.merit.price]), np.zeros(1), np.full(1, np.inf))

    # --- growing ------------------------------------------------------------------------------------------------

    def add_weights(self, weights: np.ndarray) -> None:
        """Columns for weights (c,), ascending and new."""
        at = self.tangent.at[weights] / self.merit.units[weights]
        low = np.maximum(at - self.radius, -self.bound)
        high = np.minimum(at + self.radius, self.bound)
        count, zero, first = np.arange(len(weights)), np.zeros(len(weights)), self.session.columns
        relative = self.merit.cost[weights]
        cost = zero if self.largest else self.merit.price * relative
        entries = self._entries(self.factors, weights)
        matrix = np.zeros((self.session.rows, 2 * len(weights)))
        matrix[self.margin_rows] = np.concatenate([entries, -entries], axis=1)
        self.session.add_columns(
            np.concatenate([cost, cost]),
            np.concatenate([np.maximum(low, zero), np.maximum(-high, zero)]),
            np.concatenate([np.maximum(high, zero), np.maximum(-low, zero)]),
            csc_array(matrix) if len(self.tests) else None,
        )
        self.weights = np.concatenate([self.weights, weights])
        self.plus = np.concatenate([self.plus, first + count])
        self.minus = np.concatenate([self.minus, first + len(weights) + count])
        if self.largest:
            within = np.zeros((len(weights), self.session.columns))
            within[count, first + count] = within[count, first + len(weights) + count] = relative
            within[:, 0] = -1.0
            self.session.add_rows(np.full(len(weights), -np.inf), zero, csr_array(within))

    def add_rows(self, tests: np.ndarray, rivals: np.ndarray) -> None:
        """Rows margin >= 1 - slack for new pairs of test and rival; a slack for tests without one."""
        new = np.unique(tests[self.slack[tests] < 0])
        first = self.session.columns
        self.session.add_columns(
            self.merit.importance[new], np.zeros(len(new)), self.merit.most_slack[new]
        )
        self.slack[new] = first + np.arange(len(new))
        cotangents = margin_cotangents(self.merit.labels[tests], rivals, self.logits.shape[1])
        factors = self.tangent.factors(tests, cotangents)
        entries = self._entries([factors], self.weights)
        # Margins at the tangent's point, less what its deltas contribute: rows are over deltas, not over steps.
        base = self.margins[tests, rivals] - entries @ (
            self.tangent.at[self.weights] / self.merit.units[self.weights]
        )
        matrix = np.zeros((len(tests), self.session.columns))
        matrix[:, self.plus], matrix[:, self.minus] = entries, -entries
        matrix[np.arange(len(tests)), self.slack[tests]] = 1.0
        made = self.session.rows + np.arange(len(tests))
        self.margin_rows = np.concatenate([self.margin_rows, made])
        self.session.add_rows(1.0 - base, np.full(len(tests), np.inf), csr_array(matrix))
        self.factors.append(factors)
        self.tests = np.concatenate([self.tests, tests])
        self.rivals = np.concatenate([self.rivals, rivals])

    def _entries(self, factors: Sequence[Factors], weights: np.ndarray) -> np.ndarray:
        """(rows, weights) gradients of margins in units of the margin and of the deltas."""
        blocks = [np.empty((0, len(weights))), *(part.columns(weights) for part in factors)]
        return np.concatenate(blocks) * (self.merit.units[weights] / self.merit.margin)

    # --- what is missing ----------------------------------------------------------------------------------------

    def deltas(self, vertex: Vertex) -> np.ndarray:
        """(n,) deltas of a vertex."""
        deltas = np.zeros(len(self.merit.units))
        values = vertex.values[self.plus] - vertex.values[self.minus]
        deltas[self.weights] = values * self.merit.units[self.weights]
        return deltas

    def missed_rows(
        self, vertex: Vertex, logits: np.ndarray, most: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The worst missed row of each test, the most missed first: tests and rivals."""
        has = self.slack >= 0
        slack = np.zeros(len(logits))
        slack[has] = vertex.values[self.slack[has]]
        lack = 1.0 - self.merit.margins(logits) - slack[:, None]
        lack[self.tests, self.rivals] = 0.0
        rivals = lack.argmax(1)
        worst = lack.max(1)
        tests = np.flatnonzero(worst > TOLERANCE)
        tests = tests[np.argsort(-worst[tests], kind="stable")][:most]
        return tests, rivals[tests]

    def paying_weights(self, vertex: Vertex, most: int) -> np.ndarray:
        """Weights outside the program whose reduced cost is negative, the most negative first; ascending."""
        cotangents = np.zeros(self.logits.shape)
        priced = vertex.duals[self.margin_rows] / self.merit.margin
        np.add.at(cotangents, (self.tests, self.merit.labels[self.tests]), priced)
        np.add.at(cotangents, (self.tests, self.rivals), -priced)
        return self.rising(np.unique(self.tests), cotangents, most)

    def rising(self, tests: np.ndarray, cotangents: np.ndarray, most: int) -> np.ndarray:
        """Weights whose gradient of sum(cotangents * logits) is above their price, the steepest first; ascending.

        Within the largest change, which is priced once, every weight may change: each of them pays.
        """
        gradient = self.tangent.gradient(tests, cotangents[tests]) * self.merit.units
        least, tolerance = self.merit.price * self.merit.cost, TOLERANCE * self.merit.price
        if self.largest:
            least, tolerance = np.where(np.isfinite(least), 0.0, np.inf), tolerance / len(least)
        pays = np.abs(gradient) - least
        pays[self.weights] = -np.inf
        found = np.flatnonzero(pays > tolerance)
        return np.sort(found[np.argsort(-pays[found], kind="stable")][:most])


def best_step(
    tangent: Tangent,
    merit: Merit,
    *,
    radius: float = np.inf,
    bound: float = np.inf,
    generation: Generation | None = None,
    options: SolverOptions | None = None,
    until: float | None = None,
) -> Step:
    """Deltas of least merit under the first-order model within the trust region.

    Args:
        tangent: the model, at the present deltas.
        merit: what is minimised.
        radius: of the trust region, in units; infinite where the model is exact.
        bound: largest |delta|, in units.
        generation: how the program is made.
        options: of the solver.
        until: time (time.perf_counter) at which to stop with what there is.
    """
    how = generation or Generation()
    program = Generated(tangent, merit, radius, bound, options or SolverOptions())
    tests, cotangents = merit.hinge_cotangents(tangent.logits)
    everywhere = np.zeros(tangent.logits.shape)
    everywhere[tests] = cotangents
    support = np.flatnonzero(tangent.at)
    program.add_weights(support)
    room = max(how.most_columns - len(support), 0)
    program.add_weights(program.rising(tests, everywhere, min(how.columns, room)))
    margins = program.margins
    first = np.argsort(margins.min(1), kind="stable")[: how.rows]
    first = first[margins[first].min(1) < 1]
    program.add_rows(first, margins[first].argmin(1))
    deltas, objective, seconds = tangent.at, np.inf, 0.0
    vertex, exact, passes = None, False, 0
    while passes < how.passes and not exact:
        vertex = program.session.solve(
            None if until is None else max(0.0, until - time.perf_counter())
        )
        passes, seconds = passes + 1, seconds + vertex.seconds
        if vertex.status is not SolverStatus.OPTIMAL:
            break
        deltas = program.deltas(vertex)
        logits = program.logits + tangent.along(deltas - tangent.at)
        objective = merit(logits, deltas)
        tests, rivals = program.missed_rows(vertex, logits, how.rows)
        if len(tests):
            program.add_rows(tests, rivals)
            continue
        room = how.most_columns - len(program.weights)
        weights = program.paying_weights(vertex, min(how.columns, max(room, 1)))
        exact = not len(weights)
        if room <= 0:
            break
        program.add_weights(weights)
    status = vertex.status if vertex is not None else SolverStatus.ERROR
    return Step(
        deltas,
        objective,
        exact and status is SolverStatus.OPTIMAL,
        status,
        program.session.rows,
        program.session.columns,
        seconds,
        passes,
        vertex.message if vertex is not None else "",
    )
