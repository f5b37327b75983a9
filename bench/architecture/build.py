"""Has frameworks build repaired definitions: an oracle that is not our own table."""

import importlib.util
import inspect
import os
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from bench.config import Framework
from repair.architecture.formats.keras.write import GONE
from repair.architecture.formats.nnx.code import nnx_class
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import LAYERS
from repair.architecture.rules import KERAS3, Rules
from repair.architecture.trace import trace
from repair.errors import InputError, unknown

FRAMEWORKS = get_args(Framework)
REFUSALS = (ValueError, TypeError, IndexError, ArithmeticError, AttributeError, RuntimeError)
"""What the frameworks raise on a definition that they do not take."""


def built(graph: Graph, framework: str, rules: Rules = KERAS3) -> str:
    """What a framework makes of a valid network: "yes", "yes, but for ..." or "no: ...".

    Args:
        graph: the network.
        framework: "keras" builds it by the functional API of Keras 3 on JAX and compares the output
            shapes with ours; layers that Keras 3 no longer has stand as placeholders. "nnx"
            constructs the class that we write and calls it abstractly.
        rules: under which it is valid.

    Raises:
        InputError: an unknown framework, or Keras is not installed.
    """
    if framework not in FRAMEWORKS:
        raise unknown("framework", framework, FRAMEWORKS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _keras(graph, rules) if framework == "keras" else _nnx(graph)


@cache
def keras_module() -> ModuleType:
    """Keras 3, on JAX unless the environment says another backend.

    Raises:
        InputError: Keras is not installed.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    if importlib.util.find_spec("keras") is None:
        raise InputError(
            "Keras is not installed: pip install 'repairbench[keras]', or "
            "architecture.build=[] architecture.train_steps=0."
        )
    return importlib.import_module("keras")


class RefusedError(Exception):
    """A framework does not take a definition; the message says which layer and why."""


def _keras(graph: Graph, rules: Rules) -> str:
    try:
        keras_model(graph, rules, zeros=True)
    except RefusedError as refused:
        return f"no: {refused}"
    gone = sorted({node.layer.type for node in graph.nodes} & set(GONE))
    return f"yes, but for {', '.join(gone)}" if gone else "yes"


def keras_model(graph: Graph, rules: Rules = KERAS3, *, zeros: bool = False) -> Any:
    """The network as a functional model of Keras 3 on JAX.

    Args:
        graph: a valid network; layers that Keras no longer has become placeholders.
        rules: under which it is valid.
        zeros: zeros for all weights: values often do not matter, and drawing them costs most of the time.

    Raises:
        InputError: Keras is not installed.
        RefusedError: Keras does not take a layer, or makes another shape of it than we do.
    """
    keras = keras_module()
    keras.utils.clear_session(free_memory=False)
    shapes = trace(graph, rules).shapes
    tensors: dict[str, Any] = {}
    layers: dict[str, Any] = {}
    for node in graph.nodes:
        owner = node.shares or node.name
        inputs = [_output(tensors[name], index) for name, index in node.sources]
        try:
            if node.layer.type == "Input":
                tensors[node.name] = keras.Input(batch_shape=shapes[node.name])
                continue
            if node.layer.type in (*GONE, "Lambda"):
                tensors[node.name] = _placeholder(keras, inputs, shapes[node.name])
                continue
            if owner not in layers:
                layers[owner] = _layer(keras, node.layer, zeros)
            tensors[node.name] = _called(layers[owner], node, inputs)
        except REFUSALS as error:
            raise RefusedError(f"{node.name}: {' '.join(str(error).split())[:200]}") from error
        given = tuple(_output(tensors[node.name], 0).shape)
        if given != shapes[node.name]:
            raise RefusedError(f"{node.name}: Keras says {given}, we say {shapes[node.name]}")
    inputs = [tensors[node.name] for node in graph.nodes if not node.inputs]
    outputs = [_output(tensors[name], index) for name, index in map(source, graph.outputs)]
    return keras.Model(inputs, outputs)


def _output(tensor: Any, index: int) -> Any:
    return tensor[index] if isinstance(tensor, list | tuple) else tensor


def _placeholder(keras: Any, inputs: list[Any], shape: Shape | None) -> Any:
    declared = shape[1:] if shape else ()
    layer = keras.layers.Lambda(lambda x: x, output_shape=declared)
    return layer(inputs[0] if len(inputs) == 1 else inputs)


def _layer(keras: Any, layer: LayerSpec, zeros: bool) -> Any:
    kind, arguments = getattr(keras.layers, layer.type), dict(layer.arguments)
    inner = [_layer(keras, wrapped, zeros) for wrapped in layer.inner]
    if layer.type == "RNN":
        return kind(inner if len(inner) > 1 else inner[0], **arguments)
    if layer.type == "Sequential":
        return kind(inner)
    if layer.type == "Bidirectional":
        return kind(inner[0], backward_layer=inner[1] if inner[1:] else None, **arguments)
    if zeros and not layer.inner:
        names = inspect.signature(kind.__init__).parameters
        arguments |= {name: "zeros" for name in names if name.endswith("_initializer")}
    return kind(*inner, **arguments)


def _called(layer: Any, node: Node, inputs: list[Any]) -> Any:
    kind = node.layer.type
    if kind == "MultiHeadAttention":
        return layer(*inputs)
    one = LAYERS[kind].inputs == (1, 1) or kind in ("LSTM", "GRU", "SimpleRNN", "RNN", "Softmax")
    if not one and not kind.startswith(("ConvLSTM", "Bidirectional")):
        return layer(inputs)
    return layer(inputs[0], initial_state=inputs[1:]) if inputs[1:] else layer(inputs[0])


def _nnx(graph: Graph) -> str:
    import jax
    from flax import nnx

    try:
        source = nnx_class(graph)
    except InputError as error:
        return f"no counterpart: {error}"
    integers = {
        name for node in graph.nodes if node.layer.type == "Embedding" for name, _ in node.sources
    }
    specs = [
        jax.ShapeDtypeStruct(
            (2, *(size or 3 for size in node.layer.arguments["shape"])),  # type: ignore
            "int32" if node.name in integers else "float32",
        )
        for node in graph.nodes
        if node.layer.type == "Input"
    ]
    try:
        network = _module(source).Network
        nnx.eval_shape(lambda *x: network(rngs=nnx.Rngs(0))(*x), *specs)
    except REFUSALS as error:
        return f"no: {' '.join(str(error).split())[:200]}"
    return "yes"


def _module(source: str) -> Any:
    """The class that we wrote, imported as a file, as a user would."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.py"
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location("network", path)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            spec.loader.exec_module(module)
        finally:
            sys.dont_write_bytecode = before
    return module
