"""What the names of Keras mean: Sequential, Input, Model, layers, and calls of all of them."""

import ast
from dataclasses import replace

from repair.architecture.layer import LayerSpec
from repair.architecture.layers import LAYERS
from repair.architecture.layers.arguments import ACTIVATIONS
from repair.architecture.source.calls import call_layer, references, tensors
from repair.architecture.source.keras_layers import LAYER_NAMES, make, sizes
from repair.architecture.source.pool import Site
from repair.architecture.source.stacks import call_functional, call_stack
from repair.architecture.source.values import (
    Array,
    Dotted,
    Functional,
    Given,
    Item,
    Method,
    Parameter,
    Stack,
    Tensor,
    Tensors,
    Unread,
    Value,
    Written,
)
from repair.architecture.source.walk import Walk
from repair.errors import InputError


class KerasWords:
    """The names of Keras 3, and of Keras 2 and tf.keras where they are the same."""

    def call(self, walk: Walk, function: Value, given: Given, node: ast.Call) -> Value:
        """The value of a call."""
        if isinstance(function, Dotted):
            return self._named(walk, function, given, node)
        if isinstance(function, Stack | Functional):
            return self._model(walk, function, given, node)
        if isinstance(function, Method) and isinstance(function.owner, Stack):
            return self._method(walk, function.owner, function.name, given, node)
        if isinstance(function, Method) and isinstance(function.owner, Tensors):
            return self._picked(walk, function, given)
        return NotImplemented

    def combine(
        self, walk: Walk, kind: type[ast.operator], left: Value, right: Value, node: ast.BinOp
    ) -> Value:
        """Operators on tensors are those of arrays."""
        return NotImplemented

    def _named(self, walk: Walk, function: Dotted, given: Given, node: ast.Call) -> Value:
        parts = function.path.split(".")
        name = parts[-1]
        if not {"keras", "tensorflow", "tf", "tf_keras"} & set(parts[:-1]):
            return NotImplemented
        if name == "Sequential":
            return self._sequential(walk, given, node)
        if name in ("Input", "InputLayer"):
            return self._input(walk, given, node)
        if name in ("Model", "Functional") and parts[-2] in ("keras", "models"):
            return self._functional(walk, given, node)
        inputs = tensors(given)
        if name in LAYER_NAMES and inputs:
            kind = next(k for k in LAYERS if k.lower() == name)
            made = make(kind, Given((), {k: v for k, v in given.named.items() if k != "inputs"}),
                        node)  # fmt: skip
            parameters = {k: Parameter(k) for k in made.written.parameters}
            made.written = replace(made.written, parameters=parameters, renames=False)
            return call_layer(walk, made, Given(given.positional[:1], {}), node)
        if name in ACTIVATIONS and inputs and "layers" not in parts:
            site = Site(Written(None), node, (node.args[0],), walk.statement, walk.pool.tick())
            layer = LayerSpec("Activation", {"activation": name})
            return Tensor(walk.pool.add(layer, (inputs[0][0],), site, name))
        if "layers" in parts or name in LAYERS:
            return make(name, given, node)
        return NotImplemented

    def _sequential(self, walk: Walk, given: Given, node: ast.Call) -> Stack:
        layers = given.get("layers", 0)
        literal = given.written("layers", 0)
        items: list[Item] = []
        name = given.get("name", 1)
        stack = Stack(str(name) if isinstance(name, str) else "sequential?", items, node.lineno)
        if isinstance(layers, list | tuple):
            elements = tuple(literal.elts) if isinstance(literal, ast.List | ast.Tuple) else ()
            direct = len(elements) == len(layers) and not any(
                isinstance(element, ast.Starred) for element in elements
            )
            stack.literal = literal if isinstance(literal, ast.List | ast.Tuple) else None
            for position, layer in enumerate(layers):
                place = elements[position] if direct else node
                items.append(Item(layer, place, elements if direct else None))
        elif layers is not None:
            raise InputError(
                f"line {node.lineno}: the layers of Sequential are {_shown(layers)}, which only "
                "running the program would tell. Write them as a list."
            )
        walk.models.append(stack)
        return stack

    def _input(self, walk: Walk, given: Given, node: ast.Call) -> Tensor:
        shape = sizes(given.get("shape", 0, given.get("input_shape", None)))
        batch = given.get("batch_shape", None)
        fixed: dict[str, int] = {}
        size = given.get("batch_size", 1)
        if isinstance(batch, list | tuple) and sizes(batch[1:]) is not None:
            shape, size = sizes(batch[1:]), batch[0]
        if type(size) is int:
            fixed = {"batch_size": size}
        inputs = [n for n in walk.pool.nodes.values() if n.layer.type == "Input"]
        if shape is None and len(walk.input_shapes) > len(inputs):
            shape = walk.input_shapes[len(inputs)]
        if shape is None:
            raise InputError(
                f"line {node.lineno}: the shape of this Input is not a constant that can be read "
                "without running the program. Give it, such as --input-shape 28,28,1."
            )
        own = given.get("name", None)
        site = Site(Written(node), node, (), walk.statement, walk.pool.tick())
        layer = LayerSpec("Input", {"shape": shape, **fixed})
        return Tensor(walk.pool.add(layer, (), site, own if isinstance(own, str) else "input"))

    def _functional(self, walk: Walk, given: Given, node: ast.Call) -> Value:
        ends = []
        for position, (name, old) in enumerate((("inputs", "input"), ("outputs", "output"))):
            found = references(given.get(name, position, given.get(old, None)))
            if not found:
                raise InputError(
                    f"line {node.lineno}: the {name} of this Model are not tensors whose making "
                    "can be read without running the program."
                )
            ends.append(found)
        own = given.get("name", 2)
        model = Functional(own if isinstance(own, str) else "model?", ends[0], ends[1], node.lineno)
        walk.models.append(model)
        return model

    def _model(self, walk: Walk, model: Stack | Functional, given: Given, node: ast.Call) -> Value:
        first = given.positional[0][0] if given.positional else None
        if isinstance(first, Array):
            if isinstance(model, Stack) and model.input_shape is None:
                model.input_shape = first.shape[1:]
            return Unread(node.lineno, "the result of the model")
        inputs = tensors(given)
        if not inputs:
            return NotImplemented
        model.used = True
        site = Site(Written(None), node, tuple(place for _, place in inputs), walk.statement,
                    walk.pool.tick())  # fmt: skip
        reads = tuple(reference for reference, _ in inputs)
        if isinstance(model, Stack):
            return Tensor(call_stack(walk, model, reads[0], site))
        outputs = call_functional(walk, model, reads, site)
        found = [Tensor(reference) for reference in outputs]
        return found[0] if len(found) == 1 else found

    def _method(self, walk: Walk, stack: Stack, name: str, given: Given, node: ast.Call) -> Value:
        if name == "add" and given.positional and walk.statement is not None:
            stack.items.append(Item(given.positional[0][0], walk.statement))
        elif name == "build":
            shape = sizes(given.get("input_shape", 0))
            if shape and stack.input_shape is None:
                stack.input_shape = shape[1:]
        elif name == "pop":
            raise InputError(f"line {node.lineno}: .pop() is not read: leave the layer out.")
        elif name in ("predict", "__call__") and given.positional:
            return self._model(walk, stack, given, node)
        return Unread(node.lineno, f"{stack.name}.{name}(...)")

    def _picked(self, walk: Walk, method: Method, given: Given) -> Value:
        """One output of a layer that has several."""
        owner = method.owner
        if method.name != "[]" or not isinstance(owner, Tensors):
            return NotImplemented
        shapes = walk.pool.shapes.get(owner.reference, ())
        index = walk.value(given.positional[0][0])  # type: ignore[arg-type]
        if type(index) is int and 0 <= index < len(shapes) and len(shapes) > 1:
            return Tensor(f"{owner.reference}:{index}" if index else owner.reference)
        return NotImplemented


def _shown(value: Value) -> str:
    return value.text if isinstance(value, Unread) else "not a list"
