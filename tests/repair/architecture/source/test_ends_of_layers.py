"""The tensors that a layer reads and returns, by its attributes."""

import pytest

from repair.architecture.graph import Graph
from repair.architecture.source.program import read_program
from repair.architecture.trace import trace

HEAD = "import keras\nfrom keras import layers\n"


def read(body: str) -> Graph:
    return read_program(HEAD + body).graph


def test_a_model_between_the_ends_of_one_layer_is_that_layer() -> None:
    graph = read(
        "i = keras.Input((8, 4))\nd = layers.Conv1D(6, 3)\nx = d(i)\n"
        "m = keras.Model(d.input, d.output)\n"
    )
    assert [node.layer.type for node in graph.nodes] == ["Input", "Conv1D"]
    assert trace(graph).shapes[graph.outputs[0]] == (None, 6, 6)


def test_what_comes_before_a_layer_can_be_read_again() -> None:
    graph = read(
        "i = keras.Input((8, 4))\nd = layers.LSTM(6)\nx = d(layers.Dense(5)(i))\n"
        "m = keras.Model(i, layers.Flatten()(d.input))\n"
    )
    assert [node.layer.type for node in graph.nodes] == ["Input", "Dense", "Flatten"]
    assert trace(graph).shapes[graph.outputs[0]] == (None, 40)


def test_a_layer_of_several_inputs_has_a_list_of_them() -> None:
    graph = read(
        "a = keras.Input((8,))\nb = keras.Input((3,))\nj = layers.Concatenate()\nx = j([a, b])\n"
        "m = keras.Model(j.input, layers.Dense(2)(j.input[1]))\n"
    )
    assert trace(graph).shapes[graph.outputs[0]] == (None, 2)
    assert trace(graph).shapes[graph[graph.outputs[0]].inputs[0]] == (None, 3)


@pytest.mark.parametrize("calls", ["d(i)", "d(d(i))"])
def test_the_input_is_that_of_the_first_call(calls: str) -> None:
    graph = read(
        f"i = keras.Input((8, 4))\nd = layers.Dense(4)\nx = {calls}\n"
        "m = keras.Model(i, layers.GRU(2)(d.input))\n"
    )
    assert [node.layer.type for node in graph.nodes] == ["Input", "GRU"]


def test_a_model_from_the_input_of_a_layer_is_called_on_another_tensor() -> None:
    graph = read(
        "i = keras.Input((None, 4))\nd = layers.Conv1D(6, 3)\nx = d(i)\n"
        "part = keras.Model(d.input, x)\nj = keras.Input((20, 4))\nm = keras.Model(j, part(j))\n"
    )
    assert [node.layer.type for node in graph.nodes] == ["Input", "Input", "Conv1D"]
    assert trace(graph).shapes[graph.outputs[0]] == (None, 18, 6)
