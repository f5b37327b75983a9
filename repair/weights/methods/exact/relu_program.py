"""A repair as an exact MILP: margins of chosen tests in the deltas of chosen weights, through the states of ReLUs.

The encoding of a ReLU by bounds and one binary is that of Tjeng, Xiao, Tedrake, "Evaluating robustness of neural
networks with mixed integer programming" (ICLR 2019, arXiv 1711.07356), section 4.1; neurons whose state the bounds of
the deltas decide need none.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import block_diag, coo_array, csr_array, diags_array, eye_array, hstack, vstack

from repair.weights.programs.program import Program

Norm = Literal["l0", "l1", "linf"]
Soft = Literal["binaries", "slacks"]


@dataclass(frozen=True, eq=False)
class ReachableMargins:
    """Margins of tests as functions of deltas x (k,) in units, |x| <= bound.

    margins = constant + matrix @ x + relus @ r, where r are the outputs of the undecided neurons and
    inputs_constant + inputs @ x their inputs.

    Attributes:
        constant: (m,) constant part of the margins, m = tests x rival classes, test by test.
        matrix: (m, k) slopes of the margins in the deltas.
        relus: (m, u) slopes of the margins in the outputs of the undecided neurons.
        least: (m,) lower bound of the margins for deltas within the bounds.
        inputs: (u, k) slopes of the undecided neurons' inputs in the deltas.
        inputs_constant: (u,) constant part of these inputs.
        low: (u,) lower bound of these inputs, below 0.
        high: (u,) upper bound of these inputs, above 0.
    """

    constant: Float[np.ndarray, " m"]
    matrix: csr_array
    relus: csr_array
    least: Float[np.ndarray, " m"]
    inputs: csr_array
    inputs_constant: Float[np.ndarray, " u"]
    low: Float[np.ndarray, " u"]
    high: Float[np.ndarray, " u"]


def reachable_margins(
    entering: Float[np.ndarray, "T in"],
    before: Float[np.ndarray, "T out"],
    margins: Float[np.ndarray, "T R"],
    weights: Float[np.ndarray, "T R out"],
    free: tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]],
    unit: float,
    bound: float,
    rectified: bool,
) -> ReachableMargins:
    """The margins that deltas of some weights of a dense layer can reach.

    Args:
        entering: (T, in) activations that enter the layer.
        before: (T, out) activations that leave the layer, without deltas.
        margins: (T, R) margins to each rival, without deltas.
        weights: (T, R, out) by which what follows the layer weighs its neurons in each margin.
        free: inputs and outputs (k,) of the free weights.
        unit: the unit of a delta, in units of the weights.
        bound: the largest |x|.
        rectified: whether a ReLU follows the layer; else each neuron is what leaves the layer.
    """
    (inputs, outputs), tests = free, len(entering)
    neurons, column = np.unique(outputs, return_inverse=True)
    count, k = len(neurons), len(inputs)
    rows = np.arange(tests)[:, None] * count + column
    values = entering[:, inputs] * unit
    where = (rows.ravel(), np.tile(np.arange(k), tests))
    slopes = csr_array(coo_array((values.ravel(), where), shape=(tests * count, k)))
    at = before[:, neurons].ravel()
    spread = bound * np.asarray(abs(slopes).sum(1)).ravel()
    low, high = at - spread, at + spread
    on, undecided = (low >= 0) | (not rectified), (low < 0) & (high > 0) & rectified
    now = np.maximum(at, 0) if rectified else at
    weigh = csr_array(block_diag(list(weights[:, :, neurons]), format="csr"))
    chosen = csr_array(eye_array(tests * count, format="csr")[np.flatnonzero(undecided)])
    floor, ceiling = (np.maximum(x, 0) if rectified else x for x in (low, high))
    base = margins.ravel() - weigh @ now
    return ReachableMargins(
        constant=base + weigh @ np.where(on, at, 0.0),
        matrix=csr_array(weigh @ (diags_array(on.astype(float)) @ slopes)),
        relus=csr_array(weigh @ chosen.T),
        least=base + weigh.maximum(0) @ floor + weigh.minimum(0) @ ceiling,
        inputs=csr_array(chosen @ slopes),
        inputs_constant=at[undecided],
        low=low[undecided],
        high=high[undecided],
    )


@dataclass(frozen=True, eq=False)
class ProgramObjective:
    """What the tests are to reach, and what is minimised.

    Attributes:
        target_margin: the margin that a test is to have.
        hard: (T,) tests that must have it.
        soft: "binaries": as many of the others as possible; "slacks": the margin that each lacks, in units of the
            target margin.
        norm: the norm of the deltas, in units, that is small: how many change, their sum, or the largest.
        strength: regularization strength: the cost, in tests, of the largest norm that the bounds allow; below 1,
            with binaries, no test is given up for the norm.
        bound: the largest |delta|, in units.
    """

    target_margin: float
    hard: Bool[np.ndarray, " T"]
    soft: Soft
    norm: Norm
    strength: float
    bound: float


def program(reachable: ReachableMargins, goal: ProgramObjective) -> Program:
    """The MILP of a repair.

    Columns: the deltas as "plus" and "minus", the "norm"'s, "relu" outputs, their "state"s, and one for each "soft"
    test. A ReLU whose input lies in low < 0 < high has the output r and the state s in {0, 1}, with r >= input,
    r <= input - low (1 - s), r <= high s and r >= 0 (Tjeng et al., section 4.1).
    """
    k, u = reachable.matrix.shape[1], reachable.relus.shape[1]
    rivals = len(reachable.constant) // len(goal.hard)
    soft = np.flatnonzero(~goal.hard)
    extra = {"l0": k, "l1": 0, "linf": 1}[goal.norm]
    sizes = {"plus": k, "minus": k, "norm": extra, "relu": u, "state": u, "soft": len(soft)}
    ends = np.cumsum([0, *sizes.values()])
    blocks = {
        name: slice(int(a), int(b)) for name, a, b in zip(sizes, ends, ends[1:], strict=False)
    }
    n = int(ends[-1])

    def row(**parts: csr_array) -> csr_array:
        m = next(iter(parts.values())).shape[0]
        return csr_array(
            hstack([parts.get(name, csr_array((m, size))) for name, size in sizes.items()])
        )

    def identity(size: int) -> csr_array:
        return csr_array(eye_array(size))

    # A soft test's rows hold where its binary is 1, or up to its slack.
    relief = (
        np.maximum(goal.target_margin - reachable.least, 0.0) if goal.soft == "binaries" else None
    )
    column = np.repeat(np.cumsum(~goal.hard) - 1, rivals)
    is_soft = np.repeat(~goal.hard, rivals)
    where = (np.flatnonzero(is_soft), column[is_soft])
    lift = np.full(is_soft.sum(), goal.target_margin) if relief is None else -relief[is_soft]
    per_test = csr_array(coo_array((lift, where), shape=(len(is_soft), len(soft))))
    needed = goal.target_margin - reachable.constant
    if relief is not None:
        needed = needed - np.where(is_soft, relief, 0.0)
    lines: list[tuple[csr_array, np.ndarray | float, np.ndarray | float]] = [
        (
            row(
                plus=reachable.matrix, minus=-reachable.matrix, relu=reachable.relus, soft=per_test
            ),
            needed,
            np.inf,
        )
    ]
    if u:
        at, entering = reachable.inputs_constant, reachable.inputs
        lines += [
            (row(plus=-entering, minus=entering, relu=identity(u)), at, np.inf),
            (
                row(
                    plus=-entering,
                    minus=entering,
                    relu=identity(u),
                    state=csr_array(diags_array(-reachable.low)),
                ),
                -np.inf,
                at - reachable.low,
            ),
            (
                row(relu=identity(u), state=csr_array(diags_array(-reachable.high))),
                -np.inf,
                np.zeros(u),
            ),
        ]
    if goal.norm == "l0":
        limit = csr_array(-goal.bound * eye_array(k))
        lines.append((row(plus=identity(k), minus=identity(k), norm=limit), -np.inf, np.zeros(k)))
    elif goal.norm == "linf":
        limit = csr_array(-np.ones((k, 1)))
        lines.append((row(plus=identity(k), minus=identity(k), norm=limit), -np.inf, np.zeros(k)))
    matrix = csr_array(vstack([line[0] for line in lines], format="csr"))
    lower, upper = (
        np.concatenate([np.broadcast_to(line[side], line[0].shape[0]) for line in lines])
        for side in (1, 2)
    )
    objective, most, integer = np.zeros(n), np.zeros(n), np.zeros(n, bool)
    most[blocks["plus"]] = most[blocks["minus"]] = goal.bound
    most[blocks["norm"]] = 1.0 if goal.norm == "l0" else goal.bound
    most[blocks["relu"]], most[blocks["state"]] = np.maximum(reachable.high, 0), 1.0
    most[blocks["soft"]] = 1.0 if relief is not None else np.inf
    integer[blocks["state"]] = True
    integer[blocks["norm"]] = goal.norm == "l0"
    integer[blocks["soft"]] = relief is not None
    largest = {"l0": float(k), "l1": k * goal.bound, "linf": goal.bound}[goal.norm]
    for name in ("plus", "minus") if goal.norm == "l1" else ("norm",):
        objective[blocks[name]] = goal.strength / largest
    objective[blocks["soft"]] = 1.0 if relief is None else -1.0
    return Program(
        objective,
        matrix,
        lower.astype(np.float64),
        upper.astype(np.float64),
        np.zeros(n),
        most,
        integer,
        constant=0.0 if relief is None else float(len(soft)),
        column_blocks=blocks,
    )
