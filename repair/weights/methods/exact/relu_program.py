"""A repair as an exact MILP: margins of chosen tests in the deltas of chosen weights, through the states of ReLUs.

The encoding of a ReLU by bounds and one binary is that of Tjeng, Xiao, Tedrake, "Evaluating robustness of neural
networks with mixed integer programming" (ICLR 2019, arXiv 1711.07356), section 4.1; neurons whose state the bounds of
the deltas decide need none.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import block_diag, coo_array, csr_array, diags_array, eye_array, hstack, vstack

from repair.weights.programs.program import Program

Norm = Literal["l0", "l1", "linf"]
Soft = Literal["binaries", "slacks"]


@dataclass(frozen=True, eq=False)
class Reach:
    """Margins of tests as functions of deltas x (k,) in units, |x| <= bound.

    margins = constant + matrix @ x + relus @ r, r the outputs of the undecided neurons, whose inputs are
    inputs_constant + inputs @ x.

    Attributes:
        constant: (m,) of the margins, m = tests x rival classes, test by test.
        matrix: (m, k).
        relus: (m, u).
        least: (m,) lower bound of the margins within the bounds.
        inputs, inputs_constant: (u, k) and (u,), what enters the undecided neurons.
        low, high: (u,) its bounds, below and above 0.
    """

    constant: np.ndarray
    matrix: csr_array
    relus: csr_array
    least: np.ndarray
    inputs: csr_array
    inputs_constant: np.ndarray
    low: np.ndarray
    high: np.ndarray


def reach(
    entering: np.ndarray,
    before: np.ndarray,
    margins: np.ndarray,
    weights: np.ndarray,
    places: tuple[np.ndarray, np.ndarray],
    unit: float,
    bound: float,
    rectified: bool,
) -> Reach:
    """What deltas of some weights of a dense layer do to margins.

    Args:
        entering: (T, in) activations that enter the layer.
        before: (T, out) what leaves it, without deltas.
        margins: (T, R) margins to each rival, without deltas.
        weights: (T, R, out) by which what follows the layer weighs its neurons in each margin.
        places: inputs and outputs (k,) of the free weights.
        unit: of a delta.
        bound: largest |x|.
        rectified: whether a ReLU follows the layer; else each neuron is what leaves the layer.
    """
    (inputs, outputs), tests = places, len(entering)
    neurons, column = np.unique(outputs, return_inverse=True)
    count, k = len(neurons), len(inputs)
    rows = np.arange(tests)[:, None] * count + column
    values = entering[:, inputs] * unit
    where = (rows.ravel(), np.tile(np.arange(k), tests))
    slopes = csr_array(coo_array((values.ravel(), where), shape=(tests * count, k)))
    at = before[:, neurons].ravel()
    spread = bound * np.asarray(abs(slopes).sum(1)).ravel()
    low, high = at - spread, at + spread
    on, open_ = (low >= 0) | (not rectified), (low < 0) & (high > 0) & rectified
    now = np.maximum(at, 0) if rectified else at
    weigh = csr_array(block_diag(list(weights[:, :, neurons]), format="csr"))
    chosen = csr_array(eye_array(tests * count, format="csr")[np.flatnonzero(open_)])
    floor, ceiling = (np.maximum(x, 0) if rectified else x for x in (low, high))
    base = margins.ravel() - weigh @ now
    return Reach(
        constant=base + weigh @ np.where(on, at, 0.0),
        matrix=csr_array(weigh @ (diags_array(on.astype(float)) @ slopes)),
        relus=csr_array(weigh @ chosen.T),
        least=base + weigh.maximum(0) @ floor + weigh.minimum(0) @ ceiling,
        inputs=csr_array(chosen @ slopes),
        inputs_constant=at[open_],
        low=low[open_],
        high=high[open_],
    )


@dataclass(frozen=True, eq=False)
class Rule:
    """What is asked of the tests, and what is minimised.

    Attributes:
        bar: margin that a test is to have.
        hard: (T,) bool, tests that must have it.
        soft: "binaries": as many of the others as possible; "slacks": what each lacks, in units of the bar.
        norm: of the deltas, in units: how many change, the sum, or the largest.
        price: of the largest norm that the bounds allow; below 1, with binaries, no test is given up for the norm.
        bound: largest |delta|, in units.
    """

    bar: float
    hard: np.ndarray
    soft: Soft
    norm: Norm
    price: float
    bound: float


def program(reached: Reach, rule: Rule) -> Program:
    """The MILP. Columns: x as plus and minus, the norm's, ReLU outputs and states, one for each soft test."""
    k, u = reached.matrix.shape[1], reached.relus.shape[1]
    rivals = len(reached.constant) // len(rule.hard)
    soft = np.flatnonzero(~rule.hard)
    extra = {"l0": k, "l1": 0, "linf": 1}[rule.norm]
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
    relief = np.maximum(rule.bar - reached.least, 0.0) if rule.soft == "binaries" else None
    own = np.repeat(np.cumsum(~rule.hard) - 1, rivals)
    is_soft = np.repeat(~rule.hard, rivals)
    places = (np.flatnonzero(is_soft), own[is_soft])
    lift = np.full(is_soft.sum(), rule.bar) if relief is None else -relief[is_soft]
    per_test = csr_array(coo_array((lift, places), shape=(len(is_soft), len(soft))))
    needed = rule.bar - reached.constant
    if relief is not None:
        needed = needed - np.where(is_soft, relief, 0.0)
    lines: list[tuple[csr_array, np.ndarray | float, np.ndarray | float]] = [
        (
            row(plus=reached.matrix, minus=-reached.matrix, relu=reached.relus, soft=per_test),
            needed,
            np.inf,
        )
    ]
    if u:
        at, entering = reached.inputs_constant, reached.inputs
        lines += [
            (row(plus=-entering, minus=entering, relu=identity(u)), at, np.inf),
            (
                row(
                    plus=-entering,
                    minus=entering,
                    relu=identity(u),
                    state=csr_array(diags_array(-reached.low)),
                ),
                -np.inf,
                at - reached.low,
            ),
            (
                row(relu=identity(u), state=csr_array(diags_array(-reached.high))),
                -np.inf,
                np.zeros(u),
            ),
        ]
    if rule.norm == "l0":
        limit = csr_array(-rule.bound * eye_array(k))
        lines.append((row(plus=identity(k), minus=identity(k), norm=limit), -np.inf, np.zeros(k)))
    elif rule.norm == "linf":
        limit = csr_array(-np.ones((k, 1)))
        lines.append((row(plus=identity(k), minus=identity(k), norm=limit), -np.inf, np.zeros(k)))
    matrix = csr_array(vstack([line[0] for line in lines], format="csr"))
    lower, upper = (
        np.concatenate([np.broadcast_to(line[side], line[0].shape[0]) for line in lines])
        for side in (1, 2)
    )
    objective, most, integer = np.zeros(n), np.zeros(n), np.zeros(n, bool)
    most[blocks["plus"]] = most[blocks["minus"]] = rule.bound
    most[blocks["norm"]] = 1.0 if rule.norm == "l0" else rule.bound
    most[blocks["relu"]], most[blocks["state"]] = np.maximum(reached.high, 0), 1.0
    most[blocks["soft"]] = 1.0 if relief is not None else np.inf
    integer[blocks["state"]] = True
    integer[blocks["norm"]] = rule.norm == "l0"
    integer[blocks["soft"]] = relief is not None
    largest = {"l0": float(k), "l1": k * rule.bound, "linf": rule.bound}[rule.norm]
    for name in ("plus", "minus") if rule.norm == "l1" else ("norm",):
        objective[blocks[name]] = rule.price / largest
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
