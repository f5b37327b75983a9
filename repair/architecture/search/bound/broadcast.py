"""Two inputs that broadcast to one shape: the fewest edits to every output."""

from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from repair.architecture.search.bound.shape_grid import IMPOSSIBLE, RANKS, EditCounts, ShapeGrid

MASKS = tuple(
    tuple(
        (exact, tuple(not axis for axis in exact)) for exact in product((True, False), repeat=rank)
    )
    for rank in RANKS
)
"""For each number of axes, which of them are exact, and the opposite."""


def fewest_edits_broadcast(left: EditCounts, right: EditCounts, grid: ShapeGrid) -> EditCounts:
    """The fewest edits to every shape that two inputs broadcast to.

    On every axis, one of the inputs has the size of the output, the other that size or 1.
    """
    counts = grid.empty()
    mine, other = (_edits_where_exact(costs.tobytes(), grid) for costs in (left, right))
    for rank in RANKS:
        block = grid.block(counts, rank)
        for exact, rest in MASKS[rank - 1]:
            np.minimum(block, mine[exact] + other[rest], out=block)
    deep = grid.deep(counts)
    if deep.size:  # of more values than each of the two by a whole factor
        for one, two in ((left, right), (right, left)):
            whole = np.full_like(one, IMPOSSIBLE)
            grid.deep(whole)[:] = grid.deep(one)
            np.minimum(deep, _multiples(whole, grid) + _multiples(two, grid), out=deep)
    return counts


def _multiples(costs: EditCounts, grid: ShapeGrid) -> np.ndarray:
    """The cheapest shape whose number of values divides that of each deep one."""
    products = np.full(grid.deep(costs).size, IMPOSSIBLE, np.int16)
    classes = grid.by_product
    least = classes.least(costs)
    few = (least < min(least.min() + 2, IMPOSSIBLE)) & (classes.values <= products.size)
    for k in np.flatnonzero(few):
        every = products[classes.values[k] - 1 :: classes.values[k]]
        np.minimum(every, least[k], out=every)
    return np.minimum(products, least.min() + 2)


@lru_cache(maxsize=64)
def _edits_where_exact(table: bytes, grid: ShapeGrid) -> dict[tuple[bool, ...], np.ndarray]:
    """Fewest edits to shapes that are 1 or absent where they need not be exact, by what is exact.

    Args:
        table: the costs, as bytes: a key; often both inputs of a layer have the same.
        grid: the shapes that the arrays are about.
    """
    costs = np.frombuffer(table, np.int16)
    tables: dict[tuple[bool, ...], np.ndarray] = {}
    for exact, above, ones, shorter in _broadcast_tables(grid):
        if above is None:
            tables[exact] = grid.block(costs, len(exact))
            continue
        tables[exact] = counts = np.minimum(tables[above], tables[above][ones])
        for lower, cut, repeated, common in shorter:
            below = tables[lower][cut]
            for axis, indices in repeated:
                below = below.take(indices, axis)
            part = counts[common]
            np.minimum(part, below, out=part)
    return tables


class LowerRankTable(NamedTuple):
    """Shapes of fewer sizes that stand for the last axes of longer ones, up to the limits of these.

    On axes that need not be exact, a size of 1 serves beyond the limits of the shorter shapes.

    Args:
        exact: which of their axes are exact.
        cut: the slices of their axes that are of use.
        repeated: axes along which the first size is repeated, and which indices to take.
        common: the slices of the longer shapes that they stand for.
    """

    exact: tuple[bool, ...]
    cut: tuple[slice, ...]
    repeated: tuple[tuple[int, list[int]], ...]
    common: tuple[Any, ...]


class BroadcastTable(NamedTuple):
    """How the table of a mask of axes is made of other tables.

    Args:
        exact: which axes are exact.
        above: the table in which one more axis is exact; None: all are.
        ones: where that axis is 1.
        shorter: tables of fewer axes that it is made of, too.
    """

    exact: tuple[bool, ...]
    above: tuple[bool, ...] | None
    ones: tuple[slice, ...]
    shorter: tuple[LowerRankTable, ...]


@lru_cache(maxsize=64)
def _broadcast_tables(grid: ShapeGrid) -> tuple[BroadcastTable, ...]:
    """For each mask of axes how its table is made, in order."""
    tables = []
    for rank in RANKS:
        for exact, _ in MASKS[rank - 1]:
            if all(exact):
                tables.append(BroadcastTable(exact, None, (), ()))
                continue
            free = exact.index(False)
            above = (*exact[:free], True, *exact[free + 1 :])
            absent = (*exact, True).index(True)
            lowers = range(max(rank - absent, 1), rank)
            shorter = tuple(_lower_rank_table(exact, lower, grid) for lower in lowers)
            tables.append(
                BroadcastTable(exact, above, (slice(None),) * free + (slice(1),), shorter)
            )
    return tuple(tables)


def _lower_rank_table(exact: tuple[bool, ...], lower: int, grid: ShapeGrid) -> LowerRankTable:
    given, room = grid.limits[lower - 1], grid.limits[len(exact) - 1][-lower:]
    whole = exact[-lower:]
    repeated = tuple(
        (axis, [*range(some), *[0] * (size - some)])
        for axis, (some, size) in enumerate(zip(given, room, strict=True))
        if size > some and not whole[axis]
    )
    ends = [
        min(some, size) if exactly else size
        for some, size, exactly in zip(given, room, whole, strict=True)
    ]
    return LowerRankTable(whole, tuple(map(slice, room)), repeated, (Ellipsis, *map(slice, ends)))
