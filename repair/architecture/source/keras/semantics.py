"""What the names of Keras mean: Sequential, Input, Model, layers, and calls of all of them."""

import ast
from dataclasses import replace

from repair.architecture.layer import LayerSpec
from repair.architecture.layers import ALIASES, LAYERS
from repair.architecture.layers.arguments import ACTIVATIONS
from repair.architecture.source.keras.layers import FUNCTIONAL_MERGES, keras_layer_instance
from repair.architecture.source.keras.models import KERAS, KerasModels
from repair.architecture.source.network.builder import GraphBuilder
from repair.architecture.source.network.calls import apply_function, call_layer, tensors
from repair.architecture.source.network.semantics import GraphSemantics
from repair.architecture.source.network.values import (
    FunctionalModel,
    Parameter,
    SequentialModel,
)
from repair.architecture.source.python.semantics import Interpreter, WithoutAll
from repair.architecture.source.python.values import (
    BoundCall,
    BoundMethod,
    QualifiedName,
    Value,
)

MODELS = ("Sequential", "Model")
CONSTRUCTORS = (*MODELS, "Functional", "Input", "InputLayer")
"""What makes models and their inputs."""
PACKAGES = frozenset(("keras", "tensorflow", "tf", "tf_keras"))
"""Parts of the full names of what is of Keras."""


class KerasSemantics(GraphSemantics):
    """The names of Keras 3, and of Keras 2 and tf.keras where they are the same.

    Args:
        builder: the graph that layers are drawn into.
    """

    packages = frozenset(("keras", "tf_keras", "tensorflow"))

    def __init__(self, builder: GraphBuilder) -> None:
        super().__init__(builder)
        self.models = KerasModels(builder)

    def call(
        self, interpreter: Interpreter, function: Value, call: BoundCall, node: ast.Call
    ) -> Value:
        """The value of a constructor, a function, a model, or a method of a sequential model."""
        if isinstance(function, QualifiedName):
            return self._named(interpreter, function, call, node)
        if isinstance(function, SequentialModel | FunctionalModel):
            return self.models.called(interpreter, function, call, node)
        if isinstance(function, BoundMethod) and isinstance(function.owner, SequentialModel):
            return self.models.method(interpreter, function.owner, function.name, call, node)
        return NotImplemented

    def without_all(self, function: Value) -> WithoutAll:
        """What makes a network is refused: layers, models, and what adds to them."""
        if isinstance(function, BoundMethod) and isinstance(function.owner, SequentialModel):
            changes = function.name in (*function.owner.mutators, "build")
            return WithoutAll.REFUSED if changes else WithoutAll.UNREAD
        if not isinstance(function, QualifiedName):
            return WithoutAll.UNREAD
        parts = function.path.split(".")
        made = parts[-1] in CONSTRUCTORS or self.provides(parts[-1]) or "layers" in parts
        own = not PACKAGES.isdisjoint(parts[:-1])
        return WithoutAll.REFUSED if made and own else WithoutAll.UNREAD

    def provides(self, name: str) -> bool:
        """The names of layers and models."""
        return name in LAYERS or name in ALIASES or name in MODELS

    def extends(self, base: Value) -> str | None:
        """Classes of keras.Model and keras.layers.Layer."""
        if not isinstance(base, QualifiedName) or base.last not in ("Model", "Layer"):
            return None
        return None if PACKAGES.isdisjoint(base.path.split(".")[:-1]) else KERAS

    def _named(
        self, interpreter: Interpreter, function: QualifiedName, call: BoundCall, node: ast.Call
    ) -> Value:
        parts = function.path.split(".")
        name = parts[-1]
        if PACKAGES.isdisjoint(parts[:-1]):
            return NotImplemented
        if name == "Sequential":
            return self.models.sequential(call, node)
        if name in ("Input", "InputLayer"):
            return self.models.input(interpreter, call, node)
        if name in ("Model", "Functional") and parts[-2] in ("keras", "models"):
            return self.models.functional(call, node)
        inputs = tensors(call)
        if name in FUNCTIONAL_MERGES and inputs:
            return self._merge(interpreter, name, call, node)
        if name in ACTIVATIONS and inputs and "layers" not in parts:
            layer = LayerSpec("Activation", {"activation": name})
            return apply_function(interpreter, self.builder, layer, inputs[:1], node, name=name)
        if "layers" in parts or name in LAYERS:
            return keras_layer_instance(interpreter, self.builder, name, call, node)
        return NotImplemented

    def _merge(self, interpreter: Interpreter, name: str, call: BoundCall, node: ast.Call) -> Value:
        """A merging layer as a function: keras.layers.concatenate([x, y], axis=1)."""
        kind = next(kind for kind in LAYERS if kind.lower() == name)
        named = {key: pair for key, pair in call.named.items() if key != "inputs"}
        layer = keras_layer_instance(interpreter, self.builder, kind, BoundCall((), named), node)
        parameters = {key: Parameter(key) for key in layer.written.parameters}
        layer.written = replace(layer.written, parameters=parameters, renames=False)
        return call_layer(interpreter, self.builder, layer, BoundCall(call.positional[:1]), node)
