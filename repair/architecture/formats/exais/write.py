"""Networks written back in the published tool's formats: its terms and its model JSON."""

import json
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from repair.architecture.errors import Diagnostic, ErrorKind
from repair.architecture.formats.exais.literal import literal, sizes_of
from repair.architecture.formats.exais.model import (
    RENAMED,
    TYPES,
    WEIGHTS,
    literal_tensors,
    read_model,
)
from repair.architecture.formats.exais.terms import GRAMMAR
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec, Shape, Value
from repair.architecture.layers import entry_of, infer, normal_arguments
from repair.architecture.layers.table import Arguments, Inferred
from repair.architecture.rules import KERAS3
from repair.architecture.trace import trace
from repair.errors import InputError

FUNCTORS = {(kind, rank): functor for functor, (kind, rank, _) in GRAMMAR.items()}
FUNCTOR = {kind: functor for (kind, _), functor in FUNCTORS.items()}
CALL = ("name", "inputs", "input_shape")
"""Keys of a record that stay when its layer becomes another."""
LARGEST_CONSTANT = 1_000_000
KEYS = {
    "units": "nodes",
    "filters": "nodes",
    "kernel_size": "kernel_shape",
    "target_shape": "size",
    "dims": "Permute_Dims",
}
"""Names of the tool's keys where they are not Keras's."""


def write_terms(graph: Graph) -> list[list[Any]]:
    """The network as the tool's terms; inputs become tensors with a batch of 1.

    Raises:
        InputError: a layer that the tool does not know, or arguments that are not valid.
    """
    shapes = trace(graph).shapes
    return [
        [node.name, *_term(graph, node, shapes)]
        for node in graph.nodes
        if node.layer.type != "Input"
    ]


def _term(graph: Graph, node: Node, shapes: Mapping[str, Shape | None]) -> tuple[str, list[Any]]:
    layer = node.layer.inner[0] if node.layer.type == "RNN" else node.layer
    functor = FUNCTOR.get(layer.type)
    a = normal_arguments(layer)
    if isinstance(a, Diagnostic):
        raise InputError(f"{node.name}: {layer.type} {a.text}; it cannot be written as a term.")
    if functor is None or (layer.type == "Activation" and a["activation"] != "sigmoid"):
        raise InputError(f"{node.name}: the published tool has no term for {layer}.")
    inputs = [_reference(graph, name) for name in node.inputs]
    given = tuple(shapes[name] for name, _ in node.sources)
    weights: Mapping[str, Shape] = layer.weights
    if not weights and not isinstance(_inferred(node, given), Diagnostic):
        weights = entry_of(layer.type).weights(a, given)  # type: ignore[arg-type]
    written: list[Any] = []
    for token in GRAMMAR[functor][2].split():
        if token == "I":
            written.append(inputs)
        elif token == "i":
            written.append(inputs.pop(0))
        elif token.startswith("{"):
            shape = weights.get(token[1:-1], ())
            written.append({"s": [*((2,) if token == "{depthwise_kernel}" else ()), *shape]})
        elif token in "spd" and not {"strides", "padding", "dilation_rate"} & set(layer.arguments):
            break
        else:
            written += _values(token, a)
    return functor, written


def _inferred(node: Node, given: tuple[Shape | None, ...]) -> Inferred:
    if None in given:
        return Diagnostic(ErrorKind.DIMENSION, "has an input of unknown shape", "a known shape")
    return infer(node.layer, given, KERAS3)  # type: ignore[arg-type]


def _values(token: str, a: Arguments) -> list[Any]:
    """The values of one token of the grammar, see `terms`."""
    if token.startswith("r<"):
        return list(a[token[2:-1]])
    if token.startswith("<"):
        value = a[token[1:-1]]
        return [value[0] if isinstance(value, tuple) else value]
    if token == "p":
        return [a["padding"] == "same"]
    if token == "t":
        return [list(a["target_shape"])]
    if token == "m":
        return [side for pair in a.get("cropping", a.get("padding")) for side in pair]
    if token == "k":
        return list(a.get("kernel_size", a.get("pool_size")))
    if token == "s":
        return list(a["strides"] or a["pool_size"])
    return list(a["dilation_rate" if token == "d" else "size"])


def _reference(graph: Graph, name: str) -> str | dict[str, list[Value]]:
    layer = graph[name].layer
    if layer.type != "Input":
        return name
    return {"s": [1, *layer.arguments["shape"]]}  # type: ignore[misc]


def write_model(graph: Graph, original: Mapping[str, Any]) -> dict[str, Any]:
    """The network as the tool's model JSON; records of layers that did not change stay as they are.

    Given weights that no longer fit are left out, and the tool makes new ones.

    Args:
        graph: the network, a repair of what `original` describes.
        original: the document that was read, {"layers": ...} or {"model": {"layers": ...}}.
    """
    model = original.get("model", original)
    before = read_model(original)
    records = {str(r.get("name", f"{r['type']}_{k + 1}")): r for k, r in enumerate(model["layers"])}
    tensors = _tensors(records)
    for node in graph.nodes:
        if node.layer.type == "Input" and node.name not in before:
            tensors[node.name] = np.zeros((1, *_sizes(node))).tolist()
    named = any("inputs" in record for record in model["layers"])
    named = named or any(len(node.inputs) > 1 for node in graph.nodes)
    written = []
    for node in _in_order(graph, list(records)):
        record = dict(records.get(node.name, {}))
        old = before.by_name.get(node.name)
        if old is None or old.layer != node.layer:
            record = _updated(record, old.layer if old else None, node.layer)
        if named and (old is None or old.inputs != node.inputs):
            record["name"] = node.name
            sources = [json.dumps(tensors[n]) if n in tensors else n for n in node.inputs]
            record["inputs"] = [name for name in sources if name != "input"]
            literals = [tensors[name] for name in node.inputs if name in tensors]
            if literals:
                record["input_shape"] = str(list(sizes_of(literals[0])))
        written.append(record)
    repaired = {**model, "layers": written}
    return {**original, "model": repaired} if "model" in original else repaired


def _in_order(graph: Graph, names: list[str]) -> list[Node]:
    """The layers in the order of the document, added ones before the first that reads them."""
    order = [name for name in names if name in graph]
    for node in reversed(graph.nodes):
        if node.layer.type != "Input" and node.name not in names:
            readers = [order.index(name) for name in graph.consumers[node.name]]
            order.insert(min(readers, default=len(order)), node.name)
    return [graph[name] for name in order]


def _sizes(node: Node) -> tuple[int, ...]:
    sizes = tuple(node.layer.arguments["shape"] or ())  # type: ignore[arg-type]
    if None in sizes or prod(sizes) > LARGEST_CONSTANT:  # type: ignore[arg-type]
        raise InputError(f"{node.name}: an input of sizes {sizes} cannot be written as a tensor.")
    return sizes  # type: ignore[return-value]


def _tensors(records: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    """The literal inputs by the names that they have in the graph."""
    tensors: dict[str, object] = {}
    for name, record in records.items():
        texts = [one for one in record.get("inputs", ()) if one.lstrip().startswith("[")]
        values = [v for one in texts for v in literal_tensors({**record, "name": name}, one)]
        for number, value in enumerate(values):
            tensors[f"{name}_input" + (f"_{number + 1}" if number else "")] = value
    return tensors


def _updated(record: dict[str, Any], old: LayerSpec | None, layer: LayerSpec) -> dict[str, Any]:
    """The record with the arguments of the layer, and without weights where those changed."""
    inner = layer.inner[0] if layer.type == "RNN" and len(layer.inner) == 1 else layer
    if inner.inner:
        raise InputError(f"the published tool's model JSON has no layer such as {layer}.")
    previous = old.inner[0] if old and old.inner else old
    if previous is None or previous.type != inner.type:
        kept = {key: value for key, value in record.items() if key in CALL}
        record, previous = {**kept, "type": _tool_type(inner.type)}, LayerSpec(inner.type)
    spelt = {RENAMED.get(key.lower(), key): key for key in record}
    for name in set(previous.arguments) - set(inner.arguments):
        record.pop(spelt.get(name, KEYS.get(name, name)), None)
    for name, value in inner.arguments.items():
        if previous.arguments.get(name) == value:
            continue
        record[spelt.get(name, KEYS.get(name, name))] = _text(inner.type, name, value)
    if dict(previous.weights) != dict(inner.weights) or previous.arguments != inner.arguments:
        for key in WEIGHTS:
            if isinstance(literal(record.get(key), ""), list):
                record[key] = ""
    return record


def _tool_type(kind: str) -> str:
    short = kind.lower().replace("maxpooling", "maxpool")
    return short if short in TYPES else kind.lower()


def _text(kind: str, name: str, value: Value) -> str:
    """A value as the tool writes it: "true", "(1, 2)", "((1, 1))"."""
    if name == "padding" and isinstance(value, str):
        return "true" if value == "same" else "false"
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if kind in ("Cropping1D", "ZeroPadding1D") and isinstance(value, tuple):
        value = (value,)
    if name == "size" and isinstance(value, int):
        value = (value,)
    return str(value).replace(",)", ")")
