"""What may be done at one layer for given inputs: nothing, edits in place, layers before it."""

from functools import lru_cache
from math import prod
from typing import NamedTuple

from repair.architecture import cost
from repair.architecture.errors import Diagnostic
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import LAYERS, Outputs, entry_of, normal_arguments
from repair.architecture.rules import Rules
from repair.architecture.search.choices.adapters import (
    NO_ADAPTERS,
    AdapterChain,
    cheapest_chain,
    single_adapter,
)
from repair.architecture.search.choices.edits_in_place import edits_in_place
from repair.architecture.search.choices.factorizations import Sizes
from repair.architecture.search.choices.other_ranks import (
    channels_first,
    shapes_of_rank,
    with_channels_last,
)
from repair.architecture.search.choices.weights import fit_weights

LOSES_AXES = ("Flatten", "Reshape", "Permute", "RepeatVector", "Global")
"""Layers whose removal undoes a loss of axes."""
RECURRENT = ("SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional")


class LayerOption(NamedTuple):
    """One way through a layer.

    Args:
        cost: the packed cost.
        layer: the layer as it stands or edited; None: it is taken out.
        chains: the layers that are inserted before each input.
        output: the shape that comes out.
    """

    cost: int
    layer: LayerSpec | None
    chains: tuple[AdapterChain, ...]
    output: Shape | Outputs


def cheapest_adapters(source: Shape, target: Shape) -> AdapterChain | None:
    """The cheapest inserted layers from one shape to another, batch first; None: none."""
    if source == target:
        return NO_ADAPTERS
    if None in source[1:] or None in target[1:]:
        return _adapters_of_unknown_sizes(source, target)
    if len(source) < 2 or len(target) < 2:
        return None
    return cheapest_chain(source[1:], target[1:])  # type: ignore[arg-type]


def _adapters_of_unknown_sizes(source: Shape, target: Shape) -> AdapterChain | None:
    """Where sizes are not known only the last axis can be projected, or the rest pooled away."""
    if len(source) == len(target):
        if all(
            a == b or a is None or b is None for a, b in zip(source[1:], target[1:], strict=True)
        ):
            return NO_ADAPTERS
        if source[1:-1] == target[1:-1] and source[-1] and target[-1]:
            return AdapterChain(cost.EDIT + cost.DENSE, (("Dense", (target[-1],)),))
    if len(target) == 2 and 3 <= len(source) <= 5 and source[-1] == target[-1]:
        pool = f"GlobalAveragePooling{len(source) - 2}D"
        return AdapterChain(cost.EDIT + cost.GLOBAL_POOL, ((pool, ()),))
    return None


KEPT_TYPES = ("Lambda", "Input")
"""Layers that are never taken out: code that is not read, and what a model states of its input."""


def removable(layer: LayerSpec) -> bool:
    """Whether taking a layer out loses no width and no kernel that the user chose."""
    entry = LAYERS.get(layer.type)
    return (
        entry is not None
        and not entry.widths
        and not layer.inner
        and entry.inputs == (1, 1)
        and layer.type not in (*KEPT_TYPES, "BatchNormalization", "PReLU")
    )


def unchanged_options(layer: LayerSpec, shape: Shape, rules: Rules) -> tuple[LayerOption, ...]:
    """The layer as it stands, where it takes its input."""
    unchanged = fit_weights(layer, (shape,), rules)
    if isinstance(unchanged, Diagnostic):
        return ()
    return (LayerOption(unchanged.cost, unchanged.layer, (NO_ADAPTERS,), unchanged.output),)


@lru_cache(maxsize=1 << 15)
def single_input_options(
    layer: LayerSpec,
    shape: Shape,
    rules: Rules,
    target_shapes: tuple[Shape, ...],
    *,
    editable: bool = True,
    extra: int = 0,
    first: bool = False,
    guided: Shape | None = None,
) -> tuple[LayerOption, ...]:
    """All ways through a layer of one input, cheapest first.

    Args:
        layer: the layer.
        shape: the shape of its input.
        rules: the rule set.
        target_shapes: outputs that its reader would take.
        editable: whether the layer itself may change; not so where its weights are shared.
        extra: the packed cost on top of each inserted layer, behind the head.
        first: whether it reads an input of the network, which may be an image of other layout.
        guided: an input to try besides the likely ones.
    """
    options = list(unchanged_options(layer, shape, rules))
    valid = bool(options)
    if editable:
        options += _edited_options(layer, shape, rules, target_shapes, first)
    if None in shape[1:] or len(shape) < 2:
        options += [] if valid else _pooled_options(layer, shape, rules, extra)
    else:
        options += _reordered_options(layer, shape, rules) if first else []
        inputs = () if valid else _input_sizes(layer, shape[1:])  # type: ignore[arg-type]
        options += _inserted_options(layer, shape, rules, inputs, extra)
        if not options:
            options += _inserted_and_edited_options(
                layer, shape, rules, target_shapes, inputs, extra
            )
        if guided is not None and guided != shape:
            sizes: Sizes = guided[1:]  # type: ignore[assignment]
            options += _inserted_and_edited_options(
                layer, shape, rules, target_shapes, (sizes,), extra
            )
    if (
        not options and editable and layer.type not in KEPT_TYPES
    ):  # better a repair without it than none
        options.append(
            LayerOption(cost.KEPT + cost.EDIT + cost.REMOVE, None, (NO_ADAPTERS,), shape)
        )
    return tuple(sorted(options, key=lambda option: option.cost))


def _edited_options(
    layer: LayerSpec, shape: Shape, rules: Rules, target_shapes: tuple[Shape, ...], first: bool
) -> list[LayerOption]:
    """The layer edited in place, or taken out."""
    options = [
        LayerOption(edited.cost, edited.layer, (NO_ADAPTERS,), edited.output)
        for edited in edits_in_place(layer, (shape,), rules, target_shapes)
    ]
    if removable(layer):
        removal = cost.TAKEN_OUT if layer.type.startswith(LOSES_AXES) else cost.REMOVE
        options.append(LayerOption(cost.EDIT + removal, None, (NO_ADAPTERS,), shape))
    if first:
        options += _other_layout(layer, shape, rules)
    return options


def _reordered_options(layer: LayerSpec, shape: Shape, rules: Rules) -> list[LayerOption]:
    """An image with its channels put last, where they seem to come first."""
    options = []
    sizes: Sizes = shape[1:]  # type: ignore[assignment]
    for target in with_channels_last(sizes):
        fitted = fit_weights(layer, ((shape[0], *target),), rules)
        chain = single_adapter(sizes, target)
        if chain is not None and not isinstance(fitted, Diagnostic):
            chain = AdapterChain(cost.EDIT + cost.IMAGE, chain.steps)
            options.append(LayerOption(chain.cost, fitted.layer, (chain,), fitted.output))
    return options


def _inserted_options(
    layer: LayerSpec, shape: Shape, rules: Rules, inputs: tuple[Sizes, ...], extra: int
) -> list[LayerOption]:
    """One inserted layer that makes an input which the layer takes."""
    options = []
    sizes: Sizes = shape[1:]  # type: ignore[assignment]
    for target in inputs:
        chain = single_adapter(sizes, target)
        fitted = fit_weights(layer, ((shape[0], *target),), rules)
        if chain is not None and not isinstance(fitted, Diagnostic):
            total = chain.cost + extra * len(chain.steps) + fitted.cost
            if layer.type in RECURRENT and target[-1] != sizes[-1]:
                total += cost.STEPS
            options.append(LayerOption(total, fitted.layer, (chain,), fitted.output))
    return options


def _pooled_options(layer: LayerSpec, shape: Shape, rules: Rules, extra: int) -> list[LayerOption]:
    """Sizes that are not known pooled away."""
    if not 3 <= len(shape) <= 5 or not shape[-1]:
        return []
    pooled = (shape[0], shape[-1])
    chain, fitted = cheapest_adapters(shape, pooled), fit_weights(layer, (pooled,), rules)
    if chain is None or isinstance(fitted, Diagnostic):
        return []
    return [LayerOption(chain.cost + extra + fitted.cost, fitted.layer, (chain,), fitted.output)]


def _other_layout(layer: LayerSpec, shape: Shape, rules: Rules) -> list[LayerOption]:
    """The layer told that the channels come first, where they seem to."""
    entry = entry_of(layer.type)
    if "data_format" not in entry.arguments or not channels_first(shape[1:]):
        return []
    fitted = fit_weights(layer.change(data_format="channels_first"), (shape,), rules)
    if isinstance(fitted, Diagnostic):
        return []
    total = cost.EDIT + cost.LAYOUT + fitted.cost
    return [LayerOption(total, fitted.layer, (NO_ADAPTERS,), fitted.output)]


def _inserted_and_edited_options(
    layer: LayerSpec,
    shape: Shape,
    rules: Rules,
    target_shapes: tuple[Shape, ...],
    inputs: tuple[Sizes, ...],
    extra: int,
) -> list[LayerOption]:
    """An inserted layer and an edit in place together, where neither is enough alone."""
    options = []
    for target in inputs:
        chain = cheapest_chain(shape[1:], target)  # type: ignore[arg-type]
        lifted = (shape[0], *target)
        unchanged = fit_weights(layer, (lifted,), rules)
        for c in (
            *edits_in_place(layer, (lifted,), rules, target_shapes),
            *(() if isinstance(unchanged, Diagnostic) else (unchanged,)),
        ):
            total = chain.cost + extra * len(chain.steps) + c.cost
            options.append(LayerOption(total, c.layer, (chain,), c.output))
    return options


@lru_cache(maxsize=1 << 14)
def _input_sizes(layer: LayerSpec, sizes: Sizes) -> tuple[Sizes, ...]:
    """Input sizes that the layer may take and one inserted layer may make."""
    likely: dict[Sizes, None] = {}
    if layer.type == "Reshape":
        a = normal_arguments(layer)
        if not isinstance(a, Diagnostic):
            values = prod(t for t in a["target_shape"] if t > 0)
            if values % prod(sizes[:-1]) == 0:
                likely[(*sizes[:-1], values // prod(sizes[:-1]))] = None
    for rank in _ranks(layer, len(sizes)):
        likely |= dict.fromkeys(shapes_of_rank(sizes, rank))
    return tuple(likely)


def _ranks(layer: LayerSpec, present: int) -> tuple[int, ...]:
    """Numbers of sizes that the layer takes, batch not counted."""
    entry = entry_of(layer.type)
    if entry.rank is not None:
        return (entry.rank - 1,)
    if layer.type.startswith("ConvLSTM"):
        return (int(layer.type[-2]) + 2,)
    if layer.type == "RNN":
        return (2,)
    if layer.type == "Bidirectional" and layer.inner:
        return _ranks(layer.inner[0], present)
    if layer.type in ("TimeDistributed", "Sequential") and layer.inner:
        more = int(layer.type == "TimeDistributed")
        return tuple(rank + more for rank in _ranks(layer.inner[0], present - more))
    if layer.type == "Permute" and isinstance(layer.arguments.get("dims"), tuple):
        return (len(layer.arguments["dims"]),)  # type: ignore[arg-type]
    return tuple(rank for rank in (present + 1, present - 1, 1, 2, 3, 4) if 0 < rank <= 4)
