"""How a layer maps every shape of a grid, from one inference for each size of each axis.

Of layers that slide, pool, pad or loop, each size of the output follows one size of the input, or
none. So not every shape has to be inferred.
"""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from repair.architecture.errors import Diagnostic
from repair.architecture.layer import LayerSpec
from repair.architecture.layers import entry_of, normal_arguments
from repair.architecture.rules import Rules
from repair.architecture.search.bound.shape_grid import RANKS, ShapeGrid
from repair.architecture.search.choices.factorizations import Sizes


class ShapeMap(NamedTuple):
    """Where the shapes of a grid go, those that leave it not counted.

    Args:
        source: indices of shapes that the layer takes.
        target: indices of what comes out of them.
    """

    source: np.ndarray
    target: np.ndarray


@lru_cache(maxsize=1 << 12)
def shape_map(layer: LayerSpec, rank: int, rules: Rules, grid: ShapeGrid) -> ShapeMap | None:
    """The map of all shapes of `rank` sizes; None: the layer takes none of them."""
    arguments, infer = normal_arguments(layer), entry_of(layer.type).infer
    if isinstance(arguments, Diagnostic):
        return None

    def output(sizes: Sizes) -> Sizes | None:
        """The output sizes, inferred without the cache, where so many would displace others."""
        inferred = infer(arguments, ((None, *sizes),), rules)
        return inferred[1:] if type(inferred) is tuple else None  # type: ignore[return-value]

    limits = grid.limits[rank - 1]
    groups = layer.arguments.get("groups", 1)  # divide the channels, wherever these are
    some = groups if isinstance(groups, int) else 1
    corners = product(*((limit, max(1, min(some, limit)), 1) for limit in limits))
    start, base = next(((shape, sizes) for sizes in corners if (shape := output(sizes))), ((), ()))
    if not 1 <= len(start) <= len(RANKS):
        return None
    valid = np.ones(limits, bool)
    sizes = [np.full(limits, size) for size in start]
    for axis, limit in enumerate(limits):
        along = (1,) * axis + (limit,) + (1,) * (rank - axis - 1)
        before, after = base[:axis], base[axis + 1 :]
        outputs = [output((*before, size, *after)) for size in range(1, limit + 1)]
        valid &= np.array([shape is not None for shape in outputs]).reshape(along)
        change = np.array([shape or start for shape in outputs]) - start
        for position in np.flatnonzero(change.any(0)):
            sizes[position] += change[:, position].reshape(along)
    room = grid.limits[len(start) - 1]
    for length, limit in zip(sizes, room, strict=True):
        valid &= (length >= 1) & (length <= limit)
    index = np.ravel_multi_index(tuple(length[valid] - 1 for length in sizes), room)
    source = np.flatnonzero(valid) + grid.blocks[rank - 1].start
    return ShapeMap(source, index + grid.blocks[len(start) - 1].start)
