"""How a program spells layers: the code of new ones, in the style of the program and its framework."""

import ast
from abc import ABC, abstractmethod

from repair.architecture.graph import Graph, Node
from repair.architecture.source.edit.differences import CannotWrite
from repair.architecture.source.network.program import NetworkProgram
from repair.architecture.source.text import TextEdit
from repair.architecture.trace import trace


class Spelling(ABC):
    """The code of layers in the style of one program; a subclass for each framework.

    Args:
        program: the program.
        repaired: the network after the repair, whose shapes new layers are made for.

    Attributes:
        source: the text of the program.
        shapes: the output shapes of the repaired network's nodes.
        missing: the layer types named without a prefix, which the program may have to import.
        definitions: edits elsewhere that the new code needs.
    """

    def __init__(self, program: NetworkProgram, repaired: Graph) -> None:
        self.program = program
        self.source = program.source
        self.repaired = repaired
        self.shapes = trace(repaired).shapes
        self.missing: list[str] = []
        self.definitions: list[TextEdit] = []

    @abstractmethod
    def new_constructor(self, node: Node) -> str:
        """The expression that constructs a new layer."""

    @abstractmethod
    def apply(self, node: Node, reads: str) -> str:
        """The expression of a new layer on a tensor that a variable or expression holds."""

    @abstractmethod
    def around(self, node: Node, inner: ast.expr) -> tuple[str, str]:
        """What stands before and after an expression when a new layer is applied to it."""

    def function(self, node: Node, reads: str) -> str | None:
        """The expression of a layer that is a function on a tensor; None: it cannot be one."""
        return None

    def input_shape_moved(self, target: str, codes: list[str]) -> tuple[list[str], list[TextEdit]]:
        """New layers put in front of the first one, whose code may state the shape of the input.

        Args:
            target: the layer that was the first.
            codes: the expressions that construct the new layers.

        Returns:
            The expressions as they have to be, and the edits of the layer that was the first.
        """
        return codes, []

    def constructor(self, node: Node) -> str:
        """The expression that constructs a new layer, or that of one that is moved."""
        if node.name in self.program.graph:
            call = self.program.site(node.name).written.call
            if call is not None:
                return self.source.text_of(call)
        return self.new_constructor(node)

    def quoted(self, code: str) -> str:
        """Code with the quotes that the program prefers."""
        text = self.source.text
        return code.replace('"', "'") if text.count("'") > text.count('"') else code

    def variable(self, reference: str, time: int) -> str | None:
        """A variable that holds a tensor at a moment of the program."""
        latest = {
            binding.name: binding.tensor.reference
            for binding in self.program.builder.bindings
            if binding.time < time
        }
        return next((name for name, held in latest.items() if held == reference), None)

    def elsewhere(self) -> list[TextEdit]:
        """The edits elsewhere: definitions, and imports of layers that are named bare."""
        return [*self.definitions, *(self._imports() if self.missing else ())]

    def _imports(self) -> list[TextEdit]:
        for statement in ast.walk(self.source.tree):
            if not isinstance(statement, ast.ImportFrom):
                continue
            if not (statement.module or "").endswith("layers"):
                continue
            known = {alias.name for alias in statement.names}
            new = [kind for kind in dict.fromkeys(self.missing) if kind not in known]
            if "*" in known or not new:
                return []
            start, end = self.source.span(statement.names[-1])
            gap = " "
            if self.source.first_on_line(start):
                gap = self.source.newline + self.source.indent(start)
            return [TextEdit(end, end, "".join(f",{gap}{kind}" for kind in new))]
        raise CannotWrite(f"the program does not import {', '.join(self.missing)}.")
