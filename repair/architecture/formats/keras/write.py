"""A graph as Keras model JSON, in the form (Keras 3 or 2) that it was read from."""

from collections.abc import Mapping
from itertools import pairwise

from repair.architecture.formats.keras.read import KerasModel
from repair.architecture.formats.keras.records import Record, write_layer
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layers import LAYERS
from repair.architecture.trace import trace
from repair.errors import InputError

GONE = ("LocallyConnected1D", "LocallyConnected2D", "ThresholdedReLU")
"""Layers of Keras 2 that Keras 3 does not have."""


def write_keras(graph: Graph, model: KerasModel | None = None) -> dict[str, object]:
    """The parsed JSON of a network, for `keras.models.model_from_json`.

    Layers that did not change keep their record with all other settings, such as initializers.
    Models inside the model come out as their layers.

    Args:
        graph: the network.
        model: the model that it was read from; None: it is written anew as Keras 3.

    Raises:
        InputError: a layer that is code, or that Keras 3 does not have.
    """
    keras2 = model is not None and model.keras2
    records = model.records if model else {}
    for node in graph.nodes:
        if node.layer.type in GONE and not keras2:
            raise InputError(f"{node.name!r} is a {node.layer.type}, which Keras 3 does not have.")
        if node.layer.type == "Lambda" and node.name not in records:
            raise InputError(f"{node.name!r} is code that is not read: it cannot be written.")
    chain = is_chain(graph)
    config: dict[str, object] = {"name": "sequential" if chain else "functional"}
    kind = "Sequential" if chain and (model is None or model.sequential) else "Functional"
    if model:
        given = model.document.get("config")
        config |= dict(given) if isinstance(given, dict) else {}
        config.pop("build_input_shape", None)
    if kind == "Sequential":
        config["layers"] = [_record(node, records, keras2) for node in graph.nodes]
    else:
        config |= _functional(graph, records, keras2)
    document: dict[str, object] = {"class_name": kind, "config": config}
    if model:
        kept = {k: v for k, v in model.document.items() if k not in ("build_config", "config")}
        if model.sequential == (kind == "Sequential"):
            return kept | {"config": config}
    if keras2:
        return document
    module = (
        "keras" if kind == "Sequential" else "keras.src.models.functional"
    )  # as Keras writes it
    return {"module": module, **document, "registered_name": kind}


def is_chain(graph: Graph) -> bool:
    """Whether the network is one input and layers of one input each, one after the other."""
    nodes = graph.nodes
    return (
        nodes[0].layer.type == "Input"
        and graph.outputs == (nodes[-1].name,)
        and all(
            after.inputs == (before.name,) and after.shares is None
            for before, after in pairwise(nodes)
        )
    )


def _record(node: Node, records: Mapping[str, Record], keras2: bool) -> dict[str, object]:
    name = node.name.replace("/", "_")  # as Keras 3 demands, and models inside are drawn in
    record = write_layer(node.layer, name, records.get(node.name), keras2)
    if name != node.name and isinstance(record.get("config"), dict):
        record["config"] = {**record["config"], "name": name}  # type: ignore[dict-item]
    return record


def _functional(graph: Graph, records: Mapping[str, Record], keras2: bool) -> dict[str, object]:
    calls: dict[str, tuple[str, int]] = {}
    counts: dict[str, int] = {}
    layers: dict[str, dict[str, object]] = {}
    traced = trace(graph)
    for node in graph.nodes:
        owner = node.shares or node.name
        calls[node.name] = (owner.replace("/", "_"), counts.setdefault(owner, 0))
        counts[owner] += 1
        reads: list[object] = []
        for name, index in node.sources:
            shape = traced.shape_of(name, index)
            history = [*calls[name], index]
            reads.append([*history, {}] if keras2 else _tensor(history, list(shape or ())))
        if owner == node.name:
            record = _record(node, records, keras2)
            layers[owner] = {**record, "name": owner.replace("/", "_"), "inbound_nodes": []}
        inbound = layers[owner]["inbound_nodes"]
        if reads and isinstance(inbound, list):
            inbound.append(_call(node, reads, keras2))
    ends = [[*calls[source(name)[0]], source(name)[1]] for name in graph.outputs]
    starts = [[*calls[node.name], 0] for node in graph.nodes if node.layer.type == "Input"]
    return {"layers": list(layers.values()), "input_layers": starts, "output_layers": ends}


def _tensor(history: list[object], shape: list[object]) -> dict[str, object]:
    config = {"shape": shape, "dtype": "float32", "keras_history": history}
    return {"class_name": "__keras_tensor__", "config": config}


def _call(node: Node, reads: list[object], keras2: bool) -> object:
    if keras2:
        return reads
    entry = LAYERS[node.layer.type]
    if entry.inputs[0] == 2 and node.layer.type == "MultiHeadAttention":
        return {"args": reads, "kwargs": {}}
    together = entry.inputs[1] is None or entry.inputs[0] > 1
    return {"args": [reads] if together else reads, "kwargs": {}}
