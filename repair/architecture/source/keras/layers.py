"""Layers as Keras programs construct them: arguments by position and name, wrapped layers."""

import ast
from collections.abc import Callable, Mapping, Sequence

from repair.architecture.layer import Dim, LayerSpec, Shape, snake_case
from repair.architecture.layer import Value as Plain
from repair.architecture.layers import entry_of
from repair.architecture.layers.arguments import BOOKKEEPING
from repair.architecture.source.keras.code_layers import code_of
from repair.architecture.source.network.builder import GraphBuilder
from repair.architecture.source.network.constants import (
    constant,
    sizes,
)
from repair.architecture.source.network.values import (
    LayerInstance,
    Parameter,
    SequentialModel,
    WrittenLayer,
)
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import BoundCall, Value
from repair.errors import InputError

_RECURRENT = ("units", "activation")
_CONVOLUTION = ("filters", "kernel_size", "strides", "padding", "data_format")
_DEPTHWISE = (
    "kernel_size",
    "strides",
    "padding",
    "depth_multiplier",
    "data_format",
    "dilation_rate",
)
POSITIONAL: Mapping[str, tuple[str, ...]] = {
    "DepthwiseConv1D": _DEPTHWISE,
    "DepthwiseConv2D": _DEPTHWISE,
    "Conv3DTranspose": _CONVOLUTION,
    "UpSampling2D": ("size", "data_format", "interpolation"),
    "Embedding": ("input_dim", "output_dim"),
    **dict.fromkeys(("SimpleRNN", "SimpleRNNCell"), (*_RECURRENT, "use_bias")),
    **dict.fromkeys(
        ("LSTM", "LSTMCell", "GRU", "GRUCell"), (*_RECURRENT, "recurrent_activation", "use_bias")
    ),
    **dict.fromkeys(
        ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
        (*_CONVOLUTION, "dilation_rate"),
    ),
    "BatchNormalization": ("axis", "momentum", "epsilon", "center", "scale"),
    "LeakyReLU": ("negative_slope",),
    "PReLU": (),
    "Lambda": ("function", "output_shape"),
    "TimeDistributed": ("layer",),
    "Bidirectional": ("layer", "merge_mode"),
    "RNN": ("cell", "return_sequences", "return_state", "go_backwards"),
}
"""Arguments by position where they are not those of the table in its order."""
WRAPPED = {"TimeDistributed": "layer", "Bidirectional": "layer", "RNN": "cell"}


def keras_layer_instance(
    interpreter: Interpreter, builder: GraphBuilder, kind: str, call: BoundCall, node: ast.Call
) -> LayerInstance:
    """The layer that a call such as Conv2D(32, 3, activation="relu") constructs.

    Args:
        interpreter: the interpreter.
        builder: the graph, in which code is followed.
        kind: the last part of the name that is called.
        call: its arguments.
        node: the expression of the call.

    Raises:
        InputError: an unknown layer, or an argument that cannot be read.
    """
    entry = entry_of(kind)
    order = POSITIONAL.get(entry.name, tuple(entry.arguments))
    named = dict(call.named)
    for position, pair in enumerate(call.positional):
        if position >= len(order):
            raise InputError(
                f"line {node.lineno}: {kind} gets over {len(order)} arguments by position: give "
                "the rest by name."
            )
        if order[position] in named:
            raise InputError(f"line {node.lineno}: {kind}: {order[position]} is given twice.")
        named[order[position]] = pair
    inner, written = _wrapped_layers(entry.name, named, node)
    arguments: dict[str, Plain] = {}
    for name, (value, expression) in named.items():
        known = entry.arguments.get(name)
        if name in ("backward_layer", WRAPPED.get(entry.name)) or (
            known is None and name in BOOKKEEPING
        ):
            continue
        if entry.name == "Lambda" and name in ("function", "arguments", "mask"):
            continue
        if entry.name == "Lambda" and name == "output_shape" and sizes(value) is None:
            continue  # a function or a calculation: the code itself is followed
        arguments[name] = constant(value, f"{kind}: {name}", expression.lineno)
    code = None
    if entry.name == "Lambda":
        code, arguments = _code(interpreter, builder, named, node, arguments)
    parameters = {
        name: Parameter(name, order.index(name) if name in order else None)
        for name in entry.arguments
    }
    given_name = named.get("name", (None,))[0]
    return LayerInstance(
        LayerSpec(entry.name, arguments, inner),
        given_name if isinstance(given_name, str) and given_name else snake_case(entry.name),
        WrittenLayer(node, parameters, written),
        _stated_input_shape(entry.name, named),
        code=code,
    )


def _code(
    interpreter: Interpreter,
    builder: GraphBuilder,
    named: Mapping[str, tuple[Value, ast.expr]],
    node: ast.Call,
    arguments: dict[str, Plain],
) -> tuple[Callable[[Sequence[str]], Shape | None] | None, dict[str, Plain]]:
    """What tells the output shape of a Lambda that does not declare it, and its arguments."""
    written = named["function"][1] if "function" in named else node
    arguments = {"function": interpreter.source.text_of(written)[:100], **arguments}
    stated = arguments.get("output_shape") is not None
    return None if stated else code_of(interpreter, builder, named, node), arguments


def _wrapped_layers(
    kind: str, named: Mapping[str, tuple[Value, ast.expr]], node: ast.Call
) -> tuple[tuple[LayerSpec, ...], tuple[WrittenLayer, ...]]:
    """The wrapped layers of a wrapper, and how they are written."""
    if kind not in WRAPPED:
        return (), ()
    layers: list[LayerSpec] = []
    written: list[WrittenLayer] = []
    for name in (WRAPPED[kind], "backward_layer"):
        value = named.get(name, (None,))[0]
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, LayerInstance):
                if item.layer.type == "Lambda" and "output_shape" not in item.layer.arguments:
                    raise InputError(
                        f"line {node.lineno}: {kind} wraps a Lambda, whose output shape cannot be "
                        "read without running the program: declare its output_shape=(...)."
                    )
                layers.append(item.layer)
                written.append(item.written)
            elif isinstance(item, SequentialModel):
                values = [entry.value for entry in item.entries]
                inside = [value for value in values if isinstance(value, LayerInstance)]
                layers.append(LayerSpec("Sequential", inner=tuple(one.layer for one in inside)))
                written.append(WrittenLayer(inner=tuple(one.written for one in inside)))
                item.used = True
            elif item is not None:
                raise InputError(
                    f"line {node.lineno}: {kind} wraps something that is not a layer of Keras "
                    "whose construction can be read."
                )
    return tuple(layers), tuple(written)


def _stated_input_shape(
    kind: str, named: Mapping[str, tuple[Value, ast.expr]]
) -> tuple[Dim, ...] | None:
    """The input shape, without the batch, that a first layer may state."""
    value = named.get("input_shape", (None,))[0]
    if value is None and "batch_input_shape" in named:
        whole = named["batch_input_shape"][0]
        value = whole[1:] if isinstance(whole, list | tuple) else None
    if value is None and kind == "Embedding" and "input_length" in named:
        value = (named["input_length"][0],)
    if value is None and kind != "Embedding" and "input_dim" in named:
        value = (named["input_dim"][0],)
    return sizes(value)


FUNCTIONAL_MERGES = frozenset(
    ("add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate", "dot")
)
"""Merging layers that Keras also has as functions."""
