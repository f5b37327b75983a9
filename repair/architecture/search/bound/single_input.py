"""For a layer of one input, the fewest edits to every output: never too many.

Where an edit in place could lead is not worked out but overestimated, so that the numbers are lower
bounds: an edited window may leave any spatial sizes, an edited layer of another kind anything.
"""

from functools import lru_cache
from itertools import permutations
from math import prod

import numpy as np

from repair.architecture.errors import Diagnostic
from repair.architecture.layer import LayerSpec
from repair.architecture.layers import entry_of, infer, normal_arguments
from repair.architecture.layers.table import Arguments
from repair.architecture.rules import Rules
from repair.architecture.search.bound.shape_grid import IMPOSSIBLE, RANKS, EditCounts, ShapeGrid
from repair.architecture.search.bound.shape_map import shape_map
from repair.architecture.search.choices.options import removable
from repair.architecture.search.choices.targets import KEEPS_SHAPE
from repair.architecture.search.choices.weights import (
    bias_contradicts_width,
    one_output,
    without_weights,
)

LOOPS = frozenset(("SimpleRNN", "LSTM", "GRU", "RNN"))
ONLY_WIDTHS = frozenset(("Dense", "Flatten", "Embedding", "Masking"))
"""Layers that have nothing to edit but their widths."""


def fewest_edits_single_input(
    layer: LayerSpec,
    given: EditCounts,
    rules: Rules,
    grid: ShapeGrid,
    *,
    alone: bool = False,
    again: bool = False,
) -> EditCounts:
    """The fewest edits to every output of a layer as it stands, edited in place, or taken out.

    Args:
        layer: the layer.
        given: fewest edits to every input, those of inserted layers included.
        rules: the rule set.
        grid: the shapes that the arrays are about.
        alone: whether one layer alone reads it, so that outputs which two inserted layers after the cheapest one
            make as cheaply may be left out.
        again: whether it is a further call of a layer, whose edits have been paid for.
    """
    if layer.type in KEEPS_SHAPE and "axis" not in layer.arguments:
        return given
    counts = unchanged_layer(without_weights(layer), given, rules, grid)
    if removable(layer):
        np.minimum(counts, given + 1, out=counts)
    most = int(counts.min()) if alone and not again else IMPOSSIBLE
    np.minimum(
        counts, _edited_layer(layer, given, rules, grid, most) + (0 if again else 1), out=counts
    )
    return counts


def unchanged_layer(
    layer: LayerSpec, given: EditCounts, rules: Rules, grid: ShapeGrid
) -> EditCounts:
    """The fewest edits to every output of a layer as it stands, with weights of its own."""
    counts = grid.empty()
    if layer.type in KEEPS_SHAPE:
        counts[:] = given
        if "axis" in layer.arguments:
            some = groups if isinstance(groups := layer.arguments.get("groups", 32), int) else 1
            for rank in RANKS:  # of sizes that the groups of a GroupNormalization divide
                if isinstance(infer(layer, ((None, *(max(some, 1),) * rank),), rules), Diagnostic):
                    grid.block(counts, rank)[...] = IMPOSSIBLE
    elif layer.type == "Flatten":
        values, least = grid.by_product.values, grid.by_product.least(given)
        inside = values <= grid.limits[0][0]
        counts[values[inside] - 1] = least[inside]
    elif layer.type == "Reshape":
        target = layer.arguments.get("target_shape")
        sizes = target if isinstance(target, tuple) else ()
        part = prod(size for size in sizes if isinstance(size, int) and size > 0)
        values, least = grid.by_product.values, grid.by_product.least(given)
        for k in np.flatnonzero(values % max(part, 1) == 0).tolist():
            output = one_output(infer(layer, ((None, int(values[k])),), rules))
            index = grid.index_of(output[1:]) if output else None
            if index is not None:
                counts[index] = min(counts[index], least[k])
    elif layer.type == "Dense":
        units = layer.arguments.get("units")
        if isinstance(units, int) and units > 0:
            _projected(units, given, grid, counts)
    elif entry_of(layer.type).rank is not None or layer.type in ("RNN", "Permute"):
        if layer.type == "Permute":
            grid.deep(counts)[:] = grid.deep(given)
        elif layer.type == "RNN" or (entry_of(layer.type).rank or 0) - 1 > len(RANKS):
            counts[:] = grid.deep(given).min(initial=IMPOSSIBLE)
        for rank in _ranks(layer):
            mapped = shape_map(layer, rank, rules, grid)
            if mapped is not None:
                np.minimum.at(counts, mapped.target, given[mapped.source])
    else:
        counts[:] = given.min()
    return counts


def _projected(units: int, given: EditCounts, grid: ShapeGrid, counts: EditCounts) -> None:
    """Fills in the edits to outputs of a Dense layer, which replaces the last size."""
    for rank in RANKS:
        block = grid.block(counts, rank)
        if units <= block.shape[-1]:
            block[..., units - 1] = grid.block(given, rank).min(-1)
    deep, have = grid.deep(counts), grid.deep(given)
    for rest in range(1, deep.size // units + 1):  # product of the sizes before the last
        deep[rest * units - 1] = have[rest - 1 :: rest].min()


def _ranks(layer: LayerSpec) -> tuple[int, ...]:
    rank, dims = entry_of(layer.type).rank, layer.arguments.get("dims")
    if rank is not None:
        return (rank - 1,) if rank - 1 in RANKS else ()
    if isinstance(dims, tuple):
        return (len(dims),) if 1 <= len(dims) <= 4 else ()
    return (2, 3, 4)


def _edited_layer(
    layer: LayerSpec, given: EditCounts, rules: Rules, grid: ShapeGrid, most: int
) -> EditCounts:
    """The layer with other arguments or of another rank: too few edits rather than too many.

    Args:
        layer: the layer.
        given: the fewest edits to every input.
        rules: the rule set.
        grid: the shapes that the arrays are about.
        most: a number of edits; what inputs of more edits lead to may be left out.
    """
    entry, a = entry_of(layer.type), normal_arguments(layer)
    counts = grid.empty()
    if isinstance(a, Diagnostic) or bias_contradicts_width(layer, a):
        counts[:] = given.min()
    elif layer.type in KEEPS_SHAPE or layer.type.startswith("SpatialDropout"):
        counts[:] = given
    elif layer.type in ONLY_WIDTHS:
        pass
    elif layer.type == "Reshape":
        counts[:] = grid.by_product.least(given)[grid.by_product.member]
    elif layer.type == "Permute":
        _permuted(given, grid, counts)
    elif layer.type == "RepeatVector":
        line, pairs = grid.block(given, 1), grid.block(counts, 2)
        common = min(line.size, pairs.shape[1])
        pairs[:, :common] = line[:common]
    elif layer.type in LOOPS:
        counts = unchanged_layer(
            without_weights(layer.change(return_sequences=not a["return_sequences"])),
            given,
            rules,
            grid,
        )
    elif layer.type.startswith("Global"):
        _pooled(a, given, grid, counts)
    elif entry.variants and not layer.type.startswith("ConvLSTM"):
        for spatial, name in entry.variants.items():
            have, block = grid.block(given, spatial + 1), grid.block(counts, spatial + 1)
            if have.min() > most:
                continue
            times = a.get("depth_multiplier", 1) if layer.type.startswith("Depth") else 1
            _window(layer.type, a.get("filters"), times, have, block)
            if "data_format" in entry_of(name).arguments:
                have = _channels_first(a, have)
                if have.min() <= most:
                    _window(
                        layer.type,
                        a.get("filters"),
                        times,
                        np.moveaxis(have, 0, -1),
                        np.moveaxis(block, 0, -1),
                    )
    else:
        counts[:] = given.min()
    return counts


def _permuted(given: EditCounts, grid: ShapeGrid, counts: EditCounts) -> None:
    """Fills in the edits to outputs of an edited Permute: the sizes in any other order."""
    grid.deep(counts)[:] = grid.deep(given)
    for rank in RANKS:
        have, block = grid.block(given, rank), grid.block(counts, rank)
        for order in permutations(range(rank)):
            turned = have.transpose(order)
            common = tuple(map(slice, map(min, turned.shape, block.shape)))
            np.minimum(block[common], turned[common], out=block[common])


def _channels_first(a: Arguments, given: np.ndarray) -> np.ndarray:
    """Inputs that the layer reads with their channels first: all as it stands, or by an edit."""
    if a.get("data_format") == "channels_first":
        return given
    return np.where(_images(given.shape), given, IMPOSSIBLE)


@lru_cache(maxsize=256)
def _images(limits: tuple[int, ...]) -> np.ndarray:
    """Shapes that look like images with their channels first."""
    sizes = np.indices(limits) + 1
    return (sizes[0] <= 4) & (sizes[1:-1].min(0, initial=5 * (len(limits) > 2)) > 4)


def _window(
    kind: str, filters: int | None, times: int, given: np.ndarray, counts: np.ndarray
) -> None:
    """An edited layer that slides, pools, pads or crops: spatial sizes only grow, or shrink."""
    grows = kind.startswith(("ZeroPadding", "UpSampling")) or kind.endswith("Transpose")
    space = (slice(None),) * (given.ndim - 1)
    if filters is not None:
        if filters > counts.shape[-1]:
            return
        given, counts = given.min(-1), counts[..., filters - 1]
        space = (slice(None),) * given.ndim
    turned = () if grows else tuple(slice(None, None, -1) for _ in space)
    reached = given[turned]
    for axis in range(len(space)):
        reached = np.minimum.accumulate(reached, axis)
        if kind.endswith("Transpose"):  # output_padding may take one off
            less = np.roll(reached, -1, axis)
            less[(slice(None),) * axis + (-1,)] = reached[(slice(None),) * axis + (-1,)]
            reached = np.minimum(reached, less)
    reached = reached[turned]
    if times > 1:  # so many channels for each one
        counts, reached = counts[..., times - 1 :: times], reached[..., : counts.shape[-1] // times]
    np.minimum(counts, reached, out=counts)


def _pooled(a: Arguments, given: EditCounts, grid: ShapeGrid, counts: EditCounts) -> None:
    """An edited global pooling: of any rank, keeping its axes or not."""
    line = grid.block(counts, 1)
    for rank in (2, 3, 4):
        have = grid.block(given, rank)
        turned = np.moveaxis(_channels_first(a, have), 0, -1)
        for turn, block in ((False, have), (True, turned)):
            channels = block.min(tuple(range(rank - 1)))
            common = min(line.size, channels.size)
            np.minimum(line[:common], channels[:common], out=line[:common])
            ones, out = (0,) * (rank - 1), grid.block(counts, rank)
            kept = out.reshape(out.shape[0], -1)[:, 0] if turn else out[ones]
            np.minimum(kept, channels, out=kept)
