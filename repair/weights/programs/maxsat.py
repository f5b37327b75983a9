"""Partial MaxSAT over linear rows as a MILP: hold the hard rows and as many soft rows as possible.

NNrepair (Usman et al., CAV 2021, arXiv 2103.12535, section 3) asks this of Z3's MaxSMT.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array, csr_array, hstack, vstack

from repair.errors import InputError
from repair.weights.programs.program import TOLERANCE, Program

# A strict row is to hold with at least this slack, counted after its largest coefficient was
# scaled to 1: a solver may miss a row by TOLERANCE, and the answer must hold all the same.
_LEAST_MARGIN = 10 * TOLERANCE


class LinearConstraints(NamedTuple):
    """Strict rows, matrix @ deltas > side.

    Attributes:
        matrix: (m, n), dense or sparse.
        side: (m,) right-hand sides.
    """

    matrix: Float[np.ndarray, "m n"] | csr_array
    side: Float[np.ndarray, " m"]


@dataclass(frozen=True, eq=False)
class MaxSat:
    """A partial MaxSAT problem and its MILP.

    Attributes:
        hard: rows (h, n) that must hold.
        soft: rows (m, n) of which as many as possible should hold.
        lower: (n,) least deltas.
        upper: (n,) greatest deltas.
        margin: the slack with which a row is to hold, in the units of the rows.
        program: its columns are the deltas, then one binary for each undecided soft row; its
            objective is the number of soft rows that do not hold.
        undecided: (u,) indices of the soft rows with a binary, in the order of the columns; the bounds
            of the deltas decide all others.
    """

    hard: LinearConstraints
    soft: LinearConstraints
    lower: Float[np.ndarray, " n"]
    upper: Float[np.ndarray, " n"]
    margin: float
    program: Program
    undecided: Int[np.ndarray, " u"]

    def held(self, deltas: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " m"]:
        """Whether each soft row holds at deltas, computed in float64."""
        return self.soft.matrix @ deltas > self.soft.side

    def admits(self, deltas: Float[np.ndarray, " n"]) -> bool:
        """Whether deltas keep the bounds and every hard row, computed in float64."""
        inside = (self.lower <= deltas) & (deltas <= self.upper)
        return bool(inside.all() and (self.hard.matrix @ deltas > self.hard.side).all())

    def values(self, deltas: Float[np.ndarray, " n"]) -> Float[np.ndarray, " columns"]:
        """The program's values (deltas, then binaries) that stand for deltas."""
        rows = _scaled(self.soft, self.lower, self.upper, self.margin)
        binaries = (rows.matrix @ deltas >= rows.side - TOLERANCE)[self.undecided]
        return np.concatenate([deltas, binaries.astype(np.float64)])


def max_satisfied(
    hard: LinearConstraints,
    soft: LinearConstraints,
    lower: np.ndarray,
    upper: np.ndarray,
    margin: float = 1e-6,
) -> MaxSat:
    """Write "all hard rows, and as many soft rows as possible" as a MILP.

    The partial MaxSAT problem of Usman et al., "NNrepair" (CAV 2021, arXiv 2103.12535), section 3.

    Soft rows with the same coefficients (one test, several wrong classes) share a row, in which
    each binary stands for one more step of the side: their convex hull, where a big-M row for each
    would be loose. Every big-M is the least activity of its row within the bounds of the deltas.

    Args:
        hard: rows (h, n) that must hold.
        soft: rows (m, n).
        lower: (n,) least deltas, finite.
        upper: (n,) greatest deltas, finite.
        margin: the slack with which each row is to hold, in the units of the rows, above 0. Where that
            would vanish in the solver's tolerance (a row with large coefficients), the slack is 1e-8 of
            the row's largest coefficient instead.

    Raises:
        InputError: for shapes that do not fit, infinite or crossed bounds, or no margin.
    """
    _check(hard, soft, lower, upper, margin)
    needed = _scaled(hard, lower, upper, margin)
    needed = needed.take(np.flatnonzero(~needed.always))
    order, follows = _runs(needed)
    last = ~np.append(follows, False)[1:]  # of rows with the same coefficients only the strongest
    needed = needed.take(order[last])

    wished = _scaled(soft, lower, upper, margin)
    undecided = np.flatnonzero(~wished.always & ~wished.never)
    order, follows = _runs(wished.take(undecided))
    undecided = undecided[order]
    program = _program(
        needed, wished.take(undecided), follows, lower, upper, int((~wished.always).sum())
    )
    return MaxSat(hard, soft, lower, upper, margin, program, undecided)


class _ScaledRows(NamedTuple):
    """Rows as the solver gets them, matrix @ deltas >= side, the largest coefficient being 1."""

    matrix: csr_array
    side: np.ndarray
    least: np.ndarray  # activity within the bounds
    always: np.ndarray  # bool: no deltas within the bounds break the row
    never: np.ndarray  # bool: no deltas within the bounds keep it

    def take(self, indices: np.ndarray) -> "_ScaledRows":
        return _ScaledRows(*(part[indices] for part in self))


def _scaled(
    rows: LinearConstraints, lower: np.ndarray, upper: np.ndarray, margin: float
) -> _ScaledRows:
    matrix = csr_array(rows.matrix, dtype=np.float64, copy=True)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    scale = abs(matrix).max(axis=1).toarray().ravel() if matrix.shape[1] else np.zeros(0)
    empty = scale == 0
    scale[empty] = 1.0
    matrix = csr_array(matrix.multiply(1.0 / scale[:, None]))
    side = rows.side / scale + np.maximum(margin / scale, _LEAST_MARGIN)
    falls, rises = matrix.minimum(0), matrix.maximum(0)
    least = rises @ lower + falls @ upper
    most = rises @ upper + falls @ lower
    # A row without weights is a fact, and needs no margin.
    always = np.where(empty, rows.side < 0, least >= side)
    never = np.where(empty, rows.side >= 0, most < side)
    return _ScaledRows(matrix, side, least, always, never)


def _runs(rows: _ScaledRows) -> tuple[np.ndarray, np.ndarray]:
    """Order (m,) of rows by coefficients, then side; bool (m,): it is as the row before it."""
    # A random projection sorts equal rows together; the difference then says what is equal.
    key = rows.matrix @ np.random.default_rng(0).random(rows.matrix.shape[1])
    order = np.lexsort((rows.side, key))
    sorted_rows = rows.matrix[order]
    change = sorted_rows[1:] - sorted_rows[:-1]
    change.eliminate_zeros()
    follows = np.zeros(len(order), dtype=bool)
    follows[1:] = np.diff(change.indptr) == 0
    return order, follows


def _program(
    hard: _ScaledRows,
    soft: _ScaledRows,
    follows: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    constant: int,
) -> Program:
    n, u = len(lower), len(soft.side)
    binary = np.arange(u)
    run = np.cumsum(~follows) - 1
    first = np.flatnonzero(~follows)
    # activity >= least + sum of the steps whose binary is 1
    before = np.where(follows, np.roll(soft.side, 1), soft.least)
    steps = csr_array((before - soft.side, (run, binary)), shape=(len(first), u))
    later = np.flatnonzero(follows)
    link = np.arange(len(later))
    ones = np.ones(len(later))
    chain = coo_array(
        (
            np.concatenate([ones, -ones]),
            (np.concatenate([link, link]), np.concatenate([later - 1, later])),
        ),
        shape=(len(later), u),
    )
    blocks = (
        ("hard", hstack([hard.matrix, csr_array((len(hard.side), u))]), hard.side),
        ("soft", hstack([soft.matrix[first], steps]), soft.least[first]),
        ("chain", hstack([csr_array((len(later), n)), chain]), np.zeros(len(later))),
    )
    sides = np.concatenate([side for _, _, side in blocks])
    ends = np.cumsum([len(side) for _, _, side in blocks])
    return Program(
        objective=np.concatenate([np.zeros(n), -np.ones(u)]),
        rows=csr_array(vstack([matrix for _, matrix, _ in blocks], format="csr")),
        row_lower=sides,
        row_upper=np.full(len(sides), np.inf),
        lower=np.concatenate([lower, np.zeros(u)]),
        upper=np.concatenate([upper, np.ones(u)]),
        integer=np.arange(n + u) >= n,
        constant=float(constant),
        row_blocks={
            name: slice(int(end) - len(side), int(end))
            for (name, _, side), end in zip(blocks, ends, strict=True)
        },
        column_blocks={"deltas": slice(0, n), "binaries": slice(n, n + u)},
    )


def _check(
    hard: LinearConstraints,
    soft: LinearConstraints,
    lower: np.ndarray,
    upper: np.ndarray,
    margin: float,
) -> None:
    n = len(lower)
    for name, rows in (("hard", hard), ("soft", soft)):
        m = len(rows.side)
        if rows.matrix.shape != (m, n):
            raise InputError(
                f"{name} rows: {n} deltas and {m} sides need a matrix of shape ({m}, {n}); "
                f"given {rows.matrix.shape}."
            )
    finite = np.isfinite(lower).all() and np.isfinite(upper).all()
    if upper.shape != lower.shape or not finite or (lower > upper).any():
        raise InputError("the bounds of the deltas must be finite, as many, and lower <= upper.")
    if not margin > 0:
        raise InputError(f"margin is {margin}; the rows are strict, so it must be above 0.")
