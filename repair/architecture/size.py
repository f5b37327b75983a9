"""How large a network is: parameters, and multiply-adds of one forward pass of one example."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import prod
from typing import NamedTuple

from repair.architecture.errors import Diagnostic, ErrorKind
from repair.architecture.graph import Graph
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import Outputs, entry_of, infer, normal_arguments
from repair.architecture.layers.table import Arguments
from repair.architecture.rules import Rules
from repair.architecture.trace import Trace


class Size(NamedTuple):
    """Parameters and multiply-adds.

    Args:
        parameters: values of all weights.
        operations: multiply-adds with kernels, and those of products of two inputs; pooling,
            activations and sums are left out.
    """

    parameters: int
    operations: int


NO_SIZE = Size(0, 0)
MISFITS = (ErrorKind.POOL, ErrorKind.DILATION, ErrorKind.WEIGHT_DIMENSION, ErrorKind.WEIGHT_SHAPE)
"""Diagnostics of layers that have weights all the same: only the number of places or the given weights are wrong."""


def total_size(parts: Iterable[Size]) -> Size:
    """The sum of some sizes."""
    return Size(*map(sum, zip(*parts, NO_SIZE, strict=True)))


def size_change(before: Mapping[str, Size], after: Mapping[str, Size]) -> Size:
    """How much each layer grows or shrinks, summed over the layers of two networks."""
    pairs = [(before.get(name, NO_SIZE), after.get(name, NO_SIZE)) for name in {**before, **after}]
    return total_size(
        Size(abs(a.parameters - b.parameters), abs(a.operations - b.operations)) for a, b in pairs
    )


def layer_sizes(graph: Graph, trace: Trace, rules: Rules) -> dict[str, Size]:
    """The size of each layer; of a layer called again, its operations only.

    A size that is not known counts as 1; a layer that is broken in its arguments or its number of
    dimensions, or of unknown inputs, as nothing.

    Args:
        graph: the network.
        trace: the shapes and errors of the network.
        rules: the rule set.
    """
    by_layer: dict[str, Size] = {}
    for node in graph.nodes:
        given = tuple([trace.shape_of(name, index) for name, index in node.sources])
        if None not in given:
            size = _layer_size(node.layer, given, rules)  # type: ignore[arg-type]
            by_layer[node.name] = size._replace(parameters=0) if node.shares else size
    return by_layer


@lru_cache(maxsize=1 << 14)
def _layer_size(layer: LayerSpec, shapes: tuple[Shape, ...], rules: Rules) -> Size:
    a, output = normal_arguments(layer), infer(layer, shapes, rules)
    if isinstance(output, Diagnostic) and output.kind in MISFITS:
        output = output.plausible or output
    if isinstance(a, Diagnostic) or isinstance(output, Diagnostic):
        return NO_SIZE
    if layer.inner:
        return _wrapper_size(layer, shapes, rules)
    reached = output.shapes[0] if isinstance(output, Outputs) else output
    weights = entry_of(layer.type).weights(a, shapes)
    kernels = sum(
        _number_of_values(shape) * _uses_of_kernel(layer.type, name, a, shapes, reached)
        for name, shape in weights.items()
        if name.endswith("kernel")
    )
    return Size(
        sum(map(_number_of_values, weights.values())),
        kernels + _product_operations(layer.type, a, shapes),
    )


def known_parameters(graph: Graph, trace: Trace, rules: Rules) -> dict[str, int | None]:
    """The parameters of each layer; None where an error, or a size that is not known, hides them.

    Args:
        graph: the network, valid or not.
        trace: the shapes and errors of the network.
        rules: the rule set.
    """
    by_layer: dict[str, int | None] = {}
    for node in graph.nodes:
        given = tuple([trace.shape_of(name, index) for name, index in node.sources])
        if node.shares:
            by_layer[node.name] = 0
            continue
        known = None if None in given else _known_weights(node.layer, given, rules)  # type: ignore[arg-type]
        by_layer[node.name] = None if known is None else sum(map(prod, known))
    return by_layer


def _known_weights(
    layer: LayerSpec, shapes: tuple[Shape, ...], rules: Rules
) -> list[tuple[int, ...]] | None:
    """The shapes of all weights of a layer; None where one of them is not known."""
    a, output = normal_arguments(layer), infer(layer, shapes, rules)
    broken = isinstance(output, Diagnostic) and output.kind not in MISFITS
    if isinstance(a, Diagnostic) or broken:
        return None
    weights: list[tuple[int, ...]] = []
    if layer.inner:
        for one, given in _inner_calls(layer, shapes, rules):
            within = _known_weights(one, given, rules)
            if within is None:
                return None
            weights += within
        return weights
    for shape in entry_of(layer.type).weights(a, shapes).values():
        if None in shape:
            return None
        weights.append(shape)  # type: ignore[arg-type]
    return weights


def _wrapper_size(layer: LayerSpec, shapes: tuple[Shape, ...], rules: Rules) -> Size:
    """The size of the layers inside."""
    stepwise = layer.type in ("TimeDistributed", "RNN")
    steps = _number_of_values(shapes[0][1:2]) if stepwise else 1
    whole = total_size(
        _layer_size(one, given, rules) for one, given in _inner_calls(layer, shapes, rules)
    )
    return whole._replace(operations=steps * whole.operations)


def _inner_calls(
    layer: LayerSpec, shapes: tuple[Shape, ...], rules: Rules
) -> Iterator[tuple[LayerSpec, tuple[Shape, ...]]]:
    """The layers inside with what each reads: side by side, one after the other, or at every step."""
    first = shapes[0]
    if layer.type == "Bidirectional":
        yield from ((one, (first,)) for one in (*layer.inner, *layer.inner)[:2])
        return
    stepwise = layer.type in ("TimeDistributed", "RNN")
    given = (first[0], *first[2:]) if stepwise else first
    for one in layer.inner:
        yield one, (given,)
        output = infer(one, (given,), rules)
        given = output if type(output) is tuple else given  # type: ignore[assignment]


def _number_of_values(shape: Shape) -> int:
    return prod(size or 1 for size in shape)


def _places(a: Arguments, shape: Shape) -> int:
    """Places of an image, or steps of a sequence."""
    return _number_of_values(shape[2:] if a.get("data_format") == "channels_first" else shape[1:-1])


def _uses_of_kernel(
    kind: str, name: str, a: Arguments, shapes: tuple[Shape, ...], output: Shape
) -> int:
    """How often a kernel is multiplied with something."""
    given = shapes[0]
    if kind.startswith("LocallyConnected"):  # its kernel has an axis for the places
        return 1
    if kind.startswith("ConvLSTM"):
        frame = output[2:] if a["return_sequences"] else output[1:]
        return _number_of_values(given[1:2]) * _places(a, (None, *frame))
    if kind.endswith("Transpose"):
        return _places(a, given)
    if "Conv" in kind:
        return _places(a, output)
    if kind == "MultiHeadAttention":
        return _places(a, shapes[0] if name.startswith(("query", "output")) else shapes[1])
    if kind == "EinsumDense":
        reads, kernel, _ = a["equation"].replace(" ", "").replace("->", ",").split(",")
        axes = zip(kernel, entry_of(kind).weights(a, shapes)["kernel"], strict=True)
        both = tuple(size for letter, size in axes if letter in reads)
        return _number_of_values(given[1:]) // _number_of_values(both)
    return _number_of_values(given[1:-1])  # Dense at every place, a recurrent layer at every step


def _product_operations(kind: str, a: Arguments, shapes: tuple[Shape, ...]) -> int:
    """Multiply-adds of one input with another."""
    if kind == "Dot":
        left, right = shapes
        axes = a["axes"] * 2 if len(a["axes"]) == 1 else a["axes"]
        return _number_of_values(left[1:]) * _number_of_values(right[1:]) // (left[axes[0]] or 1)
    if kind in ("Attention", "AdditiveAttention", "MultiHeadAttention"):
        query, value, key = (*shapes, shapes[1])[:3]
        wide = (query[-1] or 1) + (value[-1] or 1)
        if kind == "MultiHeadAttention":
            wide = a["num_heads"] * (a["key_dim"] + (a["value_dim"] or a["key_dim"]))
        return _number_of_values(query[1:-1]) * (key[-2] or 1) * wide
    return 0
