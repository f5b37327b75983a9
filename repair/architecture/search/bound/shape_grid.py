"""All shapes up to some limits at once, as one array: the ground of the lower bound.

An int16 array holds a number of edits for every shape of one to four sizes (batch not counted) up
to some limits. Shapes of more sizes, where a network has such ("deep" ones), are told apart by their
number of values alone: there are too many of them, and a bound may take them for one another.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from math import prod

import numpy as np

from repair.architecture.layer import Shape

EditCounts = np.ndarray
"""int16, one number of edits for each shape of a grid; IMPOSSIBLE where there is no way."""
IMPOSSIBLE = 999
RANKS = (1, 2, 3, 4)
SMALLEST = ((64,), (12, 12), (6, 6, 6), (5, 5, 5, 5))
"""Limits of the smallest grid, for shapes of one, two, three and four sizes."""
DEEP = 256
"""Most values of deep shapes, where there are any, unless the network has larger ones."""
LARGEST = 60_000
LARGEST_DEEP = 20_000
"""Most shapes of a grid, and of one with deep shapes, of which a Dot makes many more kinds."""
Limits = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class ShapeGrid:
    """All shapes whose sizes are at most these limits.

    Args:
        limits: largest sizes of shapes of one, two, three and four sizes; then, where there are deep
            ones, their largest number of values.
    """

    limits: Limits

    @staticmethod
    def around(shapes: Iterable[Shape | None]) -> "ShapeGrid | None":
        """The smallest grid that holds these shapes, batch first; None: too many, or not known."""
        limits, deep = list(SMALLEST), 0
        for shape in set(shapes):
            sizes = shape[1:] if shape else ()
            if not sizes or None in sizes:
                return None
            if len(sizes) > len(RANKS):
                deep = max(prod(sizes), deep, DEEP)  # type: ignore[arg-type, type-var]
                continue
            old = limits[len(sizes) - 1]
            known = [size or 0 for size in sizes]
            space, channels = max(*known[:-1], *old[:-1], 1, 1), max(known[-1], old[-1])
            limits[len(sizes) - 1] = (*(space,) * (len(sizes) - 1), channels)
        if deep:
            limits.append((deep,))
        most = LARGEST_DEEP if deep else LARGEST
        return shape_grid(tuple(limits)) if sum(map(prod, limits)) <= most else None

    def holds(self, shapes: Iterable[Shape | None]) -> bool:
        """Whether these shapes, batch first, lie in it."""
        return all(shape and self.index_of(shape[1:]) is not None for shape in set(shapes))

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Where the shapes of one, two, three and four sizes lie in an array, and the deep ones."""
        ends = np.cumsum([0, *map(prod, self.limits)])
        return tuple(slice(int(a), int(b)) for a, b in pairwise(ends))

    def block(self, costs: EditCounts, rank: int) -> np.ndarray:
        """A view of the shapes of `rank` sizes, one axis for each."""
        return costs[self.blocks[rank - 1]].reshape(self.limits[rank - 1])

    def deep(self, costs: EditCounts) -> np.ndarray:
        """A view of the deep shapes, one index for each number of values from 1 on."""
        return costs[self.blocks[len(RANKS) - 1].stop :]

    def empty(self) -> EditCounts:
        """No way to any shape."""
        return np.full(self.blocks[-1].stop, IMPOSSIBLE, np.int16)

    def index_of(self, sizes: Shape) -> int | None:
        """Where a shape, batch not counted, lies in an array; None: outside."""
        rank = len(sizes)
        if not sizes or None in sizes:
            return None
        if rank > len(RANKS):
            values = prod(sizes)  # type: ignore[arg-type]
            most = sum(self.limits[len(RANKS) :], (0,))[-1]
            return self.blocks[len(RANKS) - 1].stop + values - 1 if 1 <= values <= most else None
        index = 0
        for size, limit in zip(sizes, self.limits[rank - 1], strict=True):
            if not 1 <= size <= limit:  # type: ignore[operator]
                return None
            index = index * limit + size - 1  # type: ignore[operator]
        return index + int(self.blocks[rank - 1].start)

    def shape_at(self, index: int) -> tuple[int, ...]:
        """The sizes at an index of an array; of a deep shape, one size and ones."""
        if index >= self.blocks[len(RANKS) - 1].stop:
            return (*(1,) * len(RANKS), index - self.blocks[len(RANKS) - 1].stop + 1)
        rank = next(rank for rank in RANKS if index < self.blocks[rank - 1].stop)
        rest, sizes = index - self.blocks[rank - 1].start, []
        for limit in reversed(self.limits[rank - 1]):
            rest, size = divmod(rest, limit)
            sizes.append(size + 1)
        return tuple(reversed(sizes))

    def shapes_at(self, indices: np.ndarray) -> list[tuple[int, ...]]:
        """The sizes at some indices of an array, in order of the indices, deep ones left out."""
        shapes: list[tuple[int, ...]] = []
        for rank in RANKS:
            block, limits = self.blocks[rank - 1], self.limits[rank - 1]
            inside = indices[(indices >= block.start) & (indices < block.stop)] - block.start
            sizes = np.stack(np.unravel_index(inside, limits), -1) + 1
            shapes += map(tuple, sizes.tolist())
        return shapes

    @cached_property
    def by_product(self) -> "ShapeClasses":
        """Shapes of equally many values."""
        products = np.ones(self.blocks[-1].stop, np.int64)
        for block, limits in zip(self.blocks, self.limits, strict=True):
            axes = np.meshgrid(*(np.arange(1, limit + 1) for limit in limits), indexing="ij")
            products[block] = np.prod(axes, axis=0).ravel()
        return ShapeClasses.of(products)

    def only(self, index: int) -> EditCounts:
        """No edits to one shape, no way to any other."""
        costs = self.empty()
        costs[index] = 0
        return costs


@dataclass(frozen=True)
class ShapeClasses:
    """Shapes that share a number.

    Args:
        values: the numbers, sorted.
        member: for each shape the index of its number.
        order: the shapes sorted by number.
        starts: where each number starts in `order`.
        ends: where it ends.
    """

    values: np.ndarray
    member: np.ndarray
    order: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray) -> "ShapeClasses":
        """The classes of equal numbers."""
        values, member = np.unique(numbers, return_inverse=True)
        order = np.argsort(member, kind="stable")
        ends = np.cumsum(np.bincount(member))
        return cls(values, member, order, np.concatenate(([0], ends[:-1])), ends)

    def like(self, index: int) -> np.ndarray:
        """The shapes of the class of one."""
        number = self.member[index]
        return self.order[self.starts[number] : self.ends[number]]

    def least(self, costs: EditCounts) -> EditCounts:
        """The cheapest shape of each class."""
        return np.minimum.reduceat(costs[self.order], self.starts)


@lru_cache(maxsize=64)
def shape_grid(limits: Limits) -> ShapeGrid:
    """The grid of these limits, its tables kept for the next network."""
    return ShapeGrid(limits)
