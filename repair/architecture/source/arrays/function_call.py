"""One call of a function of tensors, such as jnp.mean(x, axis=1) or x.mean(axis=1)."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layer import Value as Plain
from repair.architecture.source.network.builder import GraphBuilder
from repair.architecture.source.network.calls import apply_function
from repair.architecture.source.network.constants import constant
from repair.architecture.source.network.values import AnyTensor, Tensor, WrittenLayer
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import BoundCall, Value


@dataclass(frozen=True)
class FunctionCall:
    """A function that is called on a tensor, or on a list of them.

    Args:
        interpreter: the interpreter.
        builder: the graph that the function is drawn into.
        name: the name of the function.
        call: the arguments, the tensor first.
        node: the expression of the call.
        written: the call in which the other arguments stand: of a `functools.partial`, or `node`.
    """

    interpreter: Interpreter
    builder: GraphBuilder
    name: str
    call: BoundCall
    node: ast.Call
    written: ast.Call

    @property
    def first(self) -> Value:
        """The first argument, also where it is given as x=."""
        return self.call.values[0] if self.call.positional else self.call.get("x", None)

    @property
    def reference(self) -> str:
        """The tensor that is the first argument."""
        assert isinstance(self.first, AnyTensor)
        return self.first.reference

    @property
    def input(self) -> tuple[str, ast.expr | None]:
        """The tensor that is the first argument, with its expression."""
        if self.call.positional:
            return self.reference, self.call.positional[0][1]
        return self.reference, self.call.expression("x", None)

    @property
    def rest(self) -> list[Value]:
        """The arguments by position after the first."""
        return self.call.values[1:]

    @property
    def shape(self) -> Shape | None:
        """The shape of the first argument, batch first, as far as it is known."""
        return self.builder.shape(self.reference)

    def constant(self, name: str, position: int | None, what: str | None = None) -> Plain:
        """A constant argument by name or position; None where it is not given.

        Raises:
            InputError: only running the program would tell.
        """
        return constant(self.call.get(name, position), what or name, self.node.lineno)

    def apply(
        self,
        layer: LayerSpec,
        inputs: Sequence[tuple[str, ast.expr | None]] | None = None,
        *,
        name: str | None = None,
        written: WrittenLayer | None = None,
    ) -> Tensor:
        """Draws the layer that computes the same; reads the first argument unless told otherwise."""
        return apply_function(
            self.interpreter,
            self.builder,
            layer,
            [self.input] if inputs is None else inputs,
            self.node,
            name=name,
            written=written,
        )
