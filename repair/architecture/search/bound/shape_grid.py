"""Fewest edits to every shape at once, as arrays: the arithmetic of the lower bound.

An int16 array holds a number for every shape of one to four sizes (batch not counted) up to some
limits. What inserted layers can make of all of them takes a few vector operations. Shapes of more
sizes, where a network has such ("deep" ones), are told apart by their number of values alone: there
are too many of them, and a bound may take them for one another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from itertools import pairwise
from math import prod

import numpy as np

from repair.architecture.layer import Shape

Costs = np.ndarray
"""int16, one number of edits for each shape of a box; IMPOSSIBLE where there is no way."""
IMPOSSIBLE = 999
RANKS = (1, 2, 3, 4)
SMALLEST = ((64,), (12, 12), (6, 6, 6), (5, 5, 5, 5))
"""Limits of the smallest box, for shapes of one, two, three and four sizes."""
DEEP = 256
"""Most values of deep shapes, where there are any, unless the network has larger ones."""
LARGEST = 60_000
LARGEST_DEEP = 20_000
"""Most shapes of a box, and of one with deep shapes, of which a Dot makes many more kinds."""
FEW = 8
"""So many shapes at most are looked at one by one."""
Limits = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Box:
    """All shapes whose sizes are at most these limits.

    Args:
        limits: largest sizes of shapes of one, two, three and four sizes; then, where there are deep
            ones, their largest number of values.
    """

    limits: Limits

    @staticmethod
    def around(shapes: Iterable[Shape | None]) -> "Box | None":
        """The smallest box that holds these shapes, batch first; None: too many, or not known."""
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
        return box(tuple(limits)) if sum(map(prod, limits)) <= most else None

    def holds(self, shapes: Iterable[Shape | None]) -> bool:
        """Whether these shapes, batch first, lie in it."""
        return all(shape and self.place(shape[1:]) is not None for shape in set(shapes))

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Where the shapes of one, two, three and four sizes lie in an array, and the deep ones."""
        ends = np.cumsum([0, *map(prod, self.limits)])
        return tuple(slice(int(a), int(b)) for a, b in pairwise(ends))

    def block(self, costs: Costs, rank: int) -> np.ndarray:
        """A view of the shapes of `rank` sizes, one axis for each."""
        return costs[self.blocks[rank - 1]].reshape(self.limits[rank - 1])

    def deep(self, costs: Costs) -> np.ndarray:
        """A view of the deep shapes, one place for each number of values from 1 on."""
        return costs[self.blocks[len(RANKS) - 1].stop :]

    def empty(self) -> Costs:
        """No way to any shape."""
        return np.full(self.blocks[-1].stop, IMPOSSIBLE, np.int16)

    def place(self, sizes: Shape) -> int | None:
        """Where a shape, batch not counted, lies in an array; None: outside."""
        rank = len(sizes)
        if not sizes or None in sizes:
            return None
        if rank > len(RANKS):
            values = prod(sizes)  # type: ignore[arg-type]
            most = sum(self.limits[len(RANKS) :], (0,))[-1]
            return self.blocks[len(RANKS) - 1].stop + values - 1 if 1 <= values <= most else None
        place = 0
        for size, limit in zip(sizes, self.limits[rank - 1], strict=True):
            if not 1 <= size <= limit:  # type: ignore[operator]
                return None
            place = place * limit + size - 1  # type: ignore[operator]
        return place + int(self.blocks[rank - 1].start)

    def shape(self, place: int) -> tuple[int, ...]:
        """The sizes at a place of an array; of a deep shape, one size and ones."""
        if place >= self.blocks[len(RANKS) - 1].stop:
            return (*(1,) * len(RANKS), place - self.blocks[len(RANKS) - 1].stop + 1)
        rank = next(rank for rank in RANKS if place < self.blocks[rank - 1].stop)
        rest, sizes = place - self.blocks[rank - 1].start, []
        for limit in reversed(self.limits[rank - 1]):
            rest, size = divmod(rest, limit)
            sizes.append(size + 1)
        return tuple(reversed(sizes))

    def shapes(self, places: np.ndarray) -> list[tuple[int, ...]]:
        """The sizes at some places of an array, in order of the places, deep ones left out."""
        found: list[tuple[int, ...]] = []
        for rank in RANKS:
            block, limits = self.blocks[rank - 1], self.limits[rank - 1]
            inside = places[(places >= block.start) & (places < block.stop)] - block.start
            sizes = np.stack(np.unravel_index(inside, limits), -1) + 1
            found += map(tuple, sizes.tolist())
        return found

    @cached_property
    def by_product(self) -> "Classes":
        """Shapes of equally many values."""
        found = np.ones(self.blocks[-1].stop, np.int64)
        for block, limits in zip(self.blocks, self.limits, strict=True):
            axes = np.meshgrid(*(np.arange(1, limit + 1) for limit in limits), indexing="ij")
            found[block] = np.prod(axes, axis=0).ravel()
        return Classes.of(found)

    @cached_property
    def strides(self) -> tuple[np.ndarray, ...]:
        """For ranks 2 to 4, 0 where a kernel of 1 with some stride takes size a (row) to b."""
        return tuple(_strided(limits[0]) for limits in self.limits[1 : len(RANKS)])

    def adapted(self, costs: Costs) -> Costs:
        """Fewest edits to each shape when layers may be inserted.

        Two lead everywhere, so a single one is of use after the cheapest shapes only.
        """
        least = costs.min()
        if least >= IMPOSSIBLE:
            return costs
        return np.minimum(costs, _inserted(self, (costs == least).tobytes()) + least)

    def single(self, costs: Costs) -> Costs:
        """The cheapest shape from which one inserted layer leads to each shape."""
        best = self.by_product.least(costs)[self.by_product.member]  # Reshape, Flatten, Permute
        line = self.block(best, 1)
        for rank in (2, 3, 4):
            here = self.block(costs, rank)
            if here.min() >= IMPOSSIBLE:
                continue
            self._same_rank(here, self.block(best, rank), rank)
            pooled = here.min(tuple(range(rank - 1)))  # global pooling
            common = min(pooled.size, line.size)
            np.minimum(line[:common], pooled[:common], out=line[:common])
        given, pairs = self.block(costs, 1), self.block(best, 2)
        np.minimum(line, given.min(), out=line)  # Dense
        common = min(given.size, pairs.shape[1])
        np.minimum(pairs[:, :common], given[:common], out=pairs[:, :common])  # RepeatVector
        deep = self.deep(best)
        np.minimum(deep, self.deep(costs).min(initial=IMPOSSIBLE), out=deep)  # Dense
        return best

    def few(self, places: Sequence[int]) -> np.ndarray:
        """Layers to insert, 0 to 2 as int8, from the nearest of few shapes: sooner than by `single`."""
        made = np.full(self.blocks[-1].stop, 2, np.int8)
        line, pairs = self.block(made, 1), self.block(made, 2)
        for place in places:
            made[self.by_product.like(place)] = 1  # Reshape, Flatten, Permute
            if place >= self.blocks[len(RANKS) - 1].stop:
                self.deep(made)[:] = 1  # Dense
                continue
            *space, channel = (size - 1 for size in self.shape(place))
            if not space:
                line[:] = 1  # Dense
                pairs[:, channel : channel + 1] = 1  # RepeatVector
                continue
            line[channel : channel + 1] = 1  # global pooling
            block = self.block(made, len(space) + 1)
            block[..., channel][tuple(slice(size, None) for size in space)] = 1  # padding, ...
            block[..., channel][tuple(slice(size + 1) for size in space)] = 1  # cropping, pooling
            # Dense, or a convolution of kernel 1 with strides
            block[_strided_places(self.limits[len(space)][0], tuple(space))] = 1
        made[list(places)] = 0
        return made

    def _same_rank(self, here: np.ndarray, made: np.ndarray, rank: int) -> None:
        """Layers that keep the number of sizes: padding, cropping, pooling, projections."""
        turned = (slice(None, None, -1),) * (rank - 1)
        projected = here.min(-1)
        np.minimum(made, projected[..., None], out=made)  # Dense
        grown, cut = here, here[turned]
        step = self.strides[rank - 2]
        step = step.reshape((*step.shape, *(1,) * (rank - 2)))
        for axis in range(rank - 1):
            grown = np.minimum.accumulate(grown, axis)
            cut = np.minimum.accumulate(cut, axis)
            moved = projected.swapaxes(0, axis)
            projected = (moved[:, None] + step).min(0).swapaxes(0, axis)
        np.minimum(made, grown, out=made)
        np.minimum(made, cut[turned], out=made)
        np.minimum(made, projected[..., None], out=made)  # a convolution of kernel 1, with strides

    def at(self, place: int) -> Costs:
        """No edits to one shape, no way to any other."""
        made = self.empty()
        made[place] = 0
        return made


@dataclass(frozen=True)
class Classes:
    """Shapes that share a number.

    Args:
        values: the numbers, sorted.
        member: for each shape the place of its number.
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
    def of(cls, numbers: np.ndarray) -> "Classes":
        """The classes of equal numbers."""
        values, member = np.unique(numbers, return_inverse=True)
        order = np.argsort(member, kind="stable")
        ends = np.cumsum(np.bincount(member))
        return cls(values, member, order, np.concatenate(([0], ends[:-1])), ends)

    def like(self, place: int) -> np.ndarray:
        """The shapes of the class of one."""
        number = self.member[place]
        return self.order[self.starts[number] : self.ends[number]]

    def least(self, costs: Costs) -> Costs:
        """The cheapest shape of each class."""
        return np.minimum.reduceat(costs[self.order], self.starts)


@lru_cache(maxsize=256)
def _strided(limit: int) -> np.ndarray:
    last = np.arange(limit)  # the last place of a size
    fits = np.full((limit, limit), IMPOSSIBLE, np.int16)
    fits[last[:, None], last[:, None] // np.arange(1, limit + 1)] = 0
    return fits


@lru_cache(maxsize=1024)
def _strided_places(limit: int, space: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """The places to which kernels of 1 with strides lead from one, an index for each axis."""
    fits = _strided(limit) == 0
    return np.nonzero(reduce(np.logical_and.outer, [fits[size] for size in space]))


@lru_cache(maxsize=1024)
def _inserted(box: Box, sources: bytes) -> np.ndarray:
    """Layers to insert, 0 to 2 as int8, to each shape from the nearest of some; kept for reuse.

    Args:
        box: what the arrays mean.
        sources: a Boolean array of the shapes to start from, as bytes: a key.
    """
    nearest = np.frombuffer(sources, bool)
    places = np.flatnonzero(nearest).tolist()
    if len(places) <= FEW:
        return box.few(places)
    costs = np.where(nearest, 0, IMPOSSIBLE).astype(np.int16)
    return np.minimum(np.minimum(costs, box.single(costs) + 1), 2).astype(np.int8)


@lru_cache(maxsize=64)
def box(limits: Limits) -> Box:
    """The box of these limits, its tables kept for the next network."""
    return Box(limits)
