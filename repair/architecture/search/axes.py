"""How a layer maps every shape of a box, from one inference for each size of each axis.

Of layers that slide, pool, pad or loop, each size of the output follows one size of the input, or
none. So the table need not be asked for every shape.
"""

from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np

from repair.architecture.layer import Layer
from repair.architecture.layers import infer
from repair.architecture.rules import Rules
from repair.architecture.search.box import Box


class Map(NamedTuple):
    """Where the shapes of a box go.

    Args:
        source: places of the shapes that the layer takes.
        target: places of what comes out of them.
        rank: number of sizes that come out.
        last: the last of them where it is always the same, else None.
    """

    source: np.ndarray
    target: np.ndarray
    rank: int
    last: int | None


@lru_cache(maxsize=1 << 12)
def mapped(layer: Layer, rank: int, rules: Rules, box: Box) -> Map | None:
    """The map of all shapes of `rank` sizes; None: the layer takes none of them."""
    limit = box.limits[rank - 1]
    base = next((b for b in product((limit, 1), repeat=rank) if _output(layer, b, rules)), None)
    if base is None:
        return None
    start = _output(layer, base, rules) or ()
    valid = np.ones((limit,) * rank, bool)
    sizes = [np.full((limit,) * rank, size) for size in start]
    for axis in range(rank):
        along = (1,) * axis + (limit,) + (1,) * (rank - axis - 1)
        outputs = [_output(layer, (*base[:axis], size, *base[axis + 1 :]), rules)
                   for size in range(1, limit + 1)]  # fmt: skip
        valid &= np.array([output is not None for output in outputs]).reshape(along)
        for place, size in enumerate(start):
            change = [(output or start)[place] - size for output in outputs]
            sizes[place] = sizes[place] + np.array(change).reshape(along)
    source = np.flatnonzero(valid) + box.blocks[rank - 1].start
    flat = np.array([size[valid] for size in sizes])
    fixed = int(flat[-1, 0]) if flat.shape[1] and (flat[-1] == flat[-1, 0]).all() else None
    return Map(source, _places(flat, box), len(start), fixed)


def _output(layer: Layer, sizes: tuple[int, ...], rules: Rules) -> tuple[int, ...] | None:
    output = infer(layer, ((None, *sizes),), rules)
    return output[1:] if type(output) is tuple else None  # type: ignore[return-value]


def _places(sizes: np.ndarray, box: Box) -> np.ndarray:
    rank = len(sizes)
    if not 1 <= rank <= 4:
        return np.full(sizes.shape[1], box.outside(5))
    limit = box.limits[rank - 1]
    index = np.ravel_multi_index(tuple(np.minimum(sizes, limit) - 1), (limit,) * rank)
    inside = (sizes <= limit).all(0)
    return np.where(inside, index + box.blocks[rank - 1].start, box.outside(rank))
