"""Keras 3 itself as the judge: builds a layer or a network and says what comes out.

A layer counts as valid when Keras builds it symbolically and its call can be traced on arrays: some
Keras layers check shapes only when they run.
"""

import inspect
import os
import warnings
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import numpy as np
import pytest

from repair.architecture.graph import Graph
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import LAYERS

keras = pytest.importorskip("keras", reason="Keras, the oracle, is not installed")

REFUSALS = (ValueError, TypeError, IndexError, ZeroDivisionError, AssertionError, AttributeError)
"""What Keras and JAX raise on a definition that they do not take."""
NOT_IN_KERAS = ("LocallyConnected1D", "LocallyConnected2D", "ThresholdedReLU")


@keras.saving.register_keras_serializable("oracle")
class Zeros(keras.initializers.Initializer):
    """Zeros made by NumPy: no compilation for every new shape, which costs seconds."""

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        return np.zeros(shape, "float32")

    def clone(self) -> "Zeros":
        return self


def make(layer: LayerSpec) -> keras.layers.Layer:
    """The Keras layer of a definition."""
    arguments: dict[str, Any] = dict(layer.arguments)
    if layer.type not in ("RNN", "Sequential", "Bidirectional", "TimeDistributed"):
        signature = inspect.signature(getattr(keras.layers, layer.type).__init__)
        slow = [name for name in signature.parameters if name.endswith("_initializer")]
        arguments |= {name: Zeros() for name in slow}
    inner = [make(one) for one in layer.inner]
    if layer.type == "RNN":
        return keras.layers.RNN(inner if len(inner) > 1 else inner[0], **arguments)
    if layer.type == "Bidirectional":
        backward = inner[1] if len(inner) > 1 else None
        return keras.layers.Bidirectional(inner[0], backward_layer=backward, **arguments)
    if layer.type == "Sequential":
        return keras.Sequential(inner)
    return getattr(keras.layers, layer.type)(*inner, **arguments)


def call(built: keras.layers.Layer, type_: str, inputs: list[Any]) -> Any:
    """The layer on its inputs, in the form in which that layer takes several."""
    several = LAYERS[type_].inputs != (1, 1) and type_ not in ("LSTM", "GRU", "SimpleRNN", "RNN")
    if type_ == "MultiHeadAttention":
        return built(*inputs)
    if several and not type_.startswith(("ConvLSTM", "Bidirectional", "Softmax")):
        return built(inputs)
    return built(inputs[0], initial_state=inputs[1:]) if len(inputs) > 1 else built(inputs[0])


def judge(layer: LayerSpec, shapes: tuple[Shape, ...]) -> tuple[Shape, ...] | None:
    """Output shapes of one layer, batch first; None where Keras refuses it.

    Also None where Keras builds it but then yields other shapes than it declared.
    """
    keras.utils.clear_session(free_memory=False)
    # Keras itself mixes dtypes, which the strict promotion of our tests forbids
    with warnings.catch_warnings(), jax.numpy_dtype_promotion("standard"):
        warnings.simplefilter("ignore")
        try:
            inputs = [keras.Input(batch_shape=shape) for shape in shapes]
            outputs = call(make(layer), layer.type, inputs)
            outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
            model = keras.Model(inputs, outputs)
            real = _run(model)
        except REFUSALS:
            return None
    declared = tuple(tuple(output.shape) for output in outputs)
    kept = all(
        len(shape) == len(made) and all(a in (b, None) for a, b in zip(shape, made, strict=True))
        for shape, made in zip(declared, real, strict=True)
    )
    return declared if kept else None


BATCH = 3


def fixed(shape: Shape) -> tuple[int, ...]:
    """The shape with a number for every unknown size."""
    return tuple(BATCH if size is None else size for size in shape)


def _run(model: keras.Model) -> list[tuple[int, ...]]:
    """The output shapes of the model's call, traced on arrays without values."""
    arrays = [jax.ShapeDtypeStruct(fixed(tuple(x.shape)), "float32") for x in model.inputs]
    trainable = [value.value for value in model.trainable_variables]
    others = [value.value for value in model.non_trainable_variables]
    outputs = jax.eval_shape(
        lambda *xs: model.stateless_call(trainable, others, list(xs))[0], *arrays
    )
    return [tuple(output.shape) for output in jax.tree.leaves(outputs)]


def build(graph: Graph) -> Mapping[str, Shape]:
    """Builds a whole network in Keras and gives the output shape of every node.

    Raises whatever Keras raises on a network that it does not take.
    """
    built, tensors = model(graph)
    with jax.numpy_dtype_promotion("standard"):
        _run(built)
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def model(graph: Graph) -> tuple[keras.Model, Mapping[str, Any]]:
    """A whole network in Keras, and the output of every node."""
    keras.utils.clear_session(free_memory=False)
    tensors: dict[str, Any] = {}
    layers: dict[str, keras.layers.Layer] = {}
    inputs = []
    for node in graph.nodes:
        if node.layer.type == "Input":
            arguments = node.layer.arguments
            tensors[node.name] = keras.Input(arguments["shape"], arguments.get("batch_size"))
            inputs.append(tensors[node.name])
            continue
        owner = node.shares or node.name
        layers.setdefault(owner, make(node.layer))
        given = [tensors[name] for name, _ in node.sources]
        tensors[node.name] = call(layers[owner], node.layer.type, given)
    return keras.Model(inputs, [tensors[name] for name in graph.outputs]), tensors
