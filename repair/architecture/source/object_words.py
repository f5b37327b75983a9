"""What objects of the program's own classes mean, and nnx.Sequential, nnx.RNN and their like."""

import ast
from dataclasses import replace

from repair.architecture.layer import LayerSpec
from repair.architecture.source.calls import call_layer, tensors
from repair.architecture.source.nnx_layers import CONSTRUCTORS, make_nnx
from repair.architecture.source.values import (
    Array,
    Class,
    Dotted,
    Function,
    Given,
    Instance,
    Made,
    Unread,
    Value,
)
from repair.architecture.source.walk import Walk
from repair.errors import InputError, unknown


class ObjectWords:
    """Classes of the program that are modules, and the constructors of flax.nnx."""

    def call(self, walk: Walk, function: Value, given: Given, node: ast.Call) -> Value:
        """The value of a call."""
        if isinstance(function, Class) and function.kind:
            return construct(walk, function, given, node.lineno)
        if isinstance(function, Instance):
            return self._instance(walk, function, given, node)
        if isinstance(function, Made) and tensors(given):
            return call_layer(walk, function, given, node)
        if isinstance(function, Chain):
            return self._chain(walk, function, given, node)
        if isinstance(function, Dotted) and "nnx" in function.path.split("."):
            return self._nnx(walk, function.last, given, node)
        return NotImplemented

    def combine(
        self, walk: Walk, kind: type[ast.operator], left: Value, right: Value, node: ast.BinOp
    ) -> Value:
        """Objects have no operators."""
        return NotImplemented

    def _nnx(self, walk: Walk, name: str, given: Given, node: ast.Call) -> Value:
        if name in CONSTRUCTORS:
            return make_nnx(name, given, node)
        if name == "RNN":
            return _loop(given, node)
        if name == "Sequential":
            return Chain(tuple(value for value, _ in given.positional))
        if name in ("List", "data") and given.positional:
            return given.positional[0][0]
        if name == "PReLU" or (name[:1].isupper() and name in ("Rngs", "Param", "Variable")):
            return Unread(node.lineno, f"nnx.{name}(...)")
        if name in ("MultiHeadAttention", "LinearGeneral", "Einsum", "Bidirectional"):
            raise unknown("NNX layer", name, (*CONSTRUCTORS, "RNN", "Sequential"))
        return NotImplemented

    def _instance(self, walk: Walk, owner: Instance, given: Given, node: ast.Call) -> Value:
        shapes = [value.shape for value, _ in given.positional if isinstance(value, Array)]
        if shapes:
            owner.input_shapes = owner.input_shapes or tuple(shape[1:] for shape in shapes)
            return Unread(node.lineno, "the result of the model")
        method = owner.of.functions.get("__call__") or owner.of.functions.get("call")
        if method is None or not tensors(given):
            return NotImplemented
        owner.used = True
        return walk.enter(method, given, owner)

    def _chain(self, walk: Walk, chain: "Chain", given: Given, node: ast.Call) -> Value:
        """The layers of nnx.Sequential one after the other."""
        if not tensors(given):
            return NotImplemented
        value = given.positional[0][0]
        for function in chain.functions:
            place = given.positional[0][1]
            one = Given(((value, place),), {})
            value = Unread(node.lineno, "an entry of nnx.Sequential")
            for words in walk.words:
                found = words.call(walk, function, one, node)
                if found is not NotImplemented:
                    value = found
                    break
            else:
                if isinstance(function, Function):
                    value = walk.enter(function, one, None)
        return value


class Chain:
    """An nnx.Sequential."""

    def __init__(self, functions: tuple[Value, ...]) -> None:
        self.functions = functions


def construct(walk: Walk, kind: Class, given: Given, line: int) -> Instance:
    """An object of a class of the program, its __init__ followed."""
    made = Instance(kind, kind.node.name, line)
    walk.models.append(made)
    method = kind.functions.get("__init__")
    if method is not None:
        walk.enter(method, given, made)
    return made


def _loop(given: Given, node: ast.Call) -> Made:
    """nnx.RNN around a cell: the Keras layer that returns every step."""
    cell = given.get("cell", 0)
    if not isinstance(cell, Made) or not cell.layer.type.endswith("Cell"):
        raise InputError(f"line {node.lineno}: nnx.RNN wraps something that is not a cell of NNX.")
    kind = cell.layer.type.removesuffix("Cell")
    arguments = {**cell.layer.arguments, "return_sequences": True}
    if given.get("return_carry", None) is True or given.get("time_major", None) is True:
        raise InputError(
            f"line {node.lineno}: nnx.RNN with return_carry or time_major is not read."
        )
    layer = LayerSpec(kind, arguments, weights=cell.layer.weights)
    return Made(layer, None, replace(cell.written))
