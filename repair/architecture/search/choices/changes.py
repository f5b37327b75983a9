"""In-place edits of one layer for given inputs: other arguments, or the same layer of other rank."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import permutations, product
from math import prod
from typing import NamedTuple

from repair.architecture import cost
from repair.architecture.errors import Fault, Kind
from repair.architecture.layer import Layer, Shape
from repair.architecture.layers import Inferred, LayerType, Outputs, entry_of, infer, settled
from repair.architecture.layers.table import Arguments
from repair.architecture.rules import Rules
from repair.architecture.search.choices import windows
from repair.architecture.search.choices.adapters import factorizations
from repair.architecture.search.choices.arguments import Change, amend, corrections


class Changed(NamedTuple):
    """A layer as it stands or edited in place, its packed cost, and what it yields."""

    cost: int
    layer: Layer
    output: Shape | Outputs


EMPTY = Fault(Kind.TYPE, "yields a tensor without values", "sizes from 1 on")


def one_output(inferred: Inferred) -> Shape | None:
    """The output shape of a layer that accepts its inputs and has one output."""
    return None if isinstance(inferred, Fault | Outputs) else inferred


@lru_cache(maxsize=1 << 16)
def fit(layer: Layer, shapes: tuple[Shape, ...], rules: Rules) -> Changed | Fault:
    """The layer as it stands, given weights made anew where they do not fit.

    Keras takes tensors without values; no repair goes through one.
    """
    output = infer(layer, shapes, rules)
    if type(output) is tuple and 0 in output:
        return EMPTY
    if not isinstance(output, Fault):
        return Changed(0, layer, output)
    own = bare(layer)
    if own == layer:
        return output
    output = infer(own, shapes, rules)
    if isinstance(output, Fault):
        return output
    return Changed(cost.WEIGHTS, _weighted(layer, shapes, rules), output)


@lru_cache(maxsize=1 << 14)
def bare(layer: Layer) -> Layer:
    """The layer without given weights, wrapped ones neither."""
    if not layer.weights and not layer.inner:
        return layer
    return replace(layer, weights={}, inner=tuple(map(bare, layer.inner)))


def _weighted(layer: Layer, shapes: tuple[Shape, ...], rules: Rules) -> Layer:
    """The layer with given weights, those of wrapped layers too, made for its inputs."""
    arguments = settled(layer)
    if isinstance(arguments, Fault):
        return bare(layer)
    wanted = entry_of(layer.type).weights(arguments, shapes) if layer.weights else {}
    step: Inferred = shapes[0]
    if layer.type in ("RNN", "TimeDistributed"):
        step = (shapes[0][0], *shapes[0][2:])
    inner = []
    for wrapped in layer.inner:
        if isinstance(step, Fault | Outputs):
            return bare(layer)
        inner.append(_weighted(wrapped, (step,), rules))
        if layer.type in ("RNN", "Sequential"):
            step = infer(bare(wrapped), (step,), rules)
    kept = {name: wanted[name] for name in layer.weights if name in wanted}
    return replace(layer, weights=kept, inner=tuple(inner))


def same_weights(layer: Layer, shape: Shape, other: Shape) -> bool:
    """Whether a layer has weights of the same shapes for two inputs."""
    arguments = settled(layer)
    if isinstance(arguments, Fault) or len(shape) != len(other):
        return False
    entry = entry_of(layer.type)
    return entry.weights(arguments, (shape,)) == entry.weights(arguments, (other,))


@lru_cache(maxsize=1 << 15)
def changes(layer: Layer, shapes: tuple[Shape, ...], rules: Rules,
            wanted: tuple[Shape, ...] = ()) -> tuple[Changed, ...]:  # fmt: skip
    """Edits in place after which the layer takes its inputs, cheapest first.

    Args:
        layer: the layer.
        shapes: its inputs.
        rules: the rule set.
        wanted: outputs that its reader would take.
    """
    found: dict[object, Changed] = {}
    for price, edited in _edited(layer, shapes, rules, wanted):
        if edited == layer:
            continue
        fitted = fit(edited, shapes, rules)
        if isinstance(fitted, Fault):
            continue
        meaning = (edited.type, repr(settled(edited)))  # 5 and (5,) say the same
        changed = Changed(price + fitted.cost, fitted.layer, fitted.output)
        if meaning not in found or changed.cost < found[meaning].cost:
            found[meaning] = changed
    return tuple(sorted(found.values(), key=lambda changed: changed.cost))


def price(change: Change) -> int:
    """Packed cost of a change of arguments."""
    return cost.EDIT + cost.ARGUMENT + cost.MORE * (len(change) - 1)


def _edited(layer: Layer, shapes: tuple[Shape, ...], rules: Rules,
            wanted: tuple[Shape, ...]) -> Iterator[tuple[int, Layer]]:  # fmt: skip
    entry = entry_of(layer.type)
    a = settled(layer)
    if isinstance(a, Fault):
        for change in corrections(layer, entry, shapes[0], wanted):
            amended = amend(layer, change)
            yield price(change), amended
            again = settled(amended)
            if not isinstance(again, Fault):
                for more in _arguments(amended, entry, again, shapes, rules, wanted):
                    both = {**change, **more}
                    yield price(both), amend(layer, both)
    else:
        for change in _arguments(layer, entry, a, shapes, rules, wanted):
            yield price(change), amend(layer, change)
        yield from _widths(layer, entry, a, shapes, wanted)
    yield from _other_rank(layer, entry, shapes, rules, wanted)
    yield from _inner(layer, entry, shapes, rules, wanted)


def _arguments(layer: Layer, entry: LayerType, a: Arguments, shapes: tuple[Shape, ...],
               rules: Rules, wanted: tuple[Shape, ...]) -> Iterator[Change]:  # fmt: skip
    shape = shapes[0]
    present = infer(bare(layer), shapes, rules)
    if isinstance(present, Fault):
        yield from windows.fitted(entry, a, shape)
    for goal in wanted:
        yield from windows.reaching(layer, entry, a, shape, goal, rules)
    for name in ("return_sequences", "keepdims"):
        if name in a:
            yield {name: not a[name]}
    if "stateful" in a and a["stateful"] and shape[0] is None:
        yield {"stateful": False}
    if "unroll" in a and a["unroll"] and len(shape) > 1 and shape[1] is None:
        yield {"unroll": False}
    if "axis" in a and isinstance(present, Fault):
        for axis in (-1, *range(1, len(shape))):
            yield {"axis": axis}
    if "groups" in a and "axis" in a and isinstance(present, Fault):
        channels = shape[a["axis"]] if -len(shape) <= a["axis"] < len(shape) else None
        yield from ({"groups": k} for k in range(min(a["groups"], channels or 1), 0, -1))
    if "shared_axes" in a and isinstance(present, Fault):
        yield {"shared_axes": tuple(range(1, len(shape) - 1)) or None}
    if layer.type == "Dot":
        pairs = product(*(range(1, len(s)) for s in shapes))
        sizes = ((axes, {s[axis] for s, axis in zip(shapes, axes, strict=True)}) for axes in pairs)
        yield from ({"axes": axes} for axes, pair in sizes if len(pair) == 1 or None in pair)
    if layer.type == "RepeatVector":
        yield from ({"n": goal[1]} for goal in wanted if len(goal) == 3 and goal[1])
    if layer.type == "Permute":
        yield from ({"dims": dims} for dims in permutations(range(1, min(len(shape), 5))))
    if layer.type == "Reshape" and None not in shape[1:]:
        yield from _targets(a["target_shape"], prod(s or 1 for s in shape[1:]), wanted)
    if layer.type == "Lambda" and a["output_shape"] is None:
        yield from ({"output_shape": goal[1:]} for goal in wanted)


def _targets(target: tuple[int, ...], size: int, wanted: tuple[Shape, ...]) -> Iterator[Change]:
    """Target shapes of `size` values: wanted ones, one axis changed, any of the same rank."""
    goals = [goal[1:] for goal in wanted if None not in goal[1:] and prod(goal[1:]) == size]  # type: ignore
    for place in reversed(range(len(target))):
        rest = prod(t for k, t in enumerate(target) if k != place and t > 0)
        if size % rest == 0 and all(t > 0 for k, t in enumerate(target) if k != place):
            goals.append((*target[:place], size // rest, *target[place + 1 :]))
    if size <= 64:
        goals += factorizations(size, len(target))
    yield from ({"target_shape": goal} for goal in dict.fromkeys(goals))


def _widths(layer: Layer, entry: LayerType, a: Arguments, shapes: tuple[Shape, ...],
            wanted: tuple[Shape, ...]) -> Iterator[tuple[int, Layer]]:  # fmt: skip
    """Another width: kept out by its price, but where the given bias contradicts the width."""
    given = layer.weights.get("embeddings", ())
    if layer.type == "Embedding" and len(given) == 2:
        fitting = {"input_dim": given[0], "output_dim": given[1]}
        yield price(fitting), layer.change(**fitting)
    for name in entry.widths:
        if contradicted(layer, a) and name in ("units", "filters"):
            yield price({name: 0}), layer.change(**{name: layer.weights["bias"][0]})
        if name in ("units", "filters", "output_dim"):
            for goal in wanted:
                yield price({name: 0}) + cost.KEPT, layer.change(**{name: goal[-1]})


def contradicted(layer: Layer, a: Arguments) -> bool:
    """Whether the given bias says another width than the arguments."""
    bias, plain = layer.weights.get("bias", ()), ("Dense", "Conv", "SeparableConv")
    if len(bias) != 1 or not layer.type.startswith(plain) or layer.type.startswith("ConvLSTM"):
        return False
    return bias[0] not in (a.get("units"), a.get("filters"))


def _other_rank(layer: Layer, entry: LayerType, shapes: tuple[Shape, ...],
                rules: Rules, wanted: tuple[Shape, ...]) -> Iterator[tuple[int, Layer]]:  # fmt: skip
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
    moved = Layer(name, arguments, layer.inner, layer.weights)
    yield cost.EDIT + cost.TYPE, moved
    a = settled(moved)
    if isinstance(a, Fault):
        return
    for change in windows.fitted(other, a, shapes[0]):
        yield cost.EDIT + cost.TYPE + cost.MORE, amend(moved, change)
    for goal in wanted:
        for change in windows.reaching(moved, other, a, shapes[0], goal, rules):
            yield cost.EDIT + cost.TYPE + cost.MORE, amend(moved, change)


def _inner(layer: Layer, entry: LayerType, shapes: tuple[Shape, ...], rules: Rules,
           wanted: tuple[Shape, ...]) -> Iterator[tuple[int, Layer]]:  # fmt: skip
    """The wrapped layer edited in place, as if it stood alone."""
    if layer.type == "TimeDistributed" and len(shapes[0]) > 2:
        shapes = ((shapes[0][0], *shapes[0][2:]),)
        wanted = tuple((goal[0], *goal[2:]) for goal in wanted if len(goal) > 2)
    elif layer.type == "Bidirectional":
        wanted = ()
    elif layer.type != "RNN":
        return
    most = entry.inner[1] or len(layer.inner)
    if layer.type == "RNN" or not 0 < len(layer.inner) <= most:  # more: which to keep is not ours
        return
    for changed in changes(layer.inner[0], shapes, rules, wanted):
        inner: tuple[Layer, ...] = (changed.layer,)
        if len(layer.inner) == 2 and layer.type == "Bidirectional":
            second = amend(layer.inner[1], {k: v for k, v in changed.layer.arguments.items()
                                            if k == "return_sequences"})  # fmt: skip
            inner = (changed.layer, second)
        yield changed.cost, replace(layer, inner=inner)
