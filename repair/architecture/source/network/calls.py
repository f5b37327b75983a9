"""Calls of layers on tensors, and the tensors that values hold."""

import ast
from collections.abc import Sequence

from repair.architecture.layer import LayerSpec
from repair.architecture.layers import entry_of
from repair.architecture.source.network.builder import GraphBuilder, Site
from repair.architecture.source.network.values import (
    AnyTensor,
    LayerInstance,
    LayerOutputs,
    Tensor,
    WrittenLayer,
)
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import BoundCall, Unknown, Value

TENSOR_ARGUMENTS = ("query", "value", "key", "inputs", "initial_state")


def call_layer(
    interpreter: Interpreter,
    builder: GraphBuilder,
    instance: LayerInstance,
    call: BoundCall,
    node: ast.Call,
) -> LayerOutputs:
    """A call of a layer on tensors: a node of the graph."""
    inputs = tensors(call)
    expressions = tuple(expression for _, expression in inputs)
    site = Site(instance.written, node, expressions, interpreter.statement, builder.tick())
    return LayerOutputs(builder.apply(instance, [name for name, _ in inputs], site))


def apply_function(
    interpreter: Interpreter,
    builder: GraphBuilder,
    layer: LayerSpec,
    inputs: Sequence[tuple[str, ast.expr | None]],
    node: ast.expr,
    *,
    name: str | None = None,
    written: WrittenLayer | None = None,
) -> Tensor:
    """A function of tensors, such as relu(x) or x + y, as a node of the graph.

    Args:
        interpreter: the interpreter.
        builder: the graph.
        layer: the layer that computes the same.
        inputs: the tensors that it reads, each with its expression where that stands alone.
        node: the expression of the whole.
        name: the name of the node; None: that of the layer's type.
        written: where the arguments of the function stand, if anywhere.
    """
    expressions = tuple(expression for _, expression in inputs)
    site = Site(written or WrittenLayer(), node, expressions, interpreter.statement, builder.tick())
    return Tensor(builder.add(layer, [reference for reference, _ in inputs], site, name))


def tensors(call: BoundCall) -> list[tuple[str, ast.expr | None]]:
    """The tensors that a call reads, by position, then by name, with their expressions."""
    read: list[tuple[str, ast.expr | None]] = []
    named = [call.named[name] for name in TENSOR_ARGUMENTS if name in call.named]
    for value, expression in (*call.positional, *named):
        if isinstance(value, AnyTensor):
            read.append((value.reference, expression))
        elif isinstance(value, list | tuple) and value:
            inside = [item for item in value if isinstance(item, AnyTensor)]
            if len(inside) == len(value):
                expressions = elements_of(expression, len(value))
                read += [(t.reference, e) for t, e in zip(inside, expressions, strict=True)]
    return read


def hides_tensors(layer: LayerSpec, call: BoundCall) -> bool:
    """Whether a layer may be given more tensors than those that are known."""
    named = [call.named[name][0] for name in TENSOR_ARGUMENTS if name in call.named]
    several = entry_of(layer.type).inputs[1] != 1
    return several and any(isinstance(value, Unknown) for value in (*call.values, *named))


def references(value: Value) -> tuple[str, ...]:
    """The tensors of a value: one, or a list of them."""
    if isinstance(value, AnyTensor):
        return (value.reference,)
    if isinstance(value, list | tuple):
        inside = [item.reference for item in value if isinstance(item, AnyTensor)]
        return tuple(inside) if len(inside) == len(value) else ()
    return ()


def elements_of(expression: ast.expr | None, count: int) -> Sequence[ast.expr | None]:
    """The expressions of the entries of a list that is written as such; else None for each."""
    if isinstance(expression, ast.List | ast.Tuple) and len(expression.elts) == count:
        return expression.elts
    return [None] * count
