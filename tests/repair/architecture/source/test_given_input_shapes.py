"""A shape that the user gives overrides what a program states, and the answer says so."""

import json
from pathlib import Path

import pytest

from repair.architecture.__main__ import main
from repair.architecture.source.program import read_program
from repair.architecture.trace import trace
from repair.errors import InputError

HEAD = "import keras\nimport numpy as np\nfrom keras import layers\nfrom flax import nnx\n"
STATED = {
    "an Input": "i = keras.Input((28, 28))\nm = keras.Model(i, layers.ReLU()(i))\n",
    "an Input by its whole shape": "i = keras.Input(batch_shape=(None, 28, 28))\n"
    "m = keras.Model(i, layers.ReLU()(i))\n",
    "an entry of a chain": "m = keras.Sequential([keras.Input((28, 28)), layers.ReLU()])\n",
    "the first layer": "m = keras.Sequential([layers.ReLU(input_shape=(28, 28))])\n",
    "a chain that is built": "m = keras.Sequential([layers.ReLU()])\nm.build((None, 28, 28))\n",
    "a chain in a chain": "c = keras.Sequential([keras.Input((28, 28)), layers.ReLU()])\n"
    "m = keras.Sequential([c])\n",
    "data": "m = keras.Sequential([layers.ReLU()])\nm(np.zeros((5, 28, 28)))\n",
    "data for a class": "class Net(nnx.Module):\n    def __call__(self, x): return nnx.relu(x)\n"
    "m = Net()\nm(np.zeros((5, 28, 28)))\n",
}
MODEL = {"a chain in a chain": "m"}
USED = HEAD + (
    "i = keras.Input((6, 4))\nx = layers.Reshape((i.shape[1] * i.shape[2],))(i)\n"
    "m = keras.Model(i, layers.Dense(3)(x))\n"
)
PAIR = HEAD + (
    "z = keras.Input((16,))\nmake = keras.Model(z, layers.Dense(8)(z), name='make')\n"
    "p = keras.Input((8,))\njudge = keras.Model(p, layers.Dense(1)(p), name='judge')\n"
)


@pytest.mark.parametrize("name", STATED)
def test_the_given_shape_holds(name: str) -> None:
    given = read_program(HEAD + STATED[name], model=MODEL.get(name), input_shapes=((28, 28, 1),))
    assert trace(given.graph).shapes[given.graph.nodes[0].name] == (None, 28, 28, 1)
    nested = name == "a chain in a chain"  # of which the inner one takes a last axis of 1 or none
    wanted = (None, 28, 28) if nested else (None, 28, 28, 1)
    assert trace(given.graph).shapes[given.graph.outputs[0]] == wanted
    (note,) = given.notes
    assert "(28, 28)" in note
    assert "--input-shape overrides it with (28, 28, 1)" in note


@pytest.mark.parametrize("name", STATED)
@pytest.mark.parametrize("shapes", [(), ((28, 28),)])
def test_nothing_is_said_where_nothing_is_overridden(
    name: str, shapes: tuple[tuple[int, ...], ...]
) -> None:
    text, model = HEAD + STATED[name], MODEL.get(name)
    assert not read_program(text, model=model, input_shapes=shapes).notes


def test_what_the_program_computes_of_its_input_follows() -> None:
    graph = read_program(USED, input_shapes=((5, 7),)).graph
    assert trace(graph).shapes["reshape"] == (None, 35)


def test_the_inputs_are_those_of_the_network_that_is_chosen() -> None:
    judge = read_program(PAIR, model="judge", input_shapes=((9,),))
    assert trace(judge.graph).shapes["input_1"] == (None, 9)
    (note,) = judge.notes
    assert note.startswith("line 7: ")
    make = read_program(PAIR, model="make", input_shapes=((9,),))
    assert trace(make.graph).shapes["input"] == (None, 9)


def test_several_inputs_are_overridden_in_their_order() -> None:
    text = HEAD + (
        "a = keras.Input((3,))\nb = keras.Input((4,))\n"
        "m = keras.Model([a, b], layers.Concatenate()([a, b]))\n"
    )
    program = read_program(text, input_shapes=((3,), (6,)))
    assert trace(program.graph).shapes[program.graph.outputs[0]] == (None, 9)
    assert len(program.notes) == 1
    with pytest.raises(InputError, match="given 3 times, but the network has 2 inputs"):
        read_program(text, input_shapes=((3,), (6,), (7,)))


def test_the_answer_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.py"
    path.write_text(HEAD + "m = keras.Sequential([keras.Input((28, 28)), layers.Conv2D(8, 3)])\n")
    assert main([str(path)]) == 1
    assert "note" not in capsys.readouterr().out
    assert main([str(path), "--input-shape", "28,28,1"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "note: line 5: the program states the shape (28, 28) for 'input'" in shown
    assert main([str(path), "--input-shape", "28,28,1", "--json"]) == 0
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert "overrides" in note


DOCUMENTS = {
    "net.yaml": ("input: [28, 28]\n", "layers:\n  - Conv2D: {filters: 8, kernel_size: 3}\n"),
    "net.json": (
        '{"input": [28, 28], ',
        '"layers": [{"Conv2D": {"filters": 8, "kernel_size": 3}}]}',
    ),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_of_a_document_that_states_its_input_it_is_said_too(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, (stated, rest) = tmp_path / name, DOCUMENTS[name]
    path.write_text(stated + rest)
    assert main([str(path), "--input-shape", "28,28,1", "--json"]) == 1
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert "(28, 28, 1) is not used: the file states the shape of its input, (28, 28)" in note
    path.write_text("{" * (name == "net.json") + rest)
    assert main([str(path), "--input-shape", "28,28,1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == []
