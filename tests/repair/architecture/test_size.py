"""Parameters and multiply-adds, against what Keras and XLA count."""

import os

import jax
import numpy as np
import pytest

from repair.architecture.edits import Insert
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.rules import KERAS3
from repair.architecture.search import repair
from repair.architecture.size import NO_SIZE, Size, layer_sizes, size_change, total_size
from repair.architecture.trace import trace

os.environ.setdefault("KERAS_BACKEND", "jax")
IMAGE, SEQUENCE = (9, 8, 6), (7, 6)
BARE = {"use_bias": False}
CONV = {"filters": 4, "kernel_size": 3}


def of(layer: LayerSpec, *shapes: Shape) -> Size:
    """The size of one layer on inputs of these shapes, batch not counted."""
    nodes = [Node(f"x{k}", LayerSpec("Input", {"shape": shape})) for k, shape in enumerate(shapes)]
    graph = Graph.of([*nodes, Node("layer", layer, tuple(node.name for node in nodes))])
    found = trace(graph, KERAS3)
    assert found.valid, found.errors
    return total_size(layer_sizes(graph, found, KERAS3).values())


COUNTED = [
    (LayerSpec("Dense", {"units": 5}), (SEQUENCE,)),
    (LayerSpec("Conv2D", CONV), (IMAGE,)),
    (LayerSpec("Conv2D", {**CONV, "groups": 2}), (IMAGE,)),
    (LayerSpec("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2}), (IMAGE,)),
    (LayerSpec("SeparableConv2D", CONV), (IMAGE,)),
    (LayerSpec("Conv2DTranspose", CONV), (IMAGE,)),
    (LayerSpec("Embedding", {"input_dim": 11, "output_dim": 3}), ((7,),)),
    (LayerSpec("BatchNormalization"), (IMAGE,)),
    (LayerSpec("LSTM", {"units": 5}), (SEQUENCE,)),
    (LayerSpec("GRU", {"units": 5}), (SEQUENCE,)),
    (LayerSpec("ConvLSTM1D", {"filters": 2, "kernel_size": 3}), ((4, 7, 3),)),
    (LayerSpec("Bidirectional", inner=(LayerSpec("LSTM", {"units": 5}),)), (SEQUENCE,)),
    (LayerSpec("TimeDistributed", inner=(LayerSpec("Dense", {"units": 5}),)), (SEQUENCE,)),
    (
        LayerSpec(
            "RNN", inner=(LayerSpec("LSTMCell", {"units": 5}), LayerSpec("GRUCell", {"units": 4}))
        ),
        (SEQUENCE,),
    ),
    (
        LayerSpec("MultiHeadAttention", {"num_heads": 2, "key_dim": 3, "value_dim": 5}),
        (SEQUENCE, (4, 6)),
    ),
    (LayerSpec("AdditiveAttention"), (SEQUENCE, (4, 6))),
    (
        LayerSpec(
            "EinsumDense", {"equation": "abc,cd->abd", "output_shape": (None, 5), "bias_axes": "d"}
        ),
        (SEQUENCE,),
    ),
    (LayerSpec("EinsumDense", {"equation": "...x,xy->...y", "output_shape": (5,)}), (SEQUENCE,)),
    (LayerSpec("PReLU", {"shared_axes": (1,)}), (IMAGE,)),
]


MULTIPLIED = [
    (LayerSpec("Dense", {"units": 5, **BARE}), SEQUENCE),
    (LayerSpec("Conv1D", {**CONV, "strides": 2, **BARE}), SEQUENCE),
    (LayerSpec("Conv2D", {**CONV, **BARE}), IMAGE),
    (LayerSpec("Conv2D", {**CONV, "groups": 2, **BARE}), IMAGE),
    (LayerSpec("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, **BARE}), IMAGE),
    (LayerSpec("SeparableConv2D", {**CONV, **BARE}), IMAGE),
    (LayerSpec("Conv2DTranspose", {**CONV, **BARE}), IMAGE),
    (LayerSpec("TimeDistributed", inner=(LayerSpec("Dense", {"units": 5, **BARE}),)), SEQUENCE),
    (
        LayerSpec("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (None, 5, 2)}),
        SEQUENCE,
    ),
]


def name_of(value: object) -> str:
    return value.type if isinstance(value, LayerSpec) else ""


@pytest.mark.parametrize(("layer", "shapes"), COUNTED, ids=name_of)
def test_parameters_are_those_of_keras(layer: LayerSpec, shapes: tuple[Shape, ...]) -> None:
    oracle = pytest.importorskip("keras_oracle")
    built = oracle.make(layer)
    oracle.call(built, layer.type, [oracle.keras.Input(shape) for shape in shapes])
    assert of(layer, *shapes).parameters == built.count_params()


@pytest.mark.parametrize(("layer", "shape"), MULTIPLIED, ids=name_of)
def test_multiply_adds_are_those_of_xla(layer: LayerSpec, shape: Shape) -> None:
    oracle = pytest.importorskip("keras_oracle")
    built = oracle.make(layer)
    example = np.zeros((1, *shape), "float32")
    built(example)
    flops = jax.jit(built).lower(example).cost_analysis()["flops"]
    assert of(layer, shape).operations == flops / 2


def test_a_shared_layer_has_its_parameters_once_and_works_twice() -> None:
    dense = LayerSpec("Dense", {"units": 3})
    graph = Graph.of(
        [
            Node("x", LayerSpec("Input", {"shape": (4,)})),
            Node("y", LayerSpec("Input", {"shape": (4,)})),
            Node("left", dense, ("x",)),
            Node("right", dense, ("y",), "left"),
            Node("dot", LayerSpec("Dot", {"axes": 1}), ("left", "right")),
        ]
    )
    found = layer_sizes(graph, trace(graph, KERAS3), KERAS3)
    assert found["left"] == Size(15, 12)
    assert found["right"] == Size(0, 12)
    assert total_size(found.values()) == Size(15, 2 * 12 + 3)


def test_what_is_broken_counts_nothing_and_unknown_sizes_one() -> None:
    graph = Graph.of(
        [
            Node("x", LayerSpec("Input", {"shape": (None, 4)})),
            Node("dense", LayerSpec("Dense", {"units": 3}), ("x",)),
            Node("conv", LayerSpec("Conv2D", CONV), ("dense",)),
        ]
    )
    assert layer_sizes(graph, trace(graph, KERAS3), KERAS3) == {
        "x": NO_SIZE,
        "dense": Size(15, 12),
        "conv": NO_SIZE,
    }


def test_the_change_is_summed_over_the_layers() -> None:
    before = {"kept": Size(5, 5), "grown": Size(3, 9), "removed": Size(1, 2)}
    after = {"kept": Size(5, 5), "grown": Size(7, 8), "inserted": Size(10, 20)}
    assert size_change(before, after) == Size(4 + 1 + 10, 1 + 2 + 20)
    assert size_change(after, before) == size_change(before, after)


def test_of_equal_repairs_the_one_that_changes_the_size_least_comes_first() -> None:
    wide = LayerSpec("Dense", {"units": 100})
    graph = Graph.of(
        [
            Node("x", LayerSpec("Input", {"shape": (3,)})),
            Node("left", wide, ("x",)),
            Node("right", LayerSpec("Dense", {"units": 2}), ("x",)),
            Node("sum", LayerSpec("Add"), ("left", "right")),
            Node("relu", LayerSpec("ReLU"), ("sum",)),
        ]
    )
    first, *others = repair(graph).repairs
    assert str(first.edits[0]) == "insert Dense(units=2) between left and sum"
    ties = [found for found in others if found.cost == first.cost]
    assert all(first.rank <= found.rank for found in ties)
    assert (first.size.parameters, first.change.parameters) == (400 + 8 + 202, 202)


def test_of_equal_repairs_one_that_keeps_time_steps_apart_comes_first() -> None:
    graph = Graph.of(
        [
            Node("x", LayerSpec("Input", {"shape": (12, 6, 5)})),
            Node("conv", LayerSpec("Conv1D", {"filters": 4, "kernel_size": 2}), ("x",)),
        ]
    )
    found = [
        one for one in repair(graph, alternatives=6).repairs if isinstance(one.edits[0], Insert)
    ]
    first, second = found
    assert [str(first.edits[0]), str(second.edits[0])] == [
        "insert Reshape(target_shape=(12, 30)) between x and conv",
        "insert Reshape(target_shape=(72, 5)) between x and conv",
    ]
    assert first.cost == second.cost
    assert first.change.parameters > second.change.parameters
    assert (first.disorder, second.disorder) == ((0, 1), (1, 1))
