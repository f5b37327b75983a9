"""The models of Keras: Input, Sequential and Model(inputs, outputs), and calls of them."""

import ast

from repair.architecture.layer import LayerSpec
from repair.architecture.source.network.builder import GraphBuilder, Site
from repair.architecture.source.network.calls import references, tensors
from repair.architecture.source.network.constants import sizes
from repair.architecture.source.network.models import call_functional, call_sequential
from repair.architecture.source.network.values import (
    Array,
    FunctionalModel,
    Model,
    Parameter,
    SequentialEntry,
    SequentialModel,
    Tensor,
    WrittenLayer,
)
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import BoundCall, Unknown, Value, first_unknown
from repair.errors import InputError

KERAS = "keras"
"""The name of the framework."""


class KerasModels:
    """Constructs models, and draws those that are called into the graph.

    Args:
        builder: the graph.
    """

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder

    def sequential(self, call: BoundCall, node: ast.Call) -> SequentialModel:
        """The model of keras.Sequential(...).

        Raises:
            InputError: its layers are not a list that is known.
        """
        layers, expression = call.get("layers", 0), call.expression("layers", 0)
        name = call.get("name", 1)
        title = name if isinstance(name, str) else "sequential?"
        model = SequentialModel(title, node.lineno, KERAS, [])
        if isinstance(layers, list | tuple):
            elements: tuple[ast.expr, ...] = ()
            if isinstance(expression, ast.List | ast.Tuple):
                elements = tuple(expression.elts)
            direct = len(elements) == len(layers) and not any(
                isinstance(element, ast.Starred) for element in elements
            )
            for position, layer in enumerate(layers):
                written = elements[position] if direct else node
                model.entries.append(SequentialEntry(layer, written, elements if direct else None))
        elif layers is not None:
            unknown = isinstance(layers, Unknown)
            shown, line = (layers.text, layers.line) if unknown else ("not a list", node.lineno)  # type: ignore
            raise InputError(
                f"line {line}: the layers of Sequential are {shown}, which only "
                "running the program would tell. Write them as a list."
            )
        for entry in model.entries:
            if isinstance(entry.value, Model):
                entry.value.becomes_part()
        self.builder.models.append(model)
        return model

    def input(self, interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Tensor:
        """The tensor of keras.Input(...), or of an InputLayer.

        Raises:
            InputError: its shape is not known.
        """
        shape = sizes(call.get("shape", 0, call.get("input_shape", None)))
        batch = call.get("batch_shape", None)
        size = call.get("batch_size", 1)
        if isinstance(batch, list | tuple) and sizes(batch[1:]) is not None:
            shape, size = sizes(batch[1:]), batch[0]
        fixed = {"batch_size": size} if type(size) is int else {}
        inputs = [
            n for n in self.builder.nodes.values() if n.layer.type == "Input" and not n.inputs
        ]
        if shape is None and len(self.builder.input_shapes) > len(inputs):
            shape = self.builder.input_shapes[len(inputs)]
        if shape is None:
            raise InputError(
                f"line {node.lineno}: the shape of this Input is not a constant that can be read "
                "without running the program. Give it, such as --input-shape 28,28,1."
            )
        name = call.get("name", None)
        plain = "shape" in call.named or bool(call.positional)
        parameters = {"shape": Parameter("shape", 0)} if plain else {}
        written = WrittenLayer(node, parameters)
        site = Site(written, node, (), interpreter.statement, self.builder.tick())
        layer = LayerSpec("Input", {"shape": shape, **fixed})
        return Tensor(self.builder.add(layer, (), site, name if isinstance(name, str) else "input"))

    def functional(self, call: BoundCall, node: ast.Call) -> FunctionalModel:
        """The model of keras.Model(inputs, outputs).

        Raises:
            InputError: its ends are not tensors that are known.
        """
        ends = []
        for position, (name, old) in enumerate((("inputs", "input"), ("outputs", "output"))):
            value = call.get(name, position, call.get(old, None))
            end, lost = references(value), first_unknown(value)
            if lost is not None:
                raise InputError(
                    f"line {lost.line}: {lost.text}, which the {name} of the Model on line "
                    f"{node.lineno} are made of, cannot be read without running the program."
                )
            if not end:
                raise InputError(
                    f"line {node.lineno}: the {name} of this Model are not tensors whose making "
                    "can be read without running the program."
                )
            ends.append(end)
        given_name = call.get("name", 2)
        title = given_name if isinstance(given_name, str) else "model?"
        model = FunctionalModel(title, node.lineno, KERAS, ends[0], ends[1])
        self.builder.models.append(model)
        return model

    def called(
        self,
        interpreter: Interpreter,
        model: SequentialModel | FunctionalModel,
        call: BoundCall,
        node: ast.Call,
    ) -> Value:
        """The value of a call of a model: its layers drawn in, or its input shape learned."""
        first = call.values[0] if call.positional else None
        if isinstance(first, Array):
            if isinstance(model, SequentialModel) and model.input_shape is None:
                model.input_shape = first.shape[1:]
            return Unknown(node.lineno, "the result of the model")
        inputs = tuple(reference for reference, _ in tensors(call))
        if not inputs:
            return NotImplemented
        model.used = True
        expressions = tuple(expression for _, expression in tensors(call))
        site = Site(WrittenLayer(), node, expressions, interpreter.statement, self.builder.tick())
        if isinstance(model, SequentialModel):
            return Tensor(call_sequential(self.builder, model, inputs[0], site))
        outputs = [Tensor(name) for name in call_functional(self.builder, model, inputs, site)]
        return outputs[0] if len(outputs) == 1 else outputs

    def method(
        self,
        interpreter: Interpreter,
        model: SequentialModel,
        name: str,
        call: BoundCall,
        node: ast.Call,
    ) -> Value:
        """The value of a method of a sequential model.

        Raises:
            InputError: .pop(), which is not read.
        """
        if name == "add" and call.positional and interpreter.statement is not None:
            entry = SequentialEntry(call.positional[0][0], interpreter.statement)
            model.entries.append(entry)
            if isinstance(entry.value, Model):
                entry.value.becomes_part()
        elif name == "build":
            shape = sizes(call.get("input_shape", 0))
            if shape and model.input_shape is None:
                model.input_shape = shape[1:]
        elif name == "pop":
            raise InputError(f"line {node.lineno}: .pop() is not read: leave the layer out.")
        elif name in ("predict", "__call__") and call.positional:
            return self.called(interpreter, model, call, node)
        return Unknown(node.lineno, f"{model.name}.{name}(...)")
