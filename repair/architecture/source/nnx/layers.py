"""Layers as Flax NNX programs construct them: the sizes that they state become weights that bind."""

import ast
from collections.abc import Mapping
from dataclasses import replace

from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layer import Value as Plain
from repair.architecture.source.network.constants import (
    constant,
    upper_case,
)
from repair.architecture.source.network.values import LayerInstance, Parameter, WrittenLayer
from repair.architecture.source.nnx.constructors import (
    CONSTRUCTORS,
    SHAPELESS,
    NnxConstructor,
)
from repair.architecture.source.python.values import BoundCall, Value
from repair.errors import InputError

Named = Mapping[str, tuple[Value, ast.expr]]


def nnx_layer_instance(kind: str, call: BoundCall, node: ast.Call) -> LayerInstance:
    """The layer that a call such as nnx.Conv(1, 32, kernel_size=(3, 3), rngs=rngs) constructs.

    Raises:
        InputError: an argument that is not known, missing, or cannot be read.
    """
    constructor = CONSTRUCTORS[kind]
    named = _by_name(kind, constructor, call, node)
    arguments = _keras_arguments(kind, constructor, named, node)
    name = constructor.kind
    if "{}" in name:
        kernel = arguments.get("kernel_size", 1)
        kernel = (kernel,) if isinstance(kernel, int) else kernel
        arguments["kernel_size"] = kernel
        name = name.format(len(kernel) if isinstance(kernel, tuple) else 1)
    weights = _weights(kind, constructor, named, arguments, node)
    order = constructor.order
    parameters = {}
    for argument, parameter in constructor.arguments.items():
        position = order.index(parameter) if parameter in order else None
        parameters[argument] = Parameter(parameter, position)
        if argument == "padding":
            parameters[argument] = Parameter(parameter, position, upper_case)
    features = None
    if constructor.features:
        features = Parameter(constructor.features, order.index(constructor.features))
    written = WrittenLayer(node, parameters, renames=False, features=features)
    return LayerInstance(LayerSpec(name, arguments, weights=weights), None, written)


def nnx_rnn_instance(call: BoundCall, node: ast.Call) -> LayerInstance:
    """The layer that nnx.RNN around a cell constructs: the Keras layer that returns every step.

    Raises:
        InputError: it wraps no cell, or returns something else.
    """
    cell = call.get("cell", 0)
    if not isinstance(cell, LayerInstance) or not cell.layer.type.endswith("Cell"):
        raise InputError(f"line {node.lineno}: nnx.RNN wraps something that is not a cell of NNX.")
    kind = cell.layer.type.removesuffix("Cell")
    arguments = {**cell.layer.arguments, "return_sequences": True}
    if call.get("return_carry", None) is True or call.get("time_major", None) is True:
        raise InputError(
            f"line {node.lineno}: nnx.RNN with return_carry or time_major is not read."
        )
    layer = LayerSpec(kind, arguments, weights=cell.layer.weights)
    return LayerInstance(layer, None, replace(cell.written))


def _by_name(kind: str, constructor: NnxConstructor, call: BoundCall, node: ast.Call) -> Named:
    """The arguments of a call by the names of the parameters."""
    named = dict(call.named)
    for name, pair in zip(constructor.order, call.positional, strict=False):
        if name in named:
            raise InputError(f"line {node.lineno}: nnx.{kind}: {name} is given twice.")
        named[name] = pair
    return named


def _keras_arguments(
    kind: str, constructor: NnxConstructor, named: Named, node: ast.Call
) -> dict[str, Plain]:
    """The arguments of the Keras layer of the same shapes."""
    keras_names = {parameter: name for name, parameter in constructor.arguments.items()}
    arguments: dict[str, Plain] = dict(constructor.defaults)
    for name, (value, expression) in named.items():
        keras_name = keras_names.get(name)
        if keras_name is not None:
            plain = constant(value, f"nnx.{kind}: {name}", expression.lineno)
            if plain is not None or keras_name == "groups":
                arguments[keras_name] = _as_keras(keras_name, plain, node)
        elif name not in SHAPELESS and name != constructor.features:
            known = ", ".join((*constructor.order, *keras_names, "rngs"))
            raise InputError(
                f"line {node.lineno}: nnx.{kind} has no parameter {name!r} that is read: {known}."
            )
    return arguments


def _weights(
    kind: str,
    constructor: NnxConstructor,
    named: Named,
    arguments: Mapping[str, Plain],
    node: ast.Call,
) -> dict[str, Shape]:
    """The shapes of the weights that the stated size of the input fixes, by Keras name."""
    if not constructor.features or not constructor.weights:
        return {}
    if constructor.features not in named:
        raise InputError(f"line {node.lineno}: nnx.{kind} lacks {constructor.features}.")
    value, expression = named[constructor.features]
    size = constant(value, f"nnx.{kind}: {constructor.features}", expression.lineno)
    if isinstance(size, int) and _complete(constructor, arguments):
        return constructor.weights(size, arguments)
    return {}


def _complete(constructor: NnxConstructor, arguments: Mapping[str, Plain]) -> bool:
    """Whether all arguments that the weights are made of are there and are sizes."""
    for name in ("units", "filters"):
        if name in constructor.arguments and type(arguments.get(name)) is not int:
            return False
    return "kernel_size" not in constructor.arguments or isinstance(
        arguments.get("kernel_size"), tuple
    )


def _as_keras(name: str, value: Plain, node: ast.Call) -> Plain:
    if name != "padding":
        return value
    if isinstance(value, str):
        return value.lower()
    pads = value if isinstance(value, tuple) else (value,)
    if all(pad in (0, (0, 0)) for pad in pads):
        return "valid"
    raise InputError(
        f"line {node.lineno}: padding={value!r} is not read: write 'SAME', 'VALID' or 'CAUSAL'."
    )
