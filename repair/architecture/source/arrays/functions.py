"""What functions of tensors mean: a table from their names to the layers that compute the same."""

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace

from repair.architecture.layer import LayerSpec
from repair.architecture.layer import Value as Plain
from repair.architecture.layers.arguments import ACTIVATIONS
from repair.architecture.source.arrays.function_call import FunctionCall
from repair.architecture.source.arrays.reshaping import (
    flattened,
    reshaped,
    transposed,
    with_axis_changed,
)
from repair.architecture.source.network.calls import elements_of
from repair.architecture.source.network.constants import constant, upper_case
from repair.architecture.source.network.values import AnyTensor, Parameter, WrittenLayer
from repair.architecture.source.python.values import Value
from repair.errors import InputError

MERGES = {
    "add": "Add",
    "subtract": "Subtract",
    "multiply": "Multiply",
    "maximum": "Maximum",
    "minimum": "Minimum",
}
"""Functions of two tensors, and the layers that they are."""
OPERATORS = {ast.Add: "Add", ast.Sub: "Subtract", ast.Mult: "Multiply"}
"""Operators on two tensors, and the layers that they are."""
SHAPE_KEEPING = (
    *("abs", "exp", "log", "log1p", "expm1", "sqrt", "square", "sin", "cos", "sign", "negative"),
    *("clip", "astype", "asarray", "array", "stop_gradient", "cast", "convert_to_tensor"),
)
"""Functions of one tensor that keep its shape."""
REDUCTIONS = {
    "mean": "Average",
    "average": "Average",
    "max": "Max",
    "amax": "Max",
    "reduce_mean": "Average",
    "reduce_max": "Max",
}
"""Functions over axes, and the kind of global pooling that they are."""
CONCATENATIONS = ("concatenate", "concat", "hstack")
POOLINGS = {"max_pool": "Max", "avg_pool": "Average"}


def function_of_tensors(called: FunctionCall) -> Value:
    """The value of a function on a tensor or a list of them; NotImplemented: it is not known."""
    if called.call.unknown is not None:
        return NotImplemented
    if called.name in CONCATENATIONS and isinstance(called.first, list | tuple):
        return _concatenated(called, called.first)
    if not isinstance(called.first, AnyTensor):
        return NotImplemented
    function = FUNCTIONS.get(called.name)
    return NotImplemented if function is None else function(called)


def _merged(called: FunctionCall) -> Value:
    second = called.rest[0] if called.rest else None
    if not isinstance(second, AnyTensor):
        return NotImplemented
    inputs = [called.input, (second.reference, called.call.positional[1][1])]
    return called.apply(LayerSpec(MERGES[called.name]), inputs)


def _activated(called: FunctionCall) -> Value:
    layer = LayerSpec("Activation", {"activation": called.name})
    return called.apply(layer, name=called.name)


def _of_same_shape(called: FunctionCall) -> Value:
    return called.apply(LayerSpec("Identity"), name=called.name)


def _concatenated(called: FunctionCall, tensors: list[Value] | tuple[Value, ...]) -> Value:
    if not tensors:
        return NotImplemented
    list_expression = called.call.positional[0][1] if called.call.positional else None
    inputs = []
    for tensor, expression in zip(tensors, elements_of(list_expression, len(tensors)), strict=True):
        if not isinstance(tensor, AnyTensor):
            return NotImplemented
        inputs.append((tensor.reference, expression))
    axis = constant(called.call.get("axis", 1, 0), "axis", called.node.lineno)
    written = WrittenLayer(called.node, {"axis": Parameter("axis", 1)}, renames=False)
    return called.apply(LayerSpec("Concatenate", {"axis": axis}), inputs, written=written)


_POOLING_PARAMETERS = {"pool_size": "window_shape", "strides": "strides", "padding": "padding"}


def _pooled(called: FunctionCall) -> Value:
    window, strides, padding = (
        called.constant(name, position, f"{called.name}: {name}")
        for position, name in enumerate(_POOLING_PARAMETERS.values(), 1)
    )
    if not isinstance(window, tuple) or not 1 <= len(window) <= 3:
        raise InputError(
            f"line {called.node.lineno}: {called.name} needs a window_shape of 1 to 3 sizes."
        )
    arguments: dict[str, Plain] = {
        "pool_size": window,
        "strides": strides if strides is not None else (1,) * len(window),
    }
    if padding is not None:
        arguments["padding"] = str(padding).lower()
    by_position = called.written is called.node
    parameters = {
        argument: Parameter(parameter, position if by_position else None)
        for position, (argument, parameter) in enumerate(_POOLING_PARAMETERS.items(), 1)
    }
    parameters["padding"] = replace(parameters["padding"], spell=upper_case)
    layer = LayerSpec(f"{POOLINGS[called.name]}Pooling{len(window)}D", arguments)
    written = WrittenLayer(called.written, parameters, renames=False)
    return called.apply(layer, name=called.name, written=written)


def _reduced(called: FunctionCall) -> Value:
    axis = called.constant("axis", 1)
    axes = axis if isinstance(axis, tuple) else (axis,)
    if axes != tuple(range(1, len(axes) + 1)) or len(axes) > 3:
        return NotImplemented
    keepdims = called.call.get("keepdims", None, False)
    # behind the axis stands another parameter in each library
    if type(keepdims) is not bool or len(called.rest) > 1:
        return NotImplemented
    keep: dict[str, Plain] = {"keepdims": True} if keepdims else {}
    kind = REDUCTIONS[called.name]
    return called.apply(LayerSpec(f"Global{kind}Pooling{len(axes)}D", keep))


FUNCTIONS: Mapping[str, Callable[[FunctionCall], Value]] = {
    **dict.fromkeys(SHAPE_KEEPING, _of_same_shape),
    **dict.fromkeys(ACTIVATIONS, _activated),
    **dict.fromkeys(MERGES, _merged),
    **dict.fromkeys(POOLINGS, _pooled),
    **dict.fromkeys(REDUCTIONS, _reduced),
    "reshape": reshaped,
    "flatten": flattened,
    **dict.fromkeys(("transpose", "permute_dims"), transposed),
    **dict.fromkeys(("expand_dims", "squeeze"), with_axis_changed),
}
"""The functions of one tensor, or of a tensor and further arguments."""
