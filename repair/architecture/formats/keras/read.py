"""Keras model JSON (`model.to_json()`, the config of a .keras file) as a graph: Keras 3 and 2.

Fields: keras.saving.serialize_keras_object and Model.get_config of Keras 3; of Keras 2 the older
`inbound_nodes`, lists of [layer, call, output, arguments].
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from repair.architecture.formats.documents import as_list, as_object
from repair.architecture.formats.keras.records import Record, first_shape, name_of, read_layer
from repair.architecture.graph import MOST_NODES, Graph, Node
from repair.architecture.layer import LayerSpec, Value
from repair.errors import InputError

MODELS = ("Sequential", "Functional", "Model")
Reference = tuple[str, int, int]
"""Layer, which of its calls, which of its outputs."""


@dataclass(frozen=True)
class KerasModel:
    """A model as Keras serialises it.

    Args:
        graph: the layers of the model; nested models are drawn in, their layers named "model/layer".
        records: the layer's own record by node name, whose other settings a repair keeps.
        document: the parsed JSON around it.
        sequential: whether it is a Sequential and not a functional model.
        keras2: whether it is in the older form of Keras 2.
    """

    graph: Graph
    records: Mapping[str, Record]
    document: Record
    sequential: bool
    keras2: bool


def is_keras(document: object) -> bool:
    """Whether a parsed JSON has the form of a serialised Keras model."""
    return isinstance(document, dict) and "class_name" in document and "config" in document


def read_keras(document: object, shape: Value = None) -> KerasModel:
    """The model of a parsed JSON.

    Args:
        document: {"class_name": "Sequential" or "Functional", "config": ...}.
        shape: the shape of the input, without the batch, where a Sequential does not say it.

    Raises:
        InputError: not of this form, a layer type that is not known, a tensor of no layer.
    """
    record = as_object(document, "the model")
    kind = record.get("class_name")
    if kind not in MODELS:
        raise InputError(
            f"the model is of the class {kind!r}: expected one of {', '.join(MODELS)}. "
            "The layers of a subclassed model are not in its JSON: give its Python source."
        )
    reader = _ModelReader(shape)
    if kind == "Sequential":
        outputs: tuple[str, ...] = (reader.sequential(record, "", None, None),)
    else:
        outputs = reader.functional(record, "", None, None)
    keras2 = "module" not in record and "registered_name" not in record
    return KerasModel(reader.graph(outputs), reader.records, record, kind == "Sequential", keras2)


class _ModelReader:
    """Draws layers, and models among them, into one list of nodes."""

    def __init__(self, shape: Value) -> None:
        self.shape = shape
        self.nodes: list[Node] = []
        self.records: dict[str, Record] = {}
        self.aliases: dict[str, str] = {}  # the inputs of nested models: what is passed to them

    def graph(self, outputs: tuple[str, ...]) -> Graph:
        """All nodes, with what is passed to nested models in place of their inputs."""
        if not self.nodes:
            raise InputError("the model has no layers: give at least one.")
        names = {node.name for node in self.nodes}
        meant = {name: self._meant(name) for name in self.aliases if name not in names}
        nodes = [
            replace(node, inputs=tuple(meant.get(ref, ref) for ref in node.inputs))
            for node in self.nodes
        ]
        return Graph.of(nodes, tuple(meant.get(ref, ref) for ref in outputs))

    def _meant(self, name: str) -> str:
        seen = {name}
        while name in self.aliases:
            name = self.aliases[name]
            if name in seen:
                raise InputError(f"the models read each other in a circle at {name!r}.")
            seen.add(name)
        return name

    def sequential(self, record: Record, prefix: str, reads: str | None, first: str | None) -> str:
        """Adds the nodes of a Sequential that reads `reads`, or an input of its own.

        Args:
            record: the serialised model.
            prefix: before the names of its layers.
            reads: what it is called with; None for the outermost model.
            first: the prefix of its first call, when this is another.
        """
        config = record.get("config")
        layers = config if isinstance(config, list) else as_object(config, "config").get("layers")
        for position, item in enumerate(as_list(layers, "layers")):
            layer = as_object(item, "a layer")
            name = name_of(layer, position)
            if layer.get("class_name") == "InputLayer":
                if reads is None:
                    reads = self._add(Node(name, read_layer(layer)), layer)
                continue
            if reads is None:
                sizes = first_shape(record, layer) or self.shape
                if sizes is None:
                    raise InputError(
                        "the Sequential model does not say the shape of its input: give it, such "
                        "as --input-shape 28,28,1."
                    )
                self.nodes.append(Node("input", LayerSpec("Input", {"shape": sizes})))
                reads = "input"
            outputs = self._call(layer, prefix + name, (reads,), first and first + name)
            reads = outputs[0]
        if reads is None:
            raise InputError("the Sequential model has no layers: give at least one.")
        return reads

    def functional(
        self, record: Record, prefix: str, reads: tuple[str, ...] | None, first: str | None
    ) -> tuple[str, ...]:
        """Adds the nodes of a functional model; returns what it returns."""
        config = as_object(record.get("config"), "config")
        layers = [as_object(item, "a layer") for item in as_list(config.get("layers"), "layers")]
        results: dict[tuple[str, int], tuple[str, ...]] = {}
        inputs = [name for name, _, _ in references(config.get("input_layers", []))]
        given = dict(zip(inputs, reads or (), strict=False))

        def tensor(reference: Reference) -> str:
            name, call, index = reference
            single = f"{prefix}{name}" + (f"/call{call + 1}" if call else "")
            outputs = results.get((name, call), (single,))
            if len(outputs) > 1:
                return outputs[min(index, len(outputs) - 1)]
            return f"{outputs[0]}:{index}" if index else outputs[0]

        models = [layer for layer in layers if layer.get("class_name") in MODELS]
        plain = [layer for layer in layers if layer.get("class_name") not in MODELS]
        for layer in _in_order(models):
            name = name_of(layer, len(results))
            for call, inbound in enumerate(_inbound(layer)):
                full = f"{prefix}{name}" + (f"/call{call + 1}" if call else "")
                owner = (first and first + name) or (f"{prefix}{name}" if call else None)
                results[name, call] = self._call(layer, full, tuple(map(tensor, inbound)), owner)
        for position, layer in enumerate(plain):
            name = name_of(layer, position)
            if name in given:
                self.aliases[prefix + name] = given[name]
                continue
            for call, inbound in enumerate(_inbound(layer) or [()]):
                full = f"{prefix}{name}" + (f"/call{call + 1}" if call else "")
                owner = (first and first + name) or (f"{prefix}{name}" if call else None)
                self._call(layer, full, tuple(map(tensor, inbound)), owner)
        outputs = tuple(map(tensor, references(config.get("output_layers", []))))
        if not outputs:
            raise InputError("the functional model has no 'output_layers': name at least one.")
        return outputs

    def _call(
        self, layer: Record, name: str, reads: tuple[str, ...], owner: str | None
    ) -> tuple[str, ...]:
        """Adds one call of a layer or of a whole model; returns what it returns."""
        kind = layer.get("class_name")
        inside = owner and owner + "/"
        if kind == "Sequential":
            return (self.sequential(layer, name + "/", reads[0] if reads else None, inside),)
        if kind in MODELS:
            return self.functional(layer, name + "/", reads, inside)
        return (self._add(Node(name, read_layer(layer), reads, owner), layer),)

    def _add(self, node: Node, layer: Record) -> str:
        if len(self.nodes) >= MOST_NODES:
            raise InputError(f"the network has over {MOST_NODES} layers: expected at most that.")
        self.nodes.append(node)
        self.records[node.name] = layer
        return node.name


def references(value: object) -> list[Reference]:
    """The tensors named in `input_layers` or `output_layers`: one, a list or a mapping of them."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [_reference(value)]
    items = value.values() if isinstance(value, dict) else as_list(value, "a list of tensors")
    return [reference for item in items for reference in references(item)]


def _reference(value: object) -> Reference:
    if isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str):
        name, call, index = value[:3]
        if type(call) is int and type(index) is int and 0 <= call < 10_000 and 0 <= index < 1_000:
            return name, call, index
    raise InputError(f"expected a tensor as [layer, call, output], got {value!r:.80}.")


def _inbound(layer: Record) -> list[tuple[Reference, ...]]:
    """What each call of a layer reads."""
    calls = as_list(layer.get("inbound_nodes", []), "inbound_nodes")
    return [tuple(_tensors(call)) for call in calls]


def _tensors(value: object) -> Iterator[Reference]:
    """The tensors among the arguments of a call, in either form."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            config = as_object(value.get("config"), "a tensor")
            yield _reference(config.get("keras_history"))
        elif "keras_history" not in value:
            for item in value.values():
                yield from _tensors(item)
    elif isinstance(value, list):
        if len(value) >= 3 and isinstance(value[0], str) and type(value[1]) is int:
            yield _reference(value)
            value = value[3:]
        for item in value:
            yield from _tensors(item)


def _in_order(models: list[Record]) -> list[Record]:
    """Nested models, each after those that it reads directly."""
    names = {name_of(model, 0): model for model in models}
    done: dict[str, Record] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise InputError(f"the models read each other in a circle at {name!r}.")
        if name in done or name not in names:
            return
        for call in _inbound(names[name]):
            for reads, _, _ in call:
                visit(reads, (*path, name))
        done[name] = names[name]

    for name in names:
        visit(name, ())
    return list(done.values())
