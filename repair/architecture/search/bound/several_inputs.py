"""For a layer of several inputs, the fewest edits to every output: never too many."""

from functools import reduce
from itertools import product
from typing import NamedTuple

import numpy as np

from repair.architecture.errors import Diagnostic
from repair.architecture.layer import LayerSpec
from repair.architecture.layers import infer
from repair.architecture.rules import Rules
from repair.architecture.search.bound.broadcast import fewest_edits_broadcast
from repair.architecture.search.bound.shape_grid import IMPOSSIBLE, RANKS, EditCounts, ShapeGrid
from repair.architecture.search.choices.merges import ELEMENTWISE

BITS = 16
"""Powers of two from one number of edits to the next."""


def fewest_edits_several_inputs(
    layer: LayerSpec, inputs: tuple[EditCounts, ...], rules: Rules, grid: ShapeGrid
) -> EditCounts:
    """The fewest edits to every output of a layer as it stands, or edited in place.

    Args:
        layer: the layer.
        inputs: fewest edits to every shape of each input, those of inserted layers included.
        rules: the rule set.
        grid: the shapes that the arrays are about.
    """
    if layer.type in ELEMENTWISE and rules.strict:
        return sum(inputs[1:], inputs[0])
    if layer.type in ELEMENTWISE:
        return reduce(lambda a, b: fewest_edits_broadcast(a, b, grid), inputs)
    if layer.type == "Concatenate":
        return _concatenated(layer, inputs, grid)
    if layer.type == "Dot":
        return _dot(layer, inputs[0], inputs[1], rules, grid)
    return np.full_like(inputs[0], sum(int(costs.min()) for costs in inputs))


def _concatenated(layer: LayerSpec, inputs: tuple[EditCounts, ...], grid: ShapeGrid) -> EditCounts:
    """Each input agrees with the output but on one axis."""
    axis = layer.arguments.get("axis", -1)
    counts = grid.empty()
    for rank in RANKS:
        block = grid.block(counts, rank)
        for position in range(rank):
            stands = isinstance(axis, int) and axis in (position + 1, position - rank)
            parts = [grid.block(costs, rank).min(position, keepdims=True) for costs in inputs]
            np.minimum(block, sum(parts[1:], parts[0]) + (0 if stands else 1), out=block)
    if grid.deep(counts).size:
        grid.deep(counts)[:] = min(sum(int(grid.deep(costs).min()) for costs in inputs), IMPOSSIBLE)
    return counts


def _dot(
    layer: LayerSpec, left: EditCounts, right: EditCounts, rules: Rules, grid: ShapeGrid
) -> EditCounts:
    """Two inputs with an equal axis; the output has the axes of both but that one."""
    counts = grid.empty()
    rows, columns = (
        {
            (p, i): PowersOfTwo.of(np.moveaxis(grid.block(costs, p), i, -1))
            for p in RANKS[: 2 if rules.strict else None]
            for i in range(p)
        }
        for costs in (left, right)
    )
    pairs = [
        (a.least + b.least + axes_cost(layer, (i + 1, j + 1), (p, q), rules), p + q - 2, a, b)
        for ((p, i), a), ((q, j), b) in product(rows.items(), columns.items())
        if p + q - 2 <= len(RANKS) and (p == q or not rules.strict)
    ]
    for least, rank, a, b in sorted(pairs, key=lambda pair: pair[0]):
        block = grid.block(counts, max(rank, 1))
        if least < block.max():
            _contracted(a.powers, b.powers, least, block)
    if not rules.strict and grid.deep(counts).size:
        _deep_dot(layer, left, right, rules, grid, counts)
    return counts


def _deep_dot(
    layer: LayerSpec,
    left: EditCounts,
    right: EditCounts,
    rules: Rules,
    grid: ShapeGrid,
    counts: EditCounts,
) -> None:
    """The outputs of a Dot that are deep, or that it makes of deep inputs."""
    deep = grid.deep(counts)
    rows, columns = (
        {
            (p, i): _by_rest(np.moveaxis(grid.block(costs, p), i, -1), deep.size)
            for p in RANKS
            for i in range(p)
        }
        for costs in (left, right)
    )
    for ((p, i), a), ((q, j), b) in product(rows.items(), columns.items()):
        if p + q - 2 > len(RANKS):
            edits = axes_cost(layer, (i + 1, j + 1), (p, q), rules)
            _contracted_deep(a, b, edits, deep)
    least = min(
        int(grid.deep(one).min()) + int(two.min()) for one, two in ((left, right), (right, left))
    )
    after = counts[grid.blocks[len(RANKS) - 1].start :]  # as deep, or of four sizes
    np.minimum(after, least, out=after)


class PowersOfTwo(NamedTuple):
    """A table as powers of two, so that the least sums of two tables are a matrix product.

    A grid has fewer than 2^BITS shapes, so that the power of the least sum tells in the total.

    Args:
        least: the smallest number of the table.
        powers: 2^-BITS to the power of how much each number exceeds the smallest.
    """

    least: int
    powers: np.ndarray

    @classmethod
    def of(cls, table: np.ndarray) -> "PowersOfTwo":
        """Those of a table of edits."""
        least = int(table.min())
        return cls(least, np.exp2(-BITS * (table - least).astype(np.float64)))

    @staticmethod
    def least_sums(rows: np.ndarray, columns: np.ndarray, least: int) -> np.ndarray:
        """The least sum of each row and each column, element by element."""
        total = rows @ columns.T
        over = np.where(total > 0, -((np.frexp(total)[1] - 1) // BITS), IMPOSSIBLE)
        return np.minimum(over + least, IMPOSSIBLE).astype(np.int16)


def _contracted(a: np.ndarray, b: np.ndarray, least: int, counts: np.ndarray) -> None:
    """The products of two tables along their last axes, as far as there is room for them."""
    size, room = min(a.shape[-1], b.shape[-1]), counts.shape
    a = a[(*map(slice, room[: a.ndim - 1]), slice(size))]
    b = b[(*map(slice, room[a.ndim - 1 :][: b.ndim - 1]), slice(size))]
    sums = PowersOfTwo.least_sums(a.reshape(-1, size), b.reshape(-1, size), least)
    sums = sums.reshape((*a.shape[:-1], *b.shape[:-1]) or (1,))
    common = counts[tuple(map(slice, sums.shape))]
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


def _contracted_deep(a: Rests, b: Rests, edits: int, counts: np.ndarray) -> None:
    """As `_contracted`, where what comes out is told apart by its number of values alone."""
    size = min(a[1].shape[1], b[1].shape[1])
    values = np.multiply.outer(a[0], b[0])
    inside = values <= counts.size
    rows, columns = PowersOfTwo.of(a[1][:, :size]), PowersOfTwo.of(b[1][:, :size])
    sums = PowersOfTwo.least_sums(rows.powers, columns.powers, rows.least + columns.least + edits)
    np.minimum.at(counts, values[inside] - 1, sums[inside])


def axes_cost(layer: LayerSpec, axes: tuple[int, int], ranks: tuple[int, int], rules: Rules) -> int:
    """0 where the layer multiplies along these axes as it stands, else 1."""
    given = layer.arguments.get("axes")
    both = given if isinstance(given, tuple) else (given, given)
    both = both * 2 if len(both) == 1 else both
    same = [
        isinstance(g, int) and g % (rank + 1) == axis
        for g, axis, rank in zip(both, axes, ranks, strict=False)
    ]
    shapes = tuple((None, *(7,) * rank) for rank in ranks)
    return 0 if all(same) and not isinstance(infer(layer, shapes, rules), Diagnostic) else 1
