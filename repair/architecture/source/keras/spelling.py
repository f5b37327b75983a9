"""The code of layers in a Keras program."""

import ast

from repair.architecture.formats.keras.code import keras_layer
from repair.architecture.formats.python_code import spell
from repair.architecture.graph import Node
from repair.architecture.source.edit.call_edits import edited_call, with_arguments
from repair.architecture.source.edit.spelling import Spelling
from repair.architecture.source.network.values import Parameter
from repair.architecture.source.text import TextEdit

INPUT_SHAPE = ("input_shape", "batch_input_shape", "input_dim", "input_length", "batch_shape")
"""Arguments of a first layer that state the shape of the input."""


class KerasSpelling(Spelling):
    """Layers as calls of their constructors, which are called on tensors in turn."""

    def new_constructor(self, node: Node) -> str:
        """The expression that constructs a new layer, named as the program names its own."""
        prefix = self._prefix()
        if prefix == "":
            self.missing.append(node.layer.type)
        return self.quoted(keras_layer(node.layer, prefix))

    def apply(self, node: Node, reads: str) -> str:
        """The expression of a new layer on a tensor that a variable or expression holds."""
        return f"{self.constructor(node)}({reads})"

    def around(self, node: Node, inner: ast.expr) -> tuple[str, str]:
        """What stands before and after an expression when a new layer is applied to it."""
        return f"{self.constructor(node)}(", ")"

    def input_shape_moved(self, target: str, codes: list[str]) -> tuple[list[str], list[TextEdit]]:
        """Moves the shape of the input, where the first layer states it, to the new first one."""
        graph = self.program.graph
        call = self.program.site(target).written.call
        stated = [k for k in call.keywords if k.arg in INPUT_SHAPE] if call else []
        start = graph[graph[target].inputs[0]]
        if call is None or not stated or start.layer.type != "Input":
            return codes, []
        sizes = spell(start.layer.arguments["shape"])
        first = with_arguments(codes[0], {Parameter("input_shape"): sizes})
        gone = dict.fromkeys((Parameter(str(k.arg)) for k in stated), None)
        return [first, *codes[1:]], [edited_call(self.source, call, gone)]

    def _prefix(self) -> str:
        """What stands before the names of layers: "layers.", or nothing."""
        for node in self.program.graph.nodes:
            call = self.program.site(node.name).written.call
            if call is not None and node.layer.type != "Input":
                if isinstance(call.func, ast.Attribute):
                    return self.source.text_of(call.func.value) + "."
                if isinstance(call.func, ast.Name):
                    return ""
        return "keras.layers."
