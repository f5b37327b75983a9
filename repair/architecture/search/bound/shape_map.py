"""How a layer maps every shape of a box, from one inference for each size of each axis.

Of layers that slide, pool, pad or loop, each size of the output follows one size of the input, or
none. So the table need not be asked for every shape.
"""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from repair.architecture.errors import Fault
from repair.architecture.layer import Layer
from repair.architecture.layers import entry_of, settled
from repair.architecture.rules import Rules
from repair.architecture.search.bound.shape_grid import RANKS, Box
from repair.architecture.search.choices.adapters import Sizes


class Map(NamedTuple):
    """Where the shapes of a box go, those that leave it not counted.

    Args:
        source: places of shapes that the layer takes.
        target: places of what comes out of them.
    """

    source: np.ndarray
    target: np.ndarray


@lru_cache(maxsize=1 << 12)
def mapped(layer: Layer, rank: int, rules: Rules, box: Box) -> Map | None:
    """The map of all shapes of `rank` sizes; None: the layer takes none of them."""
    arguments, infer = settled(layer), entry_of(layer.type).infer
    if isinstance(arguments, Fault):
        return None

    def output(sizes: Sizes) -> Sizes | None:
        """Not by way of the cache of all inferences, where so many would displace others."""
        made = infer(arguments, ((None, *sizes),), rules)
        return made[1:] if type(made) is tuple else None  # type: ignore[return-value]

    limits = box.limits[rank - 1]
    groups = layer.arguments.get("groups", 1)  # divide the channels, wherever these are
    some = groups if isinstance(groups, int) else 1
    corners = product(*((limit, max(1, min(some, limit)), 1) for limit in limits))
    start, base = next(((made, sizes) for sizes in corners if (made := output(sizes))), ((), ()))
    if not 1 <= len(start) <= len(RANKS):
        return None
    valid = np.ones(limits, bool)
    sizes = [np.full(limits, size) for size in start]
    for axis, limit in enumerate(limits):
        along = (1,) * axis + (limit,) + (1,) * (rank - axis - 1)
        before, after = base[:axis], base[axis + 1 :]
        outputs = [output((*before, size, *after)) for size in range(1, limit + 1)]
        valid &= np.array([made is not None for made in outputs]).reshape(along)
        change = np.array([made or start for made in outputs]) - start
        for place in np.flatnonzero(change.any(0)):
            sizes[place] += change[:, place].reshape(along)
    room = box.limits[len(start) - 1]
    for length, limit in zip(sizes, room, strict=True):
        valid &= (length >= 1) & (length <= limit)
    index = np.ravel_multi_index(tuple(length[valid] - 1 for length in sizes), room)
    source = np.flatnonzero(valid) + box.blocks[rank - 1].start
    return Map(source, index + box.blocks[len(start) - 1].start)
