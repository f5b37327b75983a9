"""For a layer of several inputs, the fewest edits to every output: never too many."""

from functools import reduce
from itertools import product
from typing import NamedTuple

import numpy as np

from repair.architecture.errors import Fault
from repair.architecture.layer import Layer
from repair.architecture.layers import infer
from repair.architecture.rules import Rules
from repair.architecture.search.bound.broadcast import broadcast
from repair.architecture.search.bound.shape_grid import IMPOSSIBLE, RANKS, Box, Costs
from repair.architecture.search.choices.merges import ELEMENTWISE

BITS = 16
"""Powers of two from one number of edits to the next."""


def merged(layer: Layer, inputs: tuple[Costs, ...], rules: Rules, box: Box) -> Costs:
    """A layer as it stands, or edited in place.

    Args:
        layer: the layer.
        inputs: fewest edits to every shape of each input, those of inserted layers included.
        rules: the rule set.
        box: what the arrays mean.
    """
    if layer.type in ELEMENTWISE and rules.strict:
        return sum(inputs[1:], inputs[0])
    if layer.type in ELEMENTWISE:
        return reduce(lambda a, b: broadcast(a, b, box), inputs)
    if layer.type == "Concatenate":
        return _concatenated(layer, inputs, box)
    if layer.type == "Dot":
        return _dot(layer, inputs[0], inputs[1], rules, box)
    return np.full_like(inputs[0], sum(int(costs.min()) for costs in inputs))


def _concatenated(layer: Layer, inputs: tuple[Costs, ...], box: Box) -> Costs:
    """Each input agrees with the output but on one axis."""
    axis = layer.arguments.get("axis", -1)
    made = box.empty()
    for rank in RANKS:
        block = box.block(made, rank)
        for place in range(rank):
            stands = isinstance(axis, int) and axis in (place + 1, place - rank)
            parts = [box.block(costs, rank).min(place, keepdims=True) for costs in inputs]
            np.minimum(block, sum(parts[1:], parts[0]) + (0 if stands else 1), out=block)
    if box.deep(made).size:
        box.deep(made)[:] = min(sum(int(box.deep(costs).min()) for costs in inputs), IMPOSSIBLE)
    return made


def _dot(layer: Layer, left: Costs, right: Costs, rules: Rules, box: Box) -> Costs:
    """Two inputs with an equal axis; the output has the axes of both but that one."""
    made = box.empty()
    rows, columns = ({(p, i): Powers.of(np.moveaxis(box.block(costs, p), i, -1))
                      for p in RANKS[: 2 if rules.strict else None] for i in range(p)}
                     for costs in (left, right))  # fmt: skip
    pairs = [(a.least + b.least + axes_cost(layer, (i + 1, j + 1), (p, q), rules), p + q - 2, a, b)
             for ((p, i), a), ((q, j), b) in product(rows.items(), columns.items())
             if p + q - 2 <= len(RANKS) and (p == q or not rules.strict)]  # fmt: skip
    for least, rank, a, b in sorted(pairs, key=lambda pair: pair[0]):
        block = box.block(made, max(rank, 1))
        if least < block.max():
            _contracted(a.powers, b.powers, least, block)
    if not rules.strict and box.deep(made).size:
        _deep_dot(layer, left, right, rules, box, made)
    return made


def _deep_dot(layer: Layer, left: Costs, right: Costs, rules: Rules, box: Box, made: Costs) -> None:
    """The outputs of a Dot that are deep, or that it makes of deep inputs."""
    deep = box.deep(made)
    rows, columns = ({(p, i): _by_rest(np.moveaxis(box.block(costs, p), i, -1), deep.size)
                      for p in RANKS for i in range(p)} for costs in (left, right))  # fmt: skip
    for ((p, i), a), ((q, j), b) in product(rows.items(), columns.items()):
        if p + q - 2 > len(RANKS):
            price = axes_cost(layer, (i + 1, j + 1), (p, q), rules)
            _contracted_deep(a, b, price, deep)
    least = min(int(box.deep(one).min()) + int(two.min())
                for one, two in ((left, right), (right, left)))  # fmt: skip
    after = made[box.blocks[len(RANKS) - 1].start :]  # as deep, or of four sizes
    np.minimum(after, least, out=after)


class Powers(NamedTuple):
    """A table as powers of two, so that the least sums of two tables are a matrix product.

    A box has fewer than 2^BITS places, so that the power of the least sum tells in the total.

    Args:
        least: the smallest number of the table.
        powers: of 2^-BITS, by how much each number exceeds it.
    """

    least: int
    powers: np.ndarray

    @classmethod
    def of(cls, table: np.ndarray) -> "Powers":
        """Those of a table of edits."""
        least = int(table.min())
        return cls(least, np.exp2(-BITS * (table - least).astype(np.float64)))

    @staticmethod
    def least_sums(rows: np.ndarray, columns: np.ndarray, least: int) -> np.ndarray:
        """The least sum of each row and each column, place by place."""
        total = rows @ columns.T
        over = np.where(total > 0, -((np.frexp(total)[1] - 1) // BITS), IMPOSSIBLE)
        return np.minimum(over + least, IMPOSSIBLE).astype(np.int16)


def _contracted(a: np.ndarray, b: np.ndarray, least: int, made: np.ndarray) -> None:
    """The products of two tables along their last axes, as far as there is room for them."""
    size, room = min(a.shape[-1], b.shape[-1]), made.shape
    a = a[(*map(slice, room[: a.ndim - 1]), slice(size))]
    b = b[(*map(slice, room[a.ndim - 1 :][: b.ndim - 1]), slice(size))]
    sums = Powers.least_sums(a.reshape(-1, size), b.reshape(-1, size), least)
    sums = sums.reshape((*a.shape[:-1], *b.shape[:-1]) or (1,))
    common = made[tuple(map(slice, sums.shape))]
    np.minimum(common, sums, out=common)


Rests = tuple[np.ndarray, np.ndarray]
"""Numbers of values of all axes but one, and for each the cheapest shapes by the size of that one."""


def _by_rest(table: np.ndarray, most: int) -> Rests:
    """The last axis against the number of values of all others, as far as it is at most so large."""
    axes = np.meshgrid(*(np.arange(1, size + 1) for size in table.shape[:-1]), indexing="ij")
    rests = np.prod(axes, axis=0, dtype=np.int64).reshape(-1) if axes else np.ones(1, np.int64)
    rows = table.reshape(rests.size, -1)[rests <= most]
    values, member = np.unique(rests[rests <= most], return_inverse=True)
    least = np.full((values.size, rows.shape[1]), IMPOSSIBLE, table.dtype)
    np.minimum.at(least, member, rows)
    return values, least


def _contracted_deep(a: Rests, b: Rests, price: int, made: np.ndarray) -> None:
    """As `_contracted`, where what comes out is told apart by its number of values alone."""
    size = min(a[1].shape[1], b[1].shape[1])
    values = np.multiply.outer(a[0], b[0])
    inside = values <= made.size
    rows, columns = Powers.of(a[1][:, :size]), Powers.of(b[1][:, :size])
    sums = Powers.least_sums(rows.powers, columns.powers, rows.least + columns.least + price)
    np.minimum.at(made, values[inside] - 1, sums[inside])


def axes_cost(layer: Layer, axes: tuple[int, int], ranks: tuple[int, int], rules: Rules) -> int:
    """0 where the layer multiplies along these axes as it stands, else 1."""
    given = layer.arguments.get("axes")
    both = given if isinstance(given, tuple) else (given, given)
    both = both * 2 if len(both) == 1 else both
    same = [isinstance(g, int) and g % (rank + 1) == axis
            for g, axis, rank in zip(both, axes, ranks, strict=False)]  # fmt: skip
    shapes = tuple((None, *(7,) * rank) for rank in ranks)
    return 0 if all(same) and not isinstance(infer(layer, shapes, rules), Fault) else 1
