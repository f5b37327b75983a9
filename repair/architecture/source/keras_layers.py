"""Layers as Keras programs construct them: arguments by position and name, wrapped layers."""

import ast
from collections.abc import Mapping

from repair.architecture.layer import LONGEST, LayerSpec, freeze, snake_case
from repair.architecture.layer import Value as Plain
from repair.architecture.layers import entry_of
from repair.architecture.layers.arguments import BOOKKEEPING
from repair.architecture.source.values import (
    Dotted,
    Given,
    Made,
    Parameter,
    Stack,
    Unread,
    Value,
    Written,
)
from repair.errors import InputError

_LOOP = ("units", "activation")
_DEPTHWISE = ("kernel_size", "strides", "padding", "depth_multiplier", "data_format",
              "dilation_rate")  # fmt: skip
POSITIONAL: Mapping[str, tuple[str, ...]] = {
    "DepthwiseConv1D": _DEPTHWISE,
    "DepthwiseConv2D": _DEPTHWISE,
    "Conv3DTranspose": ("filters", "kernel_size", "strides", "padding", "data_format"),
    "UpSampling2D": ("size", "data_format", "interpolation"),
    "Embedding": ("input_dim", "output_dim"),
    **dict.fromkeys(("SimpleRNN", "SimpleRNNCell"), (*_LOOP, "use_bias")),
    **dict.fromkeys(
        ("LSTM", "LSTMCell", "GRU", "GRUCell"), (*_LOOP, "recurrent_activation", "use_bias")
    ),
    **dict.fromkeys(
        ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
        ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate"),
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


def make(kind: str, given: Given, node: ast.Call) -> Made:
    """The layer that a call such as Conv2D(32, 3, activation="relu") constructs.

    Args:
        kind: the last part of the name that is called.
        given: the arguments.
        node: the call.

    Raises:
        InputError: an unknown layer, or an argument that cannot be read.
    """
    entry = entry_of(kind)
    refuse_open(kind, given, node)
    order = POSITIONAL.get(entry.name, tuple(entry.arguments))
    named = dict(given.named)
    for position, pair in enumerate(given.positional):
        if position >= len(order):
            raise InputError(
                f"line {node.lineno}: {kind} gets over {len(order)} arguments by position: give "
                "the rest by name."
            )
        if order[position] in named:
            raise InputError(f"line {node.lineno}: {kind}: {order[position]} is given twice.")
        named[order[position]] = pair
    inner, written = _inner(entry.name, named, node)
    arguments: dict[str, Plain] = {}
    for name, (value, place) in named.items():
        known = entry.arguments.get(name)
        if name in ("backward_layer", WRAPPED.get(entry.name)) or (
            known is None and name in BOOKKEEPING
        ):
            continue
        if entry.name == "Lambda" and name == "function":
            value = "code"
        arguments[name] = constant(value, f"{kind}: {name}", place.lineno)
    parameters = {
        name: Parameter(name, order.index(name) if name in order else None)
        for name in entry.arguments
    }
    own = named.get("name", (None,))[0]
    return Made(
        LayerSpec(entry.name, arguments, inner),
        own if isinstance(own, str) and own else snake_case(entry.name),
        Written(node, parameters, written),
        _input_shape(entry.name, named),
    )


def refuse_open(kind: str, given: Given, node: ast.Call) -> None:
    """Refuses a layer that is given arguments which cannot be read.

    Raises:
        InputError: *arguments or **arguments of unknown contents.
    """
    if given.open is not None:
        raise InputError(
            f"line {node.lineno}: {kind} gets {given.open}, which only running the program would "
            "tell. Write its arguments out."
        )


def constant(value: Value, what: str, line: int) -> Plain:
    """A constant argument in the form of the table: tuples for lists, names for functions.

    Raises:
        InputError: only running the program would tell.
    """
    if isinstance(value, Dotted):
        return value.last  # an activation as a function: keras.activations.relu
    if isinstance(value, list | tuple):
        if _holds_over(LONGEST, value):
            raise InputError(f"line {line}: {what} holds over {LONGEST} values: expected less.")
        return tuple(constant(item, what, line) for item in value)
    if isinstance(value, Unread):
        raise InputError(
            f"line {line}: {what}={value.text} is not a constant that can be read without running "
            f"the program. Write its value, or give it with --define NAME=VALUE."
        )
    if value is None or isinstance(value, bool | int | float | str):
        return freeze(value, f"line {line}: {what}")
    raise InputError(f"line {line}: {what} is not a constant: write its value.")


def _holds_over(most: int, value: Value) -> bool:
    """Whether nested lists hold over so many values, each as often as it stands there."""
    waiting, count = [value], 0
    while waiting and count <= most:
        item = waiting.pop()
        count += 1
        if isinstance(item, list | tuple):
            count += len(item)
            waiting += item[: most + 1]
    return count > most


def _inner(
    kind: str, named: Mapping[str, tuple[Value, ast.expr]], node: ast.Call
) -> tuple[tuple[LayerSpec, ...], tuple[Written, ...]]:
    """The wrapped layers of a wrapper, and how they are written."""
    if kind not in WRAPPED:
        return (), ()
    found: list[LayerSpec] = []
    written: list[Written] = []
    for name in (WRAPPED[kind], "backward_layer"):
        value = named.get(name, (None,))[0]
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Made):
                found.append(item.layer)
                written.append(item.written)
            elif isinstance(item, Stack):
                layers = [entry.value for entry in item.items]
                made = [layer for layer in layers if isinstance(layer, Made)]
                found.append(LayerSpec("Sequential", inner=tuple(layer.layer for layer in made)))
                written.append(Written(None, inner=tuple(layer.written for layer in made)))
                item.used = True
            elif item is not None:
                raise InputError(
                    f"line {node.lineno}: {kind} wraps something that is not a layer of Keras "
                    "whose construction can be read."
                )
    return tuple(found), tuple(written)


def _input_shape(
    kind: str, named: Mapping[str, tuple[Value, ast.expr]]
) -> tuple[int | None, ...] | None:
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


def sizes(value: Value) -> tuple[int | None, ...] | None:
    """A shape of constants; None: it is not one."""
    if isinstance(value, list | tuple) and all(v is None or type(v) is int for v in value):
        return tuple(value)
    return None


LAYER_NAMES: frozenset[str] = frozenset(("add", "subtract", "multiply", "average", "maximum",
                                         "minimum", "concatenate", "dot"))  # fmt: skip
"""Merging layers that Keras also has as functions."""
