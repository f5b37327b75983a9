"""For a layer of one input, the fewest edits to every output: never too many.

Where an edit in place could lead is not worked out but overestimated, so that the numbers are lower
bounds: an edited window may leave any spatial sizes, an edited layer of another kind anything.
"""

import numpy as np

from repair.architecture.errors import Fault
from repair.architecture.layer import Layer
from repair.architecture.layers import entry_of, infer, settled
from repair.architecture.rules import Rules
from repair.architecture.search.axes import mapped
from repair.architecture.search.box import IMPOSSIBLE, Box, Costs
from repair.architecture.search.changes import bare
from repair.architecture.search.options import removable
from repair.architecture.search.targets import KEEPS_SHAPE

RANKS = (1, 2, 3, 4)
BY_AXIS = frozenset(("SimpleRNN", "LSTM", "GRU", "RNN", "Permute"))
"""Layers of no fixed rank whose outputs' axes each follow one axis."""
SETTLED = frozenset(("Dense", "Flatten", "Embedding", "Masking"))
"""Layers that have nothing to edit but their widths."""


def unary(layer: Layer, given: Costs, rules: Rules, box: Box) -> Costs:
    """A layer as it stands, edited in place, or taken out.

    Args:
        layer: the layer.
        given: fewest edits to every input, those of inserted layers included.
        rules: the rule set.
        box: what the arrays mean.
    """
    made = standing(bare(layer), given, rules, box)
    np.minimum(made, _edited(layer, given, rules, box) + 1, out=made)
    if removable(layer):
        np.minimum(made, given + 1, out=made)
    return made


def standing(layer: Layer, given: Costs, rules: Rules, box: Box) -> Costs:
    """The layer as it stands, with weights of its own."""
    made = box.empty()
    if layer.type in KEEPS_SHAPE:
        made[:] = given
        if "axis" in layer.arguments:
            for rank in RANKS:
                if isinstance(infer(layer, ((None, *(1,) * rank),), rules), Fault):
                    box.block(made, rank)[...] = IMPOSSIBLE
    elif layer.type == "Flatten":
        values, least = box.by_product.values, box.by_product.least(given[: box.size])
        inside = values <= box.limits[0]
        made[values[inside] - 1] = least[inside]
        outer = given[box.size :].min()
        np.minimum(box.block(made, 1), outer, out=box.block(made, 1))
        made[box.outside(1)] = min(outer, least[~inside].min(initial=IMPOSSIBLE))
    elif layer.type == "Reshape":
        _reshaped(layer, given, rules, box, made)
    elif layer.type == "Dense":
        for rank in RANKS:
            _whole(made, box, rank, layer.arguments.get("units"),
                   box.block(given, rank).min(-1), given[box.outside(rank)])  # fmt: skip
        made[box.outside(5)] = given[box.outside(5)]
    elif entry_of(layer.type).rank is not None or layer.type in BY_AXIS:
        for rank in _ranks(layer):
            found = mapped(layer, rank, rules, box)
            if found is not None:
                np.minimum.at(made, found.target, given[found.source])
                _whole(made, box, found.rank, found.last, IMPOSSIBLE, given[box.outside(rank)])
            else:
                np.minimum(made, given[box.outside(rank)], out=made)
        np.minimum(made, given[box.outside(5)] if max(_ranks(layer)) > 4 else IMPOSSIBLE, out=made)
    else:
        made[:] = given.min()
    return made


def _ranks(layer: Layer) -> tuple[int, ...]:
    rank = entry_of(layer.type).rank
    if rank is not None:
        return (rank - 1,)
    dims = layer.arguments.get("dims")
    if isinstance(dims, tuple):
        return (len(dims),) if 1 <= len(dims) <= 4 else (4,)
    return RANKS


def _whole(made: Costs, box: Box, rank: int, last: object, lead: object, outer: object) -> None:
    """All shapes of a rank, or those with one last size: `lead` inside, `outer` everywhere."""
    if not 1 <= rank <= 4:
        made[box.outside(5)] = min(made[box.outside(5)], np.min(lead), outer)
        return
    block = box.block(made, rank)
    if isinstance(last, int):
        if last > box.limits[rank - 1]:
            made[box.outside(rank)] = min(made[box.outside(rank)], np.min(lead), outer)
            return
        block = block[..., last - 1]
        np.minimum(block, lead, out=block)
    else:
        np.minimum(block, np.min(lead), out=block)
    np.minimum(block, outer, out=block)
    made[box.outside(rank)] = min(made[box.outside(rank)], outer)


def _reshaped(layer: Layer, given: Costs, rules: Rules, box: Box, made: Costs) -> None:
    classes = box.by_product
    least = classes.least(given[: box.size])
    target = layer.arguments.get("target_shape")
    sizes = target if isinstance(target, tuple) else ()
    if -1 not in sizes:
        want = int(np.prod(sizes, dtype=object)) if sizes else 0
        have = least[classes.values == want].min(initial=IMPOSSIBLE)
        made[box.place(sizes)] = min(have, given[box.size :].min())  # type: ignore[arg-type]
        return
    for value, edits in zip(classes.values, least, strict=True):
        output = infer(layer, ((None, int(value)),), rules)
        if type(output) is tuple:
            place = box.place(output[1:])
            made[place] = min(made[place], edits)
    _whole(made, box, len(sizes), None, IMPOSSIBLE, given[box.size :].min())


def _edited(layer: Layer, given: Costs, rules: Rules, box: Box) -> Costs:
    """The layer with other arguments or of another rank: too few edits rather than too many."""
    entry, a = entry_of(layer.type), settled(layer)
    made = box.empty()
    bias = layer.weights.get("bias", ())
    contradicts = not isinstance(a, Fault) and any(
        len(bias) == 1 and bias[0] != a[name] for name in ("units", "filters") if name in a
    )
    if isinstance(a, Fault) or contradicts:
        made[:] = given.min()
    elif layer.type in KEEPS_SHAPE or layer.type.startswith("SpatialDropout"):
        made[:] = given
    elif layer.type in SETTLED:
        pass
    elif layer.type in ("Reshape", "Permute"):
        classes = box.by_product
        made[: box.size] = classes.least(given[: box.size])[classes.member]
        made[box.size :] = given.min()
        np.minimum(made, given[box.size :].min(), out=made)
    elif layer.type == "RepeatVector":
        common, line = min(box.limits[:2]), box.block(given, 1)
        box.block(made, 2)[:, :common] = line[:common]
        _whole(made, box, 2, None, IMPOSSIBLE, given[box.outside(1)])
        made[box.outside(2)] = min(line.min(), given[box.outside(1)])
    elif "return_sequences" in a and layer.type in BY_AXIS:
        other = bare(layer.change(return_sequences=not a["return_sequences"]))
        made = standing(other, given, rules, box)
    elif entry.variants and not layer.type.startswith(("Global", "Depthwise", "ConvLSTM")):
        for spatial in entry.variants:
            _window(a.get("filters"), "data_format" in a, spatial + 1, given, box, made)
    else:
        made[:] = given.min()
    return made


def _window(filters: int | None, either: bool, rank: int, given: Costs, box: Box,
            made: Costs) -> None:  # fmt: skip
    """An edited layer that slides, pools, pads or crops: any spatial sizes may come out."""
    for turned in (False, True) if either else (False,):
        block, have = box.block(made, rank), box.block(given, rank)
        outer = given[box.outside(rank)]
        block = np.moveaxis(block, 0, -1) if turned else block
        have = np.moveaxis(have, 0, -1) if turned else have
        if filters is None:
            kept = np.minimum(have.min(tuple(range(rank - 1))), outer)
            np.minimum(block, kept, out=block)
        elif filters <= box.limits[rank - 1]:
            block = block[..., filters - 1]
            np.minimum(block, min(have.min(), outer), out=block)
        made[box.outside(rank)] = min(made[box.outside(rank)], have.min(), outer)
