"""The linear program of one round, as far as its rows and columns have been generated.

With z the first-order model's margins relative to the target margin, d the deltas in the scale of the weights, and w
the sample weights, the whole program is

    minimise  sum_t w_t * slack_t + strength * sum_i factor_i * (plus_i + minus_i)
    such that z_tr(plus - minus) + slack_t >= 1   for each test t and rival class r,
              d = plus - minus within the trust region and the bound; plus, minus, slack >= 0.

In the L-inf norm one more column, the largest factor_i * |d_i|, has the strength as its cost, and a row for each weight
keeps it within.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csc_array, csr_array

from repair.weights.factors import GradientFactors
from repair.weights.methods.minimal.objective import Objective
from repair.weights.programs.program import SolverOptions
from repair.weights.programs.solvers.session import Session, Vertex
from repair.weights.tangent import Tangent, margin_cotangents

TOLERANCE = 1e-4  # of a row, in target margins: the first-order model is computed in float32


def _none() -> np.ndarray:
    return np.empty(0, np.int64)


@dataclass(eq=False)
class GeneratedProgram:
    """The program as far as it has been generated.

    Args:
        tangent: the first-order model.
        objective: what is minimised.
        radius: largest change of a delta from the tangent's, in the scale of the weights; infinite for none.
        bound: largest |delta|, in the scale of the weights.
        options: of the solver.

    Attributes:
        weights: (c,) the weights that have columns; `plus` and `minus` (c,) are these columns.
        tests, rivals: (r,) the pairs of test and rival class that have a row of their margin.
    """

    tangent: Tangent
    objective: Objective
    radius: float
    bound: float
    options: SolverOptions
    weights: np.ndarray = field(default_factory=_none, init=False)
    plus: np.ndarray = field(default_factory=_none, init=False)
    minus: np.ndarray = field(default_factory=_none, init=False)
    tests: np.ndarray = field(default_factory=_none, init=False)
    rivals: np.ndarray = field(default_factory=_none, init=False)

    def __post_init__(self) -> None:
        """Begin with no rows and no weights."""
        self.session = Session(self.options)
        self.logits = self.tangent.logits
        self.margins = self.objective.margins(self.logits)
        self._regularizer = self.objective.regularizer
        self._factors: list[GradientFactors] = []
        self._slack = np.full(len(self.objective.labels), -1)  # its column, of each test
        self._margin_rows = _none()
        self._linf = self._regularizer.kind == "linf"
        if self._linf:  # column 0 is the norm, and weights cost nothing
            strength = np.array([self._regularizer.strength])
            self.session.add_columns(strength, np.zeros(1), np.full(1, np.inf))

    def add_weights(self, weights: np.ndarray) -> None:
        """Add columns for weights (c,), ascending and new."""
        scale, factors = self._regularizer.scale[weights], self._regularizer.factors[weights]
        at = self.tangent.deltas[weights] / scale
        low = np.maximum(at - self.radius, -self.bound)
        high = np.minimum(at + self.radius, self.bound)
        count, zero, first = np.arange(len(weights)), np.zeros(len(weights)), self.session.columns
        cost = zero if self._linf else self._regularizer.strength * factors
        entries = self._entries(self._factors, weights)
        matrix = np.zeros((self.session.rows, 2 * len(weights)))
        matrix[self._margin_rows] = np.concatenate([entries, -entries], axis=1)
        self.session.add_columns(
            np.concatenate([cost, cost]),
            np.concatenate([np.maximum(low, zero), np.maximum(-high, zero)]),
            np.concatenate([np.maximum(high, zero), np.maximum(-low, zero)]),
            csc_array(matrix) if len(self.tests) else None,
        )
        self.weights = np.concatenate([self.weights, weights])
        self.plus = np.concatenate([self.plus, first + count])
        self.minus = np.concatenate([self.minus, first + len(weights) + count])
        if self._linf:
            within = np.zeros((len(weights), self.session.columns))
            within[count, first + count] = within[count, first + len(weights) + count] = factors
            within[:, 0] = -1.0
            self.session.add_rows(np.full(len(weights), -np.inf), zero, csr_array(within))

    def add_margins(self, tests: np.ndarray, rivals: np.ndarray) -> None:
        """Add rows margin >= 1 - slack for new pairs of test and rival (r,), and a slack for tests without one."""
        new = np.unique(tests[self._slack[tests] < 0])
        first = self.session.columns
        self.session.add_columns(
            self.objective.sample_weights[new],
            np.zeros(len(new)),
            self.objective.largest_slack[new],
        )
        self._slack[new] = first + np.arange(len(new))
        cotangents = margin_cotangents(self.objective.labels[tests], rivals, self.logits.shape[1])
        factors = self.tangent.factors(tests, cotangents)
        entries = self._entries([factors], self.weights)
        # Margins at the tangent's point, less what its deltas contribute: rows are over deltas, not over steps.
        scale = self._regularizer.scale[self.weights]
        base = self.margins[tests, rivals] - entries @ (self.tangent.deltas[self.weights] / scale)
        matrix = np.zeros((len(tests), self.session.columns))
        matrix[:, self.plus], matrix[:, self.minus] = entries, -entries
        matrix[np.arange(len(tests)), self._slack[tests]] = 1.0
        rows = self.session.rows + np.arange(len(tests))
        self._margin_rows = np.concatenate([self._margin_rows, rows])
        self.session.add_rows(1.0 - base, np.full(len(tests), np.inf), csr_array(matrix))
        self._factors.append(factors)
        self.tests = np.concatenate([self.tests, tests])
        self.rivals = np.concatenate([self.rivals, rivals])

    def _entries(self, factors: Sequence[GradientFactors], weights: np.ndarray) -> np.ndarray:
        """(rows, weights) gradients of margins, relative to the target margin and the scale of the weights."""
        blocks = [np.empty((0, len(weights))), *(part.columns(weights) for part in factors)]
        scale = self._regularizer.scale[weights]
        return np.concatenate(blocks) * (scale / self.objective.target_margin)

    def deltas(self, vertex: Vertex) -> np.ndarray:
        """(n,) deltas of a vertex."""
        scale = self._regularizer.scale
        deltas = np.zeros(len(scale))
        values = vertex.values[self.plus] - vertex.values[self.minus]
        deltas[self.weights] = values * scale[self.weights]
        return deltas

    def violated_margins(
        self, vertex: Vertex, logits: np.ndarray, most: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The most violated row of each test that the program lacks, the most violated first.

        Args:
            vertex: the present optimum.
            logits: (N, classes) of the first-order model there.
            most: most rows.

        Returns:
            (r,) tests and (r,) rivals.
        """
        has = self._slack >= 0
        slack = np.zeros(len(logits))
        slack[has] = vertex.values[self._slack[has]]
        lack = 1.0 - self.objective.margins(logits) - slack[:, None]
        lack[self.tests, self.rivals] = 0.0
        rivals = lack.argmax(1)
        worst = lack.max(1)
        tests = np.flatnonzero(worst > TOLERANCE)
        tests = tests[np.argsort(-worst[tests], kind="stable")][:most]
        return tests, rivals[tests]

    def paying_weights(self, vertex: Vertex, most: int) -> np.ndarray:
        """(c,) at most `most` weights outside the program whose reduced cost is most negative; ascending."""
        cotangents = np.zeros(self.logits.shape)
        duals = vertex.duals[self._margin_rows] / self.objective.target_margin
        np.add.at(cotangents, (self.tests, self.objective.labels[self.tests]), duals)
        np.add.at(cotangents, (self.tests, self.rivals), -duals)
        return self.steepest_weights(np.unique(self.tests), cotangents, most)

    def steepest_weights(self, tests: np.ndarray, cotangents: np.ndarray, most: int) -> np.ndarray:
        """The weights outside the program whose gradient of sum(cotangents * logits) exceeds their cost by most.

        In the L-inf norm, whose cost is that of the largest change alone, every weight may change: each of them pays.

        Args:
            tests: (K,) with cotangents other than 0.
            cotangents: (N, classes).
            most: most weights.

        Returns:
            (c,) the weights, ascending.
        """
        regularizer = self._regularizer
        gradient = self.tangent.gradient(tests, cotangents[tests]) * regularizer.scale
        cost = regularizer.strength * regularizer.factors
        tolerance = TOLERANCE * regularizer.strength
        if self._linf:
            cost, tolerance = np.where(np.isfinite(cost), 0.0, np.inf), tolerance / len(cost)
        excess = np.abs(gradient) - cost
        excess[self.weights] = -np.inf
        paying = np.flatnonzero(excess > tolerance)
        return np.sort(paying[np.argsort(-excess[paying], kind="stable")][:most])
