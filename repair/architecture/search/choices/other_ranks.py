"""Shapes that a layer's input may be given by one inserted layer, when it has the wrong rank."""

from functools import lru_cache
from itertools import combinations, pairwise
from math import isqrt, prod

from repair.architecture.layer import Shape
from repair.architecture.search.choices.factorizations import Sizes, factorizations

SMALL = 64
"""Up to this many values, every reshape is tried; above, only those that keep axes together."""


@lru_cache(maxsize=1 << 14)
def shapes_of_rank(sizes: Sizes, rank: int) -> tuple[Sizes, ...]:
    """Shapes of `rank` sizes, likely ones first, that one layer makes of `sizes`."""
    shapes: dict[Sizes, None] = {}
    if rank > len(sizes):
        for axes in reversed(list(combinations(range(rank), rank - len(sizes)))):
            shapes[_with_ones(sizes, axes, rank)] = None
        if rank - len(sizes) >= 1:
            shapes |= dict.fromkeys(_split(sizes, rank))
    elif rank < len(sizes):
        shapes |= dict.fromkeys(_merged(sizes, rank))
        if rank == 1:
            shapes[(sizes[-1],)] = None
    if prod(sizes) <= SMALL:
        shapes |= dict.fromkeys(factorizations(prod(sizes), rank))
    shapes.pop(sizes, None)
    return tuple(shapes)


def _with_ones(sizes: Sizes, axes: tuple[int, ...], rank: int) -> Sizes:
    rest = iter(sizes)
    return tuple(1 if axis in axes else next(rest) for axis in range(rank))


def _split(sizes: Sizes, rank: int) -> list[Sizes]:
    """The first size as a square, such as 784 as 28 x 28, with 1 or 3 channels."""
    shapes = []
    for channels in (1, 3):
        side = isqrt(sizes[0] // channels)
        if side > 1 and side * side * channels == sizes[0]:
            shape = (side, side, *((channels,) if len(sizes) == 1 else ()), *sizes[1:])
            if len(shape) == rank:
                shapes.append(shape)
    return shapes


def _merged(sizes: Sizes, rank: int) -> list[Sizes]:
    """Neighbouring axes multiplied together; axes of size 1 go first."""
    shapes = []
    for cuts in combinations(range(1, len(sizes)), rank - 1):
        edges = (0, *cuts, len(sizes))
        parts = [sizes[a:b] for a, b in pairwise(edges)]
        shapes.append(tuple(map(prod, parts)))
    return sorted(shapes, key=lambda shape: -len(set(shape) & set(sizes)))


def channels_first(sizes: Shape) -> bool:
    """Whether an image, batch not counted, looks as if its channels came first."""
    if len(sizes) < 3 or None in sizes:
        return False
    return sizes[0] in (1, 2, 3, 4) and min(sizes[1:-1]) > 4  # type: ignore[type-var,operator]


def with_channels_last(sizes: Sizes) -> tuple[Sizes, ...]:
    """The image with its channels last, when it looks as if they come first."""
    return ((*sizes[1:], sizes[0]),) if channels_first(sizes) else ()
