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
from repair.architecture.search.box import Box


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
    limits = box.limits[rank - 1]
    groups = layer.arguments.get("groups", 1)  # divide the channels, wherever these are
    some = groups if isinstance(groups, int) else 1
    corners = product(*((limit, max(1, min(some, limit)), 1) for limit in limits))
    base = next((corner for corner in corners if _output(layer, corner, rules)), None)
    if base is None:
        return None
    start = _output(layer, base, rules) or ()
    valid = np.ones(limits, bool)
    sizes = [np.full(limits, size) for size in start]
    for axis, limit in enumerate(limits):
        along = (1,) * axis + (limit,) + (1,) * (rank - axis - 1)
        outputs = [_output(layer, (*base[:axis], size, *base[axis + 1 :]), rules)
                   for size in range(1, limit + 1)]  # fmt: skip
        valid &= np.array([output is not None for output in outputs]).reshape(along)
        for place, size in enumerate(start):
            change = [(output or start)[place] - size for output in outputs]
            sizes[place] = sizes[place] + np.array(change).reshape(along)
    if not 1 <= len(start) <= 4:
        return None
    room = box.limits[len(start) - 1]
    for length, limit in zip(sizes, room, strict=True):
        valid &= (length >= 1) & (length <= limit)
    index = np.ravel_multi_index(tuple(length[valid] - 1 for length in sizes), room)
    source = np.flatnonzero(valid) + box.blocks[rank - 1].start
    return Map(source, index + box.blocks[len(start) - 1].start)


def _output(layer: Layer, sizes: tuple[int, ...], rules: Rules) -> tuple[int, ...] | None:
    """What comes out of a valid layer; not by way of the cache, where so many would displace others."""
    arguments = settled(layer)
    if isinstance(arguments, Fault):
        return None
    output = entry_of(layer.type).infer(arguments, ((None, *sizes),), rules)
    return output[1:] if type(output) is tuple else None  # type: ignore[return-value]
