"""What the names of Flax NNX mean: its layers, nnx.RNN, nnx.Sequential and nnx.Module."""

import ast
from typing import ClassVar

from repair.architecture.source.network.calls import tensors
from repair.architecture.source.network.semantics import GraphSemantics
from repair.architecture.source.nnx.constructors import CONSTRUCTORS
from repair.architecture.source.nnx.layers import nnx_layer_instance, nnx_rnn_instance
from repair.architecture.source.python.semantics import Interpreter, WithoutAll
from repair.architecture.source.python.values import (
    BoundCall,
    Function,
    ObjectValue,
    QualifiedName,
    Unknown,
    Value,
)
from repair.errors import unknown

NOT_READ = ("MultiHeadAttention", "LinearGeneral", "Einsum", "Bidirectional")
"""Layers of NNX that are not read."""
WITHOUT_SHAPES = ("PReLU", "Rngs", "Param", "Variable")


class NnxSequential(ObjectValue):
    """An nnx.Sequential: layers and functions one after the other.

    Args:
        functions: what is called, in order.
    """

    has_methods: ClassVar[bool] = False

    def __init__(self, functions: tuple[Value, ...]) -> None:
        self.functions = functions


class NnxSemantics(GraphSemantics):
    """The constructors of flax.nnx."""

    packages = frozenset(("flax",))

    def call(
        self, interpreter: Interpreter, function: Value, call: BoundCall, node: ast.Call
    ) -> Value:
        """The value of a constructor, or of a call of an nnx.Sequential."""
        if isinstance(function, NnxSequential) and tensors(call):
            return self._chained(interpreter, function, call, node)
        if isinstance(function, QualifiedName) and "nnx" in function.path.split("."):
            return self._named(function.last, call, node)
        return NotImplemented

    def without_all(self, function: Value) -> WithoutAll:
        """What makes a network is refused: layers and nnx.Sequential."""
        if not isinstance(function, QualifiedName) or "nnx" not in function.path.split("."):
            return WithoutAll.UNREAD
        made = function.last in (*CONSTRUCTORS, *NOT_READ, "RNN", "Sequential")
        return WithoutAll.REFUSED if made else WithoutAll.UNREAD

    def extends(self, base: Value) -> str | None:
        """Classes of nnx.Module."""
        if not isinstance(base, QualifiedName) or base.last != "Module":
            return None
        return "nnx" if "nnx" in base.path.split(".") else None

    def _named(self, name: str, call: BoundCall, node: ast.Call) -> Value:
        if name in CONSTRUCTORS:
            return nnx_layer_instance(name, call, node)
        if name == "RNN":
            return nnx_rnn_instance(call, node)
        if name == "Sequential":
            return NnxSequential(tuple(call.values))
        if name in ("List", "data") and call.positional:
            return call.positional[0][0]
        if name in WITHOUT_SHAPES:
            return Unknown(node.lineno, f"nnx.{name}(...)")
        if name in NOT_READ:
            raise unknown("NNX layer", name, (*CONSTRUCTORS, "RNN", "Sequential"))
        return NotImplemented

    def _chained(
        self, interpreter: Interpreter, chain: NnxSequential, call: BoundCall, node: ast.Call
    ) -> Value:
        """The layers and functions of nnx.Sequential one after the other."""
        value, expression = call.positional[0]
        for function in chain.functions:
            one = BoundCall(((value, expression),))
            value = interpreter.meaning(function, one, node)
            if value is NotImplemented:
                value = Unknown(node.lineno, "an entry of nnx.Sequential")
                if isinstance(function, Function):
                    value = interpreter.enter(function, one, None)
        return value
