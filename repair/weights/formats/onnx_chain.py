"""An ONNX file read as a chain: operators in order, each fed by the one before and by constants."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError, Message
from onnx import numpy_helper

from repair.errors import InputError
from repair.weights.source import SourceFile


@dataclass(frozen=True)
class Chain:
    """Operators from the one input of a graph to its one output.

    Attributes:
        nodes: the operators (ONNX `NodeProto`) in order.
        constants: initializers and constant nodes by the name of their tensor.
        sizes: sizes of the input without the batch axis, as the graph orders them.
        notes: the file's metadata.
    """

    nodes: tuple[Any, ...]
    constants: Mapping[str, np.ndarray]
    sizes: tuple[int, ...]
    notes: Mapping[str, str]

    def where(self, place: int) -> str:
        """How to tell a person which operator is meant."""
        node = self.nodes[place]
        return f"operator {place} {node.op_type} ({node.name or 'unnamed'})"


def parsed(source: SourceFile) -> Any:
    """The model (ONNX `ModelProto`) in an ONNX file that holds all of its weights itself.

    Raises:
        InputError: a damaged file, or weights kept in another file.
    """
    try:
        model = onnx.load_model_from_string(source.content)
        _require_whole(model, source.path)  # first: the checker looks for the other files
        onnx.checker.check_model(model)
    except InputError:
        raise
    except (DecodeError, onnx.checker.ValidationError, OSError, ValueError) as error:
        reason = (str(error).splitlines() or ["it is empty"])[0]
        raise InputError(f"{source.path} is not a readable ONNX file: {reason}") from error
    return model


def read_chain(source: SourceFile) -> Chain:
    """The chain in an ONNX file.

    Raises:
        InputError: a damaged file, weights kept in another file, or a graph that is not a chain.
    """
    path, model = source.path, parsed(source)
    graph = model.graph
    constants = _constants(graph, path)
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise InputError(
            f"{path} has {len(inputs)} inputs and {len(graph.output)} outputs; expected one of each."
        )
    sizes = tuple(size.dim_value for size in inputs[0].type.tensor_type.shape.dim)[1:]
    if len(sizes) not in (1, 3) or min(sizes) < 1:
        raise InputError(
            f"{path} takes an input of sizes {sizes} beside the batch; expected (C, H, W),"
            " (H, W, C) or (D,), all known."
        )
    notes = {entry.key: entry.value for entry in model.metadata_props}
    return Chain(_follow(graph, inputs[0].name, path), constants, sizes, notes)


def _require_whole(model: Any, path: Path) -> None:
    """InputError for a tensor anywhere in the model, be it used or not, whose data is in another file."""
    for tensor in _tensors(model):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            entries = {entry.key: entry.value for entry in tensor.external_data}
            raise InputError(
                f"{path} keeps {tensor.name!r} in another file, {entries.get('location', 'unnamed')!r};"
                " expected all weights in one. Where the file was made, write it again with"
                " onnx.save(onnx.load(FILE), NEW), or export it with external_data=False."
            )


def _tensors(message: Message) -> Iterator[Any]:
    """The tensors of a message, those inside attributes, subgraphs, functions and sparse tensors too."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for inner in [value] if isinstance(value, Message) else value:
                yield from _tensors(inner)


def _constants(graph: Any, path: Path) -> dict[str, np.ndarray]:
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = node.attribute[0].t
    try:
        return {name: numpy_helper.to_array(tensor) for name, tensor in tensors.items()}
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} holds a constant that cannot be read: {error}.") from error


def _follow(graph: Any, tensor: str, path: Path) -> tuple[Any, ...]:
    nodes = [node for node in graph.node if node.op_type != "Constant"]
    takers: dict[str, list[Any]] = {}
    for node in nodes:
        for name in set(node.input):
            takers.setdefault(name, []).append(node)
    chain: list[Any] = []
    while tensor != graph.output[0].name or tensor in takers:
        following = takers.get(tensor, [])
        if len(following) != 1:
            kinds = ", ".join(f"{node.op_type} ({node.name or 'unnamed'})" for node in following)
            raise InputError(
                f"{path}: the tensor {tensor!r} goes to {kinds or 'nothing'}; expected exactly one"
                " operator, since a network is an ordered stack."
            )
        chain.append(following[0])
        tensor = following[0].output[0]
    stray = next((node for node in nodes if all(node is not other for other in chain)), None)
    if stray is not None:
        raise InputError(
            f"{path}: operator {stray.op_type} ({stray.name or 'unnamed'}) is not on the chain from"
            " input to output; only constant weights may stand beside it."
        )
    return tuple(chain)
