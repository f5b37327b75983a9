"""The published tool's model JSON: named layers that name their inputs, or a plain chain.

Values are texts: "((1, 1), (1, 1))", "true", "[[0.5, 0.1]]" for a tensor, batch first. A chain has
no names; its input is `shape` beside the layers, whose first entry is the batch.
"""

from collections.abc import Mapping

from repair.architecture.formats.exais.literal import literal, sizes_of
from repair.architecture.graph import Graph, Node, depth_first
from repair.architecture.layer import LayerSpec, Shape, Value, freeze
from repair.architecture.layers import ALIASES, LAYERS
from repair.architecture.layers.arguments import ACTIVATIONS
from repair.errors import InputError, unknown

Files = Mapping[str, Shape]

TYPES: Mapping[str, str] = {
    **{name.lower(): LAYERS[name].name for name in LAYERS},
    **{name.lower(): target for name, target in ALIASES.items()},
    "linear": "Dense",
}
WEIGHTS = {
    "weights": "kernel",
    "filters": "kernel",
    "weight_shape": "kernel",
    "weights1": "pointwise_kernel",
    "recurrent_weights": "recurrent_kernel",
    "bias": "bias",
    "gammas": "gamma",
    "betas": "beta",
    "means": "moving_mean",
    "variances": "moving_variance",
    "alphas": "alpha",
}
RENAMED = {
    "kernel_shape": "kernel_size",
    "stride": "strides",
    "permute_dims": "dims",
    "func": "activation",
    "newshape": "target_shape",
}
SIZE = {
    "Pooling": "pool_size",
    "ZeroPadding": "padding",
    "Cropping": "cropping",
    "Reshape": "target_shape",
    "UpSampling": "size",
}
NOT_ARGUMENTS = ("name", "type", "inputs", "input_shape", "input_shape1", "nodes", "bounds")


def read_model(document: object, *, weights: bool = True, files: Files | None = None) -> Graph:
    """The network of a model JSON, in the tool's order of execution.

    Args:
        document: the parsed JSON, {"layers": [...]} or {"model": {"layers": [...]}}.
        weights: whether the given weights bind; if not, layers make weights of their own, as
            Keras does.
        files: shapes of weights that are given by the name of a file.

    Raises:
        InputError: not of this form, a layer type that is not known, a value that cannot be read.
    """
    model = document.get("model", document) if isinstance(document, dict) else None
    layers = model.get("layers") if isinstance(model, dict) else None
    if not isinstance(model, dict) or not isinstance(layers, list):
        raise InputError("expected a model with a list of 'layers', as the published tool has it.")
    records = [_record(layer, position) for position, layer in enumerate(layers)]
    if any(record.get("inputs") for record in records):
        source = [] if all(record.get("inputs") for record in records) else _source(model, records)
        nodes = [node for record in records for node in named_nodes(record, weights, files, source)]
        nodes = [*source, *nodes]
        read = {name for node in nodes for name, _ in node.sources}
        ends = [node.name for node in nodes if node.name not in read]
        return Graph.of(depth_first(Graph.of(nodes).nodes, ends), ends)
    return Graph.of(_chain(model, records, weights, files or {}))


def _record(layer: object, position: int) -> dict[str, object]:
    if not isinstance(layer, dict) or not isinstance(layer.get("type"), str):
        raise InputError(f"layer {position}: expected an object with a 'type'.")
    if not isinstance(layer.get("name", ""), str):
        raise InputError(f"layer {position}: its name must be a text.")
    if not isinstance(layer.get("inputs", []), list):
        raise InputError(f"layer {position}: its inputs must be a list.")
    return {"name": f"{layer['type']}_{position + 1}", **layer}


def named_nodes(
    record: Mapping[str, object], weights: bool, files: Files | None, source: list[Node]
) -> list[Node]:
    """A layer and the literal tensors that it reads, as inputs of the network."""
    name = str(record["name"])
    tensors: list[Node] = []
    inputs = [] if record.get("inputs") else [node.name for node in source]
    for reference in record.get("inputs") or ():  # type: ignore[attr-defined]
        if not isinstance(reference, str):
            raise InputError(f"{name}: its inputs must be names of layers or tensors as texts.")
        if not reference.lstrip().startswith("["):
            inputs.append(reference)
            continue
        for tensor in literal_tensors(record, reference):
            fresh = f"{name}_input" + (f"_{len(tensors) + 1}" if tensors else "")
            tensors.append(Node(fresh, LayerSpec("Input", {"shape": sizes_of(tensor)[1:]})))
            inputs.append(fresh)
    return [*tensors, Node(name, _layer(record, weights, files or {}), tuple(inputs))]


def literal_tensors(record: Mapping[str, object], text: str) -> list[object]:
    """The tensors of a literal input: several stand in a list of one dimension more."""
    name = str(record["name"])
    value = literal(text, name)
    shape = literal(record.get("input_shape", ""), name)
    rank = len(shape) if isinstance(shape, list) else None
    return list(value) if rank and len(sizes_of(value)) == rank + 1 else [value]  # type: ignore


def _chain(
    model: Mapping[str, object], records: list[dict[str, object]], weights: bool, files: Files
) -> list[Node]:
    nodes = _source(model, records)
    for record in records:
        layer = _layer(record, weights, files)
        nodes.append(Node(str(record["name"]), layer, (nodes[-1].name,)))
    return nodes


def _source(model: Mapping[str, object], records: list[dict[str, object]]) -> list[Node]:
    """The input of the network: `shape`, else the `input_shape` of the first layer."""
    if not records:
        raise InputError("the model has no layers: give at least one.")
    given = model.get("shape", records[0].get("input_shape"))
    sizes = freeze(literal(given, "shape"), "shape")
    if not isinstance(sizes, tuple) or not sizes:
        raise InputError("the model has no 'shape': give one such as '(1, 28, 28, 1)'.")
    return [Node("input", LayerSpec("Input", {"shape": sizes[1:]}))]


def _layer(record: Mapping[str, object], weights: bool, files: Files) -> LayerSpec:
    name, kind = str(record["name"]), str(record["type"]).lower().replace("_", "")
    if kind == "function":
        kind = str(record.get("func", "")).lower()
    if kind not in TYPES and kind in ACTIVATIONS:
        return LayerSpec("Activation", {"activation": kind})
    if kind not in TYPES:
        raise unknown("layer type", str(record["type"]), TYPES)
    entry = LAYERS[TYPES[kind]]
    cell = entry.name.endswith("Cell")
    shapes: dict[str, Shape] = {}
    arguments: dict[str, Value] = {}
    for key, value in record.items():
        if key in NOT_ARGUMENTS or value == "" or (key == "func" and record["type"] == "function"):
            continue
        if key in WEIGHTS and (key not in entry.arguments or _is_file(value)):
            shapes |= _weight(entry.name, key, value, name, files)
            continue
        argument = _argument(entry.name, key)
        if argument in entry.arguments:
            arguments[argument] = _value(entry.name, argument, literal(value, name), key)
    nodes = literal(record.get("nodes", ""), name)
    arguments = _width(entry.name, freeze(nodes, f"{name}: nodes"), shapes) | arguments
    if "kernel_size" in entry.arguments and "kernel" in shapes:
        arguments = {"kernel_size": shapes["kernel"][:-2], **arguments}
    bound = shapes if weights or "weight_shape" in record else {}
    if "filters" in record and entry.name.startswith("Conv"):
        arguments["data_format"] = "channels_first"  # as the files of weights are laid out
    layer = LayerSpec(entry.name, arguments, weights=bound)
    return LayerSpec("RNN", inner=(layer,)) if cell else layer


def _is_file(value: object) -> bool:
    return isinstance(value, str) and value.endswith(".txt")


def _argument(kind: str, key: str) -> str:
    if kind == "LeakyReLU" and key == "alpha":
        return "negative_slope"
    if key in ("size", "sizes"):
        return next((name for stem, name in SIZE.items() if stem in kind), key)
    return RENAMED.get(key.lower(), key)


def _value(kind: str, argument: str, value: object, key: str) -> Value:
    frozen = freeze(value, f"{kind}: {argument}")
    flag = frozen is True or frozen is False or frozen == 0
    if flag and argument == "padding" and not kind.startswith("ZeroPadding"):
        return "same" if frozen else "valid"
    if argument == "target_shape" and key == "newshape" and isinstance(frozen, tuple):
        return frozen[1:]
    if argument in ("padding", "cropping") and isinstance(frozen, tuple) and len(frozen) == 4:
        return (frozen[:2], frozen[2:])
    one = isinstance(frozen, tuple) and len(frozen) == 1
    if one and (argument == "axis" or kind in ("UpSampling1D", "Cropping1D", "ZeroPadding1D")):
        return frozen[0]  # type: ignore[index]
    return frozen


def _width(kind: str, nodes: Value, shapes: Mapping[str, Shape]) -> dict[str, Value]:
    """The width as the weights have it, else as `nodes` says."""
    arguments = LAYERS[kind].arguments
    if kind.startswith("Depthwise"):
        return {"depth_multiplier": shapes["kernel"][-1]} if "kernel" in shapes else {}
    name = "units" if "units" in arguments else "filters" if "filters" in arguments else None
    if name is None:
        return {}
    if name == "units" and "recurrent_kernel" in shapes:
        return {name: shapes["recurrent_kernel"][0]}
    if nodes is None and "kernel" in shapes:
        return {name: shapes["kernel"][-1]}
    return {} if nodes is None else {name: nodes}


def _weight(kind: str, key: str, value: object, name: str, files: Files) -> dict[str, Shape]:
    weight = WEIGHTS[key]
    if kind == "Embedding" and weight == "kernel":
        weight = "embeddings"
    if kind.startswith("SeparableConv") and weight == "kernel":
        weight = "depthwise_kernel"
    if _is_file(value):
        return {weight: tuple(files[str(value)])} if value in files else {}
    parsed = literal(value, name)
    if key == "weight_shape":
        shape = freeze(parsed, f"{name}: {key}")
        if not isinstance(shape, tuple) or not shape or any(type(n) is not int for n in shape):
            raise InputError(f"{name}: expected a weight_shape such as '(3, 3, 1, 8)'.")
        return {weight: shape}  # type: ignore[dict-item]
    return {weight: sizes_of(parsed)} if isinstance(parsed, list) else {}
