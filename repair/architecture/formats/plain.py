"""A plain list of layers in YAML or JSON, for people to write.

    input: [28, 28, 1]            # without the batch
    layers:
      - Conv2D: {filters: 32, kernel_size: 3, activation: relu}
      - Flatten
      - Dense: {units: 10}

A layer is its name, or {name of the layer: its arguments}, as Keras has both. It reads the layer
before it unless it says `inputs: [names]`; `name: ...` beside the layer names it. `wraps: [...]`
holds the layers inside TimeDistributed, Bidirectional, RNN or Sequential. A network of several
inputs writes them as layers: `- {name: image, Input: {shape: [28, 28, 1]}}`. `outputs: [names]`
says what it returns, if not the layers that no other reads.
"""

from collections.abc import Mapping

from repair.architecture.formats.documents import as_list, as_object
from repair.architecture.graph import MOST_NODES, Graph, Node
from repair.architecture.layer import DEEPEST, LayerSpec, Shape, Value, freeze, snake_case
from repair.architecture.layers import entry_of
from repair.errors import InputError

SETTINGS = ("name", "inputs", "wraps", "shares")


def is_plain(document: object) -> bool:
    """Whether a parsed document is a plain list of layers, or has one under `layers`."""
    layers = document.get("layers") if isinstance(document, dict) else document
    if not isinstance(layers, list) or not layers:
        return False
    plain = [layer for layer in layers if _kinds(layer)]
    return bool(plain) and all("type" not in layer for layer in plain if isinstance(layer, dict))


def read_plain(document: object, shape: Value = None) -> Graph:
    """The network of a plain list of layers.

    Args:
        document: the parsed YAML or JSON.
        shape: the shape of the input, without the batch, where the document does not say it.

    Raises:
        InputError: not of this form, a layer that is not known, a value that is not read.
    """
    whole = document if isinstance(document, dict) else {"layers": document}
    known = ("input", "layers", "outputs")
    for key in whole:
        if key not in known:
            raise InputError(f"unknown key {key!r:.60}: expected {', '.join(known)}.")
    records = as_list(whole.get("layers"), "layers")
    if len(records) > MOST_NODES:
        raise InputError(f"the network has {len(records)} layers: expected at most {MOST_NODES}.")
    nodes: list[Node] = []
    sizes = freeze(whole["input"], "input") if "input" in whole else shape
    first = _split(records[0], 0)[0] if records else ""
    if sizes is not None and first != "Input":
        nodes.append(Node("input", LayerSpec("Input", {"shape": sizes})))
    names = {"input": 1} if nodes else {}
    for position, record in enumerate(records):
        kind, arguments, settings = _split(record, position)
        stem = snake_case(entry_of(kind).name)
        names[stem] = names.get(stem, 0) + 1
        default = stem if names[stem] == 1 else f"{stem}_{names[stem] - 1}"
        name = _text(settings.get("name", default), f"the name of layer {position + 1}")
        owner = settings.get("shares")
        layer = _layer(kind, arguments, settings.get("wraps"), name)
        inputs: tuple[str, ...] = ()
        if "inputs" in settings:
            what = f"the inputs of {name!r}"
            inputs = tuple(_text(item, what) for item in as_list(settings["inputs"], what))
        elif kind != "Input":
            if not nodes:
                raise InputError(
                    "the list does not say the shape of the input: write input: [28, 28, 1] above "
                    "the layers, or give --input-shape."
                )
            inputs = (nodes[-1].name,)
        nodes.append(Node(name, layer, inputs, None if owner is None else _text(owner, "shares")))
    outputs = whole.get("outputs")
    if outputs is None:
        return Graph.of(nodes)
    return Graph.of(nodes, [_text(item, "outputs") for item in as_list(outputs, "outputs")])


def write_plain(graph: Graph) -> dict[str, object]:
    """The document of a network; of a plain list again that list, where nothing changed."""
    nodes = list(graph.nodes)
    document: dict[str, object] = {}
    inputs = [node for node in nodes if node.layer.type == "Input"]
    plain = inputs == nodes[:1] and nodes[0].name == "input"
    if plain and len(nodes[0].layer.arguments) == 1:
        document["input"] = _thaw(nodes[0].layer.arguments["shape"])
        nodes = nodes[1:]
    before = graph.nodes[0].name if len(nodes) < len(graph) else ""
    counts: dict[str, int] = {}
    layers: list[object] = []
    for node in nodes:
        stem = snake_case(node.layer.type)
        counts[stem] = counts.get(stem, 0) + 1
        default = stem if counts[stem] == 1 else f"{stem}_{counts[stem] - 1}"
        settings: dict[str, object] = {} if node.name == default else {"name": node.name}
        record = settings | _record(node.layer)
        if node.inputs != (before,) and node.layer.type != "Input":
            record["inputs"] = list(node.inputs)
        if node.shares:
            record["shares"] = node.shares
        layers.append(node.layer.type if record == {node.layer.type: {}} else record)
        before = node.name
    document["layers"] = layers
    read = {name for node in graph.nodes for name, _ in node.sources}
    if graph.outputs != tuple(node.name for node in graph.nodes if node.name not in read):
        document["outputs"] = list(graph.outputs)
    return document


def _kinds(record: object) -> list[str]:
    """The names of layers in a record: one, if it is of this form."""
    if isinstance(record, str):
        return [record]
    if isinstance(record, dict):
        return [key for key in record if isinstance(key, str) and key[:1].isupper()]
    return []


def _split(record: object, position: int) -> tuple[str, object, Mapping[str, object]]:
    """The name of the layer, its arguments, and the settings beside it."""
    kinds = _kinds(record)
    if len(kinds) != 1:
        raise InputError(
            f"layer {position + 1}: expected the name of a layer, such as Flatten, or a name with "
            f"arguments, such as Dense: {{units: 10}}; got {record!r:.80}."
        )
    if not isinstance(record, dict):
        return kinds[0], {}, {}
    settings = {key: value for key, value in record.items() if key != kinds[0]}
    for key in settings:
        if key not in SETTINGS:
            raise InputError(
                f"layer {position + 1}: unknown key {key!r:.60} beside {kinds[0]}: expected "
                f"{', '.join(SETTINGS)}."
            )
    return kinds[0], record[kinds[0]], settings


def _layer(kind: str, arguments: object, wraps: object, name: str, depth: int = 0) -> LayerSpec:
    entry = entry_of(kind)
    given = as_object({} if arguments is None else arguments, f"the arguments of {name!r}")
    if depth > DEEPEST:
        raise InputError(f"{name!r} wraps layers over {DEEPEST} deep: unwrap some of them.")
    inner = []
    for position, record in enumerate(as_list([] if wraps is None else wraps, f"{name}: wraps")):
        wrapped, inside, settings = _split(record, position)
        inner.append(_layer(wrapped, inside, settings.get("wraps"), name, depth + 1))
    values = {_text(key, "an argument"): freeze(v, f"{name}: {key}") for key, v in given.items()}
    return LayerSpec(entry.name, values, tuple(inner))


def _record(layer: LayerSpec) -> dict[str, object]:
    record: dict[str, object] = {layer.type: {k: _thaw(v) for k, v in layer.arguments.items()}}
    if layer.inner:
        record["wraps"] = [_record(inner) for inner in layer.inner]
    return record


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise InputError(f"{what}: expected a text of at most 200 letters, got {value!r:.60}.")
    return value


def _thaw(value: Value | Shape) -> object:
    return [_thaw(item) for item in value] if isinstance(value, tuple) else value
