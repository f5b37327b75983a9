"""What calls, operators and subscripts of arrays and tensors mean."""

import ast

from repair.architecture.layer import LayerSpec
from repair.architecture.source.arrays.creation import created_array
from repair.architecture.source.arrays.function_call import FunctionCall
from repair.architecture.source.arrays.functions import OPERATORS, function_of_tensors
from repair.architecture.source.arrays.reshaping import entries_of_tensor
from repair.architecture.source.network.calls import apply_function
from repair.architecture.source.network.semantics import GraphSemantics
from repair.architecture.source.network.values import AnyTensor, Array, LayerOutputs, Tensor
from repair.architecture.source.python.folding import is_number
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import (
    BoundCall,
    BoundMethod,
    Partial,
    QualifiedName,
    Value,
)

PACKAGES = {"jax", "flax", "numpy", "keras", "tensorflow", "nnx", "jnp"}
"""The first parts of the names of functions that work on arrays."""


class ArraySemantics(GraphSemantics):
    """Functions and operators that make arrays or work on tensors."""

    def call(
        self, interpreter: Interpreter, function: Value, call: BoundCall, node: ast.Call
    ) -> Value:
        """The value of a function, or of a method of an array or a tensor."""
        if isinstance(function, Partial):
            return self._partial(interpreter, function, call, node)
        if isinstance(function, BoundMethod) and isinstance(function.owner, AnyTensor):
            owner = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            whole = BoundCall(((function.owner, owner), *call.positional), call.named)
            return self._function(interpreter, function.name, whole, node, node)
        if isinstance(function, BoundMethod) and isinstance(function.owner, Array):
            return function.owner if function.name == "astype" else NotImplemented
        if isinstance(function, QualifiedName) and function.path.split(".")[0] in PACKAGES:
            array = created_array(function.last, call)
            if array is not None:
                return array
            return self._function(interpreter, function.last, call, node, node)
        return NotImplemented

    def operator(
        self,
        interpreter: Interpreter,
        kind: type[ast.operator],
        operands: tuple[Value, Value],
        node: ast.BinOp,
    ) -> Value:
        """A merge of two tensors, or a tensor or an array and a number, which keeps its shape."""
        left, right = operands
        if isinstance(left, AnyTensor) and isinstance(right, AnyTensor):
            if kind not in OPERATORS:
                return NotImplemented
            inputs = [(left.reference, node.left), (right.reference, node.right)]
            return apply_function(
                interpreter, self.builder, LayerSpec(OPERATORS[kind]), inputs, node
            )
        for operand, other, expression in ((left, right, node.left), (right, left, node.right)):
            if isinstance(operand, AnyTensor) and is_number(other):
                inputs = [(operand.reference, expression)]
                identity = LayerSpec("Identity")
                return apply_function(
                    interpreter, self.builder, identity, inputs, node, name="scale"
                )
            if isinstance(operand, Array) and is_number(other) and kind is not ast.MatMult:
                return operand
        return NotImplemented

    def subscript(self, interpreter: Interpreter, owner: Value, node: ast.Subscript) -> Value:
        """Entries of a tensor: one of several outputs of a layer, or a part along some axes."""
        if not isinstance(owner, AnyTensor):
            return NotImplemented
        if isinstance(owner, LayerOutputs):
            output = self._output(interpreter, owner, node)
            if output is not None:
                return output
        entries = entries_of_tensor(interpreter, self.builder, owner, node)
        return interpreter.unknown(node) if entries is None else entries

    def _output(
        self, interpreter: Interpreter, owner: LayerOutputs, node: ast.Subscript
    ) -> Tensor | None:
        """One output of a layer that has several."""
        shapes = self.builder.shapes.get(owner.reference, ())
        index = interpreter.value(node.slice)
        if type(index) is int and 0 <= index < len(shapes) and len(shapes) > 1:
            return Tensor(f"{owner.reference}:{index}" if index else owner.reference)
        return None

    def _partial(
        self, interpreter: Interpreter, partial: Partial, call: BoundCall, node: ast.Call
    ) -> Value:
        """A functools.partial of a function, whose other arguments stand where it was made."""
        fixed = interpreter.arguments(partial.call)
        if not isinstance(partial.function, QualifiedName) or fixed.positional[1:]:
            return NotImplemented
        named = {**fixed.named, **call.named}
        whole = BoundCall(call.positional, named, call.unknown or fixed.unknown)
        return self._function(interpreter, partial.function.last, whole, node, partial.call)

    def _function(
        self,
        interpreter: Interpreter,
        name: str,
        call: BoundCall,
        node: ast.Call,
        written: ast.Call,
    ) -> Value:
        called = FunctionCall(interpreter, self.builder, name, call, node, written)
        return function_of_tensors(called)
