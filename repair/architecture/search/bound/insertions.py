"""What inserted layers make of every shape of a grid at once, in a few vector operations."""

from collections.abc import Sequence
from functools import lru_cache, reduce

import numpy as np

from repair.architecture.search.bound.shape_grid import IMPOSSIBLE, RANKS, EditCounts, ShapeGrid

FEW = 8
"""So many shapes at most are looked at one by one."""


def with_insertions(grid: ShapeGrid, costs: EditCounts) -> EditCounts:
    """Fewest edits to each shape when layers may be inserted.

    Two lead everywhere, so a single one is of use after the cheapest shapes only.
    """
    least = costs.min()
    if least >= IMPOSSIBLE:
        return costs
    return np.minimum(costs, _insertions_from(grid, (costs == least).tobytes()) + least)


def _single_insertion(grid: ShapeGrid, costs: EditCounts) -> EditCounts:
    """For each shape, the cost of the cheapest one from which a single inserted layer leads to it."""
    best = grid.by_product.least(costs)[grid.by_product.member]  # Reshape, Flatten, Permute
    line = grid.block(best, 1)
    for rank in (2, 3, 4):
        here = grid.block(costs, rank)
        if here.min() >= IMPOSSIBLE:
            continue
        _same_rank(grid, here, grid.block(best, rank), rank)
        pooled = here.min(tuple(range(rank - 1)))  # global pooling
        common = min(pooled.size, line.size)
        np.minimum(line[:common], pooled[:common], out=line[:common])
    given, pairs = grid.block(costs, 1), grid.block(best, 2)
    np.minimum(line, given.min(), out=line)  # Dense
    common = min(given.size, pairs.shape[1])
    np.minimum(pairs[:, :common], given[:common], out=pairs[:, :common])  # RepeatVector
    deep = grid.deep(best)
    np.minimum(deep, grid.deep(costs).min(initial=IMPOSSIBLE), out=deep)  # Dense
    return best


def _insertions_from_few(grid: ShapeGrid, indices: Sequence[int]) -> np.ndarray:
    """Layers to insert, 0 to 2 as int8, from the nearest of few shapes.

    It takes less time than `_single_insertion`.
    """
    counts = np.full(grid.blocks[-1].stop, 2, np.int8)
    line, pairs = grid.block(counts, 1), grid.block(counts, 2)
    for index in indices:
        counts[grid.by_product.like(index)] = 1  # Reshape, Flatten, Permute
        if index >= grid.blocks[len(RANKS) - 1].stop:
            grid.deep(counts)[:] = 1  # Dense
            continue
        *space, channel = (size - 1 for size in grid.shape_at(index))
        if not space:
            line[:] = 1  # Dense
            pairs[:, channel : channel + 1] = 1  # RepeatVector
            continue
        line[channel : channel + 1] = 1  # global pooling
        block = grid.block(counts, len(space) + 1)
        block[..., channel][tuple(slice(size, None) for size in space)] = 1  # padding, ...
        block[..., channel][tuple(slice(size + 1) for size in space)] = 1  # cropping, pooling
        # Dense, or a convolution of kernel 1 with strides
        block[_strided_places(grid.limits[len(space)][0], tuple(space))] = 1
    counts[list(indices)] = 0
    return counts


def _same_rank(grid: ShapeGrid, here: np.ndarray, counts: np.ndarray, rank: int) -> None:
    """Layers that keep the number of sizes: padding, cropping, pooling, projections."""
    turned = (slice(None, None, -1),) * (rank - 1)
    projected = here.min(-1)
    np.minimum(counts, projected[..., None], out=counts)  # Dense
    grown, cut = here, here[turned]
    step = _strided(grid.limits[rank - 1][0])
    step = step.reshape((*step.shape, *(1,) * (rank - 2)))
    for axis in range(rank - 1):
        grown = np.minimum.accumulate(grown, axis)
        cut = np.minimum.accumulate(cut, axis)
        leading = projected.swapaxes(0, axis)
        projected = (leading[:, None] + step).min(0).swapaxes(0, axis)
    np.minimum(counts, grown, out=counts)
    np.minimum(counts, cut[turned], out=counts)
    np.minimum(counts, projected[..., None], out=counts)  # a convolution of kernel 1, with strides


@lru_cache(maxsize=256)
def _strided(limit: int) -> np.ndarray:
    """0 where a kernel of 1 with some stride takes a size (row) to another (column)."""
    last = np.arange(limit)  # the index of the last place of a size
    fits = np.full((limit, limit), IMPOSSIBLE, np.int16)
    fits[last[:, None], last[:, None] // np.arange(1, limit + 1)] = 0
    return fits


@lru_cache(maxsize=1024)
def _strided_places(limit: int, space: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """The places to which kernels of 1 with strides lead from one, an index for each axis."""
    fits = _strided(limit) == 0
    return np.nonzero(reduce(np.logical_and.outer, [fits[size] for size in space]))


@lru_cache(maxsize=1024)
def _insertions_from(grid: ShapeGrid, sources: bytes) -> np.ndarray:
    """Layers to insert, 0 to 2 as int8, to each shape from the nearest of some; kept for reuse.

    Args:
        grid: the shapes that the arrays are about.
        sources: a Boolean array of the shapes to start from, as bytes: a key.
    """
    nearest = np.frombuffer(sources, bool)
    indices = np.flatnonzero(nearest).tolist()
    if len(indices) <= FEW:
        return _insertions_from_few(grid, indices)
    costs = np.where(nearest, 0, IMPOSSIBLE).astype(np.int16)
    return np.minimum(np.minimum(costs, _single_insertion(grid, costs) + 1), 2).astype(np.int8)
