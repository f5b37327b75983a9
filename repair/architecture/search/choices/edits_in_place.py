"""Edits in place of one layer for given inputs: other arguments, or the same layer of another rank."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import permutations, product
from math import prod

from repair.architecture import cost
from repair.architecture.errors import Diagnostic
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import LayerType, entry_of, infer, normal_arguments
from repair.architecture.layers.table import Arguments
from repair.architecture.rules import Rules
from repair.architecture.search.choices import windows
from repair.architecture.search.choices.arguments import (
    ArgumentChange,
    change_arguments,
    corrections,
)
from repair.architecture.search.choices.factorizations import factorizations
from repair.architecture.search.choices.weights import (
    EditedLayer,
    bias_contradicts_width,
    fit_weights,
    without_weights,
)


@lru_cache(maxsize=1 << 15)
def edits_in_place(
    layer: LayerSpec, shapes: tuple[Shape, ...], rules: Rules, target_shapes: tuple[Shape, ...] = ()
) -> tuple[EditedLayer, ...]:
    """Edits in place after which the layer takes its inputs, cheapest first.

    Args:
        layer: the layer.
        shapes: the shapes of its inputs.
        rules: the rule set.
        target_shapes: outputs that its reader would take, batch first.
    """
    cheapest: dict[object, EditedLayer] = {}
    for packed, edited in _edited(layer, shapes, rules, target_shapes):
        if edited == layer:
            continue
        fitted = fit_weights(edited, shapes, rules)
        if isinstance(fitted, Diagnostic):
            continue
        meaning = (edited.type, repr(normal_arguments(edited)))  # 5 and (5,) say the same
        changed = EditedLayer(packed + fitted.cost, fitted.layer, fitted.output)
        if meaning not in cheapest or changed.cost < cheapest[meaning].cost:
            cheapest[meaning] = changed
    return tuple(sorted(cheapest.values(), key=lambda changed: changed.cost))


def change_cost(change: ArgumentChange) -> int:
    """Packed cost of a change of arguments."""
    return cost.EDIT + cost.ARGUMENT + cost.MORE * (len(change) - 1)


def _edited(
    layer: LayerSpec, shapes: tuple[Shape, ...], rules: Rules, target_shapes: tuple[Shape, ...]
) -> Iterator[tuple[int, LayerSpec]]:
    entry = entry_of(layer.type)
    a = normal_arguments(layer)
    if isinstance(a, Diagnostic):
        for change in corrections(layer, entry, shapes[0], target_shapes):
            amended = change_arguments(layer, change)
            yield change_cost(change), amended
            again = normal_arguments(amended)
            if not isinstance(again, Diagnostic):
                for more in _arguments(amended, entry, again, shapes, rules, target_shapes):
                    both = {**change, **more}
                    yield change_cost(both), change_arguments(layer, both)
    else:
        for change in _arguments(layer, entry, a, shapes, rules, target_shapes):
            yield change_cost(change), change_arguments(layer, change)
        yield from _widths(layer, entry, a, shapes, target_shapes)
    yield from _other_rank(layer, entry, shapes, rules, target_shapes)
    yield from _inner(layer, entry, shapes, rules, target_shapes)


def _arguments(
    layer: LayerSpec,
    entry: LayerType,
    a: Arguments,
    shapes: tuple[Shape, ...],
    rules: Rules,
    target_shapes: tuple[Shape, ...],
) -> Iterator[ArgumentChange]:
    shape = shapes[0]
    unchanged = infer(without_weights(layer), shapes, rules)
    if isinstance(unchanged, Diagnostic):
        yield from windows.fitted(entry, a, shape)
    for target in target_shapes:
        yield from windows.reaching(layer, entry, a, shape, target, rules)
    for name in ("return_sequences", "keepdims"):
        if name in a:
            yield {name: not a[name]}
    if "stateful" in a and a["stateful"] and shape[0] is None:
        yield {"stateful": False}
    if "unroll" in a and a["unroll"] and len(shape) > 1 and shape[1] is None:
        yield {"unroll": False}
    if "axis" in a and isinstance(unchanged, Diagnostic):
        for axis in (-1, *range(1, len(shape))):
            yield {"axis": axis}
    if "groups" in a and "axis" in a and isinstance(unchanged, Diagnostic):
        channels = shape[a["axis"]] if -len(shape) <= a["axis"] < len(shape) else None
        yield from ({"groups": k} for k in range(min(a["groups"], channels or 1), 0, -1))
    if "shared_axes" in a and isinstance(unchanged, Diagnostic):
        yield {"shared_axes": tuple(range(1, len(shape) - 1)) or None}
    if layer.type == "Dot":
        pairs = product(*(range(1, len(s)) for s in shapes))
        sizes = ((axes, {s[axis] for s, axis in zip(shapes, axes, strict=True)}) for axes in pairs)
        yield from ({"axes": axes} for axes, pair in sizes if len(pair) == 1 or None in pair)
    if layer.type == "RepeatVector":
        yield from ({"n": target[1]} for target in target_shapes if len(target) == 3 and target[1])
    if layer.type == "Permute":
        yield from ({"dims": dims} for dims in permutations(range(1, min(len(shape), 5))))
    if layer.type == "Reshape" and None not in shape[1:]:
        yield from _reshape_targets(
            a["target_shape"], prod(s or 1 for s in shape[1:]), target_shapes
        )
    if layer.type == "Input" and isinstance(unchanged, Diagnostic):
        yield {"shape": shape[1:]}
    if layer.type == "Lambda" and a["output_shape"] is None:
        yield from ({"output_shape": target[1:]} for target in target_shapes)


def _reshape_targets(
    target: tuple[int, ...], size: int, target_shapes: tuple[Shape, ...]
) -> Iterator[ArgumentChange]:
    """Target shapes of `size` values: those of the reader, one axis changed, any of the same rank."""
    targets = [
        shape[1:]
        for shape in target_shapes
        if None not in shape[1:] and prod(shape[1:]) == size  # type: ignore[arg-type]
    ]
    for axis in reversed(range(len(target))):
        rest = prod(t for k, t in enumerate(target) if k != axis and t > 0)
        if size % rest == 0 and all(t > 0 for k, t in enumerate(target) if k != axis):
            targets.append((*target[:axis], size // rest, *target[axis + 1 :]))
    if size <= 64:
        targets += factorizations(size, len(target))
    yield from ({"target_shape": sizes} for sizes in dict.fromkeys(targets))


def _widths(
    layer: LayerSpec,
    entry: LayerType,
    a: Arguments,
    shapes: tuple[Shape, ...],
    target_shapes: tuple[Shape, ...],
) -> Iterator[tuple[int, LayerSpec]]:
    """Another width: kept out by its cost, but where the given bias contradicts the width."""
    given = layer.weights.get("embeddings", ())
    if layer.type == "Embedding" and len(given) == 2:
        fitting = {"input_dim": given[0], "output_dim": given[1]}
        yield change_cost(fitting), layer.change(**fitting)
    for name in entry.widths:
        if bias_contradicts_width(layer, a) and name in ("units", "filters"):
            yield change_cost({name: 0}), layer.change(**{name: layer.weights["bias"][0]})
        if name in ("units", "filters", "output_dim"):
            for target in target_shapes:
                yield change_cost({name: 0}) + cost.KEPT, layer.change(**{name: target[-1]})


def _other_rank(
    layer: LayerSpec,
    entry: LayerType,
    shapes: tuple[Shape, ...],
    rules: Rules,
    target_shapes: tuple[Shape, ...],
) -> Iterator[tuple[int, LayerSpec]]:
    """The same layer in the number of dimensions that its input has."""
    rank = len(shapes[0]) - (3 if layer.type.startswith("ConvLSTM") else 2)
    name = entry.variants.get(rank)
    if name is None or name == layer.type:
        return
    other = entry_of(name)
    arguments = {}
    for argument, value in layer.arguments.items():
        if argument in other.arguments and isinstance(value, tuple) and value:
            pairs = argument in ("padding", "cropping")
            flat = pairs and not isinstance(value[0], tuple)  # of a layer of one dimension
            value = (value,) if flat else value
            value = (*value, *(value[-1],) * rank)[:rank]
            if rank == 1 and (argument == "size" or pairs):
                value = value[0]
        arguments[argument] = value
    other_layer = LayerSpec(name, arguments, layer.inner, layer.weights)
    yield cost.EDIT + cost.TYPE, other_layer
    a = normal_arguments(other_layer)
    if isinstance(a, Diagnostic):
        return
    for change in windows.fitted(other, a, shapes[0]):
        yield cost.EDIT + cost.TYPE + cost.MORE, change_arguments(other_layer, change)
    for target in target_shapes:
        for change in windows.reaching(other_layer, other, a, shapes[0], target, rules):
            yield cost.EDIT + cost.TYPE + cost.MORE, change_arguments(other_layer, change)


def _inner(
    layer: LayerSpec,
    entry: LayerType,
    shapes: tuple[Shape, ...],
    rules: Rules,
    target_shapes: tuple[Shape, ...],
) -> Iterator[tuple[int, LayerSpec]]:
    """The wrapped layer edited in place, as if it stood alone."""
    if layer.type == "TimeDistributed" and len(shapes[0]) > 2:
        shapes = ((shapes[0][0], *shapes[0][2:]),)
        target_shapes = tuple(
            (target[0], *target[2:]) for target in target_shapes if len(target) > 2
        )
    elif layer.type == "Bidirectional":
        target_shapes = ()
    elif layer.type != "RNN":
        return
    most = entry.inner[1] or len(layer.inner)
    if (
        layer.type == "RNN" or not 0 < len(layer.inner) <= most
    ):  # of more, which to keep is not told
        return
    for changed in edits_in_place(layer.inner[0], shapes, rules, target_shapes):
        inner: tuple[LayerSpec, ...] = (changed.layer,)
        if len(layer.inner) == 2 and layer.type == "Bidirectional":
            second = change_arguments(
                layer.inner[1],
                {k: v for k, v in changed.layer.arguments.items() if k == "return_sequences"},
            )
            inner = (changed.layer, second)
        yield changed.cost, replace(layer, inner=inner)
