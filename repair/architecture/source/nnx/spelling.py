"""The code of layers in a program of Flax NNX."""

import ast

from repair.architecture.formats.nnx.layers import nnx_code
from repair.architecture.graph import Node
from repair.architecture.source.edit.differences import CannotWrite
from repair.architecture.source.edit.insertions import line_after
from repair.architecture.source.edit.spelling import Spelling

HOLE = "__input__"
SIMPLE = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)
"""Expressions that a method may be called on without parentheses."""


class NnxSpelling(Spelling):
    """Layers as attributes that __init__ sets, and functions of tensors."""

    def new_constructor(self, node: Node) -> str:
        """Refuses: a new layer is an attribute of the module, not an entry of a list."""
        raise CannotWrite(f"{node.layer.type} cannot be written into a list of layers.")

    def apply(self, node: Node, reads: str) -> str:
        """The expression of a new layer on a tensor, with its attribute set in __init__."""
        shape = self.shapes[node.inputs[0]]
        if shape is None:
            raise CannotWrite(f"the shape that {node.name!r} reads is not known.")
        code = nnx_code(node.layer, (shape,), (reads,), f"self.{node.name}")
        for suffix, text in code.init.items():
            self._set_in_init(f"self.{node.name}{suffix} = {text}")
        return code.call

    def around(self, node: Node, inner: ast.expr) -> tuple[str, str]:
        """What stands before and after an expression when a new layer is applied to it."""
        if node.layer.type in ("Flatten", "Reshape"):
            sizes = self.shapes[node.name] or ()
            text = f"{HOLE}.reshape(-1, {', '.join(map(str, sizes[1:]))})"
        else:
            text = self.apply(node, HOLE)
        parts = text.split(HOLE)
        if len(parts) != 2:
            raise CannotWrite(f"{node.layer.type} cannot be written around an expression.")
        if not isinstance(inner, SIMPLE):
            return f"{parts[0]}(", f"){parts[1]}"
        return parts[0], parts[1]

    def function(self, node: Node, reads: str) -> str:
        """The expression of a layer that is a function on a tensor."""
        return self.apply(node, reads)

    def _set_in_init(self, line: str) -> None:
        """One more line at the end of __init__."""
        module = self.program.module
        init = module.of.methods.get("__init__") if module else None
        if init is None:
            raise CannotWrite("the class has no __init__ for a new layer.")
        names = [a.arg for a in (*init.args.args, *init.args.kwonlyargs)]
        if "rngs" not in names:
            raise CannotWrite("__init__ has no parameter rngs, which a new layer needs.")
        edit = line_after(self.source, init.body[-1], line)
        if edit not in self.definitions:
            self.definitions.append(edit)
