"""Two inputs that broadcast to one shape: the fewest edits to every output."""

from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from repair.architecture.search.bound.shape_grid import IMPOSSIBLE, RANKS, Box, Costs

MASKS = tuple(
    tuple(
        (exact, tuple(not axis for axis in exact)) for exact in product((True, False), repeat=rank)
    )
    for rank in RANKS
)
"""For each number of axes, which of them are exact, and the opposite."""


def broadcast(left: Costs, right: Costs, box: Box) -> Costs:
    """Two inputs of which, on every axis, one has the size of the output, the other that or 1."""
    made = box.empty()
    mine, other = (_stretched(costs.tobytes(), box) for costs in (left, right))
    for rank in RANKS:
        block = box.block(made, rank)
        for exact, rest in MASKS[rank - 1]:
            np.minimum(block, mine[exact] + other[rest], out=block)
    deep = box.deep(made)
    if deep.size:  # of more values than each of the two by a whole factor
        for one, two in ((left, right), (right, left)):
            whole = np.full_like(one, IMPOSSIBLE)
            box.deep(whole)[:] = box.deep(one)
            np.minimum(deep, _multiples(whole, box) + _multiples(two, box), out=deep)
    return made


def _multiples(costs: Costs, box: Box) -> np.ndarray:
    """The cheapest shape whose number of values divides that of each deep one."""
    found = np.full(box.deep(costs).size, IMPOSSIBLE, np.int16)
    classes = box.by_product
    least = classes.least(costs)
    few = (least < min(least.min() + 2, IMPOSSIBLE)) & (classes.values <= found.size)
    for k in np.flatnonzero(few):
        every = found[classes.values[k] - 1 :: classes.values[k]]
        np.minimum(every, least[k], out=every)
    return np.minimum(found, least.min() + 2)


@lru_cache(maxsize=64)
def _stretched(table: bytes, box: Box) -> dict[tuple[bool, ...], np.ndarray]:
    """Fewest edits to shapes that are 1 or absent where they need not be exact, by what is exact.

    Args:
        table: the costs, as bytes: a key; often both inputs of a layer have the same.
        box: what they mean.
    """
    costs = np.frombuffer(table, np.int16)
    found: dict[tuple[bool, ...], np.ndarray] = {}
    for exact, above, ones, shorter in _stretching(box):
        if above is None:
            found[exact] = box.block(costs, len(exact))
            continue
        found[exact] = made = np.minimum(found[above], found[above][ones])
        for lower, cut, repeated, common in shorter:
            below = found[lower][cut]
            for axis, places in repeated:
                below = below.take(places, axis)
            part = made[common]
            np.minimum(part, below, out=part)
    return found


class Shorter(NamedTuple):
    """Shapes of fewer sizes that stand for the last axes of longer ones, up to the limits of these.

    On axes that need not be exact, a size of 1 serves beyond the limits of the shorter shapes.

    Args:
        exact: which of their axes are.
        cut: as many of them as are of use.
        repeated: axes along which the first size is repeated, and which places to take.
        common: of the longer shapes.
    """

    exact: tuple[bool, ...]
    cut: tuple[slice, ...]
    repeated: tuple[tuple[int, list[int]], ...]
    common: tuple[Any, ...]


class Stretching(NamedTuple):
    """How a table is made of others.

    Args:
        exact: which axes are.
        above: the table in which one more is; None: all are.
        ones: where that axis is 1.
        shorter: tables of fewer axes that it is made of, too.
    """

    exact: tuple[bool, ...]
    above: tuple[bool, ...] | None
    ones: tuple[slice, ...]
    shorter: tuple[Shorter, ...]


@lru_cache(maxsize=64)
def _stretching(box: Box) -> tuple[Stretching, ...]:
    """For each mask of axes how its table is made, in order."""
    made = []
    for rank in RANKS:
        for exact, _ in MASKS[rank - 1]:
            if all(exact):
                made.append(Stretching(exact, None, (), ()))
                continue
            free = exact.index(False)
            above = (*exact[:free], True, *exact[free + 1 :])
            absent = (*exact, True).index(True)
            lowers = range(max(rank - absent, 1), rank)
            shorter = tuple(_shorter(exact, lower, box) for lower in lowers)
            made.append(Stretching(exact, above, (slice(None),) * free + (slice(1),), shorter))
    return tuple(made)


def _shorter(exact: tuple[bool, ...], lower: int, box: Box) -> Shorter:
    have, room = box.limits[lower - 1], box.limits[len(exact) - 1][-lower:]
    whole = exact[-lower:]
    repeated = tuple(
        (axis, [*range(some), *[0] * (size - some)])
        for axis, (some, size) in enumerate(zip(have, room, strict=True))
        if size > some and not whole[axis]
    )
    ends = [min(some, size) if exactly else size
            for some, size, exactly in zip(have, room, whole, strict=True)]  # fmt: skip
    return Shorter(whole, tuple(map(slice, room)), repeated, (Ellipsis, *map(slice, ends)))
