"""Lambda: code as a layer, of which the output shape is what following it on its inputs gives."""

import ast
from collections.abc import Callable, Mapping, Sequence

from repair.architecture.errors import Diagnostic
from repair.architecture.layer import Shape
from repair.architecture.layers import infer
from repair.architecture.rules import KERAS3
from repair.architecture.source.network.builder import GraphBuilder
from repair.architecture.source.network.values import AnyTensor, Tensor
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import BoundCall, Function, Value
from repair.errors import InputError

Named = Mapping[str, tuple[Value, ast.expr]]


def code_of(
    interpreter: Interpreter, builder: GraphBuilder, named: Named, node: ast.Call
) -> Callable[[Sequence[str]], Shape | None]:
    """What tells the output shape of a Lambda for the tensors that it reads.

    Args:
        interpreter: the interpreter.
        builder: the graph.
        named: the arguments of the Lambda by name.
        node: the expression that constructs it.
    """
    function = named["function"][0] if "function" in named else None
    given = named["arguments"][0] if "arguments" in named else {}

    def shape_for(reads: Sequence[str]) -> Shape | None:
        if not isinstance(given, dict):
            return None
        tensors: list[Value] = [Tensor(reference) for reference in reads]
        first = tensors[0] if len(tensors) == 1 else tensors
        further = {name: (value, node) for name, value in given.items()}
        call = BoundCall(((first, node),), further)
        with builder.draft():
            before = set(builder.nodes)
            try:
                value = interpreter.meaning(function, call, node)
                if value is NotImplemented and isinstance(function, Function):
                    value = interpreter.enter(function, call, None)
            except InputError:
                return None
            if not isinstance(value, AnyTensor) or _has_error(builder, before):
                return None
            shape = builder.shape(value.reference)
            return None if not shape or shape[0] is not None else shape

    return shape_for


def _has_error(builder: GraphBuilder, before: set[str]) -> bool:
    """Whether a node that is new is wrong, or its shape not known."""
    for name, node in builder.nodes.items():
        if name in before:
            continue
        shapes = [builder.shape(reference) for reference in node.inputs]
        if None in shapes:
            return True
        if isinstance(infer(node.layer, tuple(shapes), KERAS3), Diagnostic):  # type: ignore[arg-type]
            return True
    return False
