"""Fewest edits to every shape at once, as arrays: the arithmetic of the lower bound.

An int16 array holds a number for every shape of one to four sizes (batch not counted) within a box,
and five for the shapes outside: of one, two, three, four sizes, and of more or unknown. Those are
treated as if any of them would do for all, so that bounds hold whatever the sizes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np

from repair.architecture.layer import Shape

Costs = np.ndarray
"""int16, one number of edits for each shape of a box; IMPOSSIBLE where there is no way."""
IMPOSSIBLE = 999
SMALLEST = (64, 12, 6, 5)
"""Sizes of the smallest box, for shapes of one, two, three and four sizes."""
LARGEST = 40_000
"""Most shapes of a box."""


@dataclass(frozen=True)
class Box:
    """All shapes whose sizes are at most a limit for each number of sizes.

    Args:
        limits: largest size in shapes of one, two, three and four sizes.
    """

    limits: tuple[int, int, int, int]

    @staticmethod
    def around(shapes: Iterable[Shape | None]) -> "Box":
        """The smallest box that holds these shapes, batch first; large ones stay outside."""
        limits = list(SMALLEST)
        for shape in shapes:
            rank = len(shape) - 1 if shape else 0
            if shape is None or None in shape[1:] or not 1 <= rank <= 4:
                continue
            if (limit := max(shape[1:])) ** rank <= LARGEST:  # type: ignore
                limits[rank - 1] = max(limits[rank - 1], limit)  # type: ignore[call-overload]
        return box(tuple(limits))  # type: ignore[arg-type]

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Where the shapes of one, two, three and four sizes lie in an array."""
        ends = np.cumsum([0, *(d**r for r, d in enumerate(self.limits, 1))])
        return tuple(slice(int(a), int(b)) for a, b in pairwise(ends))

    @cached_property
    def size(self) -> int:
        """Number of shapes inside; behind them stand the five numbers for those outside."""
        return self.blocks[-1].stop

    def outside(self, rank: int) -> int:
        """Where the shapes of `rank` sizes outside lie; rank 5: more sizes, or unknown ones."""
        return self.size + min(rank, 5) - 1

    def block(self, costs: Costs, rank: int) -> np.ndarray:
        """A view of the shapes of `rank` sizes, one axis for each."""
        return costs[self.blocks[rank - 1]].reshape((self.limits[rank - 1],) * rank)

    def empty(self) -> Costs:
        """No way to any shape."""
        return np.full(self.size + 5, IMPOSSIBLE, np.int16)

    def place(self, sizes: Shape) -> int:
        """Where a shape, batch not counted, lies in an array."""
        rank = len(sizes)
        if not 1 <= rank <= 4 or None in sizes:
            return self.outside(5)
        if max(sizes) > self.limits[rank - 1]:  # type: ignore[type-var]
            return self.outside(rank)
        index = 0
        for size in sizes:
            index = index * self.limits[rank - 1] + size - 1  # type: ignore[operator]
        return self.blocks[rank - 1].start + index

    @cached_property
    def products(self) -> np.ndarray:
        """Number of values of each shape."""
        found = np.ones(self.size, np.int64)
        for rank, limit in enumerate(self.limits, 1):
            axes = np.meshgrid(*[np.arange(1, limit + 1)] * rank, indexing="ij")
            found[self.blocks[rank - 1]] = np.prod(axes, axis=0).ravel()
        return found

    @cached_property
    def by_product(self) -> "Classes":
        """Shapes of equally many values."""
        return Classes.of(self.products)

    @cached_property
    def strides(self) -> tuple[np.ndarray, ...]:
        """For each rank, 0 where a kernel of 1 with some stride takes size a (row) to b."""
        return tuple(_strided(limit) for limit in self.limits)

    def single(self, costs: Costs) -> Costs:
        """The cheapest shape from which one inserted layer leads to each shape."""
        inside, outside = costs[: self.size], costs[self.size :]
        best = np.full_like(costs, IMPOSSIBLE)
        best[: self.size] = self.by_product.least(inside)[self.by_product.member]  # Reshape, ...
        for rank in (2, 3, 4):
            self._same_rank(self.block(costs, rank), self.block(best, rank), rank)
            pooled = self.block(costs, rank).min(tuple(range(rank - 1)))  # global pooling
            common = min(pooled.size, self.limits[0])
            line = self.block(best, 1)
            np.minimum(line[:common], pooled[:common], out=line[:common])
        line, pairs = self.block(costs, 1), self.block(best, 2)
        np.minimum(self.block(best, 1), line.min(), out=self.block(best, 1))  # Dense
        common = min(self.limits[:2])
        np.minimum(pairs[:, :common], line[None, :common], out=pairs[:, :common])  # RepeatVector
        np.minimum(best, outside.min(), out=best)
        many = self.by_product
        least = np.minimum.accumulate(many.least(inside)[::-1])[::-1]  # of that many values or more
        for rank, limit in enumerate(self.limits, 1):
            more = np.searchsorted(many.values, limit, side="right")
            grown = least[more] if more < least.size else IMPOSSIBLE
            same = self.block(costs, rank).min()
            repeated = line.min() if rank == 2 else IMPOSSIBLE
            place = self.outside(rank)
            best[place] = min(best[place], grown, same, repeated)
        best[self.outside(5)] = min(costs.min(), IMPOSSIBLE)
        return best

    def _same_rank(self, here: np.ndarray, made: np.ndarray, rank: int) -> None:
        """Layers that keep the number of sizes: padding, cropping, pooling, projections."""
        turned = (slice(None, None, -1),) * (rank - 1)
        projected = here.min(-1)
        np.minimum(made, projected[..., None], out=made)  # Dense
        grown, cut = here, here[turned]
        step = self.strides[rank - 1]
        step = step.reshape((*step.shape, *(1,) * (rank - 2)))
        for axis in range(rank - 1):
            grown = np.minimum.accumulate(grown, axis)
            cut = np.minimum.accumulate(cut, axis)
            moved = np.moveaxis(projected, axis, 0)
            projected = np.moveaxis((moved[:, None] + step).min(0), 0, axis)
        np.minimum(made, grown, out=made)
        np.minimum(made, cut[turned], out=made)
        np.minimum(made, projected[..., None], out=made)  # a convolution of kernel 1, with strides

    def adapted(self, costs: Costs) -> Costs:
        """Fewest edits to each shape when layers may be inserted; two lead everywhere."""
        return np.minimum(np.minimum(costs, self.single(costs) + 1), costs.min() + 2)


@dataclass(frozen=True)
class Classes:
    """Shapes that share a number.

    Args:
        values: the numbers, sorted.
        member: for each shape the place of its number.
        order: the shapes sorted by number.
        starts: where each number starts in `order`.
    """

    values: np.ndarray
    member: np.ndarray
    order: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, numbers: np.ndarray) -> "Classes":
        """The classes of equal numbers."""
        values, member = np.unique(numbers, return_inverse=True)
        order = np.argsort(member, kind="stable")
        return cls(values, member, order, np.searchsorted(member[order], np.arange(values.size)))

    def least(self, costs: Costs) -> Costs:
        """The cheapest shape of each class."""
        return np.minimum.reduceat(costs[self.order], self.starts)


def _strided(limit: int) -> np.ndarray:
    sizes = np.arange(1, limit + 1)
    a, b, stride = sizes[:, None, None], sizes[None, :, None], sizes[None, None, :]
    fits = ((a - 1) // stride + 1 == b).any(-1)
    return np.where(fits, 0, IMPOSSIBLE).astype(np.int16)


@lru_cache(maxsize=16)
def box(limits: tuple[int, int, int, int]) -> Box:
    """The box of these limits, its tables kept for the next network."""
    return Box(limits)
