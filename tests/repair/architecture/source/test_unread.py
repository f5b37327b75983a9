"""Models through code that is not followed: refused, never claimed with something missing."""

from pathlib import Path

import pytest

from repair.architecture.answer import answer
from repair.architecture.definition import ReadOptions
from repair.architecture.rules import KERAS3
from repair.architecture.source.program import read_program
from repair.architecture.trace import trace
from repair.errors import InputError

HEAD = "import keras\nimport numpy as np\nfrom keras import layers\n"
MODEL = HEAD + "model = keras.Sequential([keras.Input((8, 4)), layers.Dense(3)])\n"
REFUSED = {
    "another model, perhaps": MODEL + "if u(): model = other()\nmodel.add(layers.LSTM(3))\n",
    "a model that a function returns": MODEL + "model = u(model)\nmodel.add(layers.LSTM(3))\n",
    "a layer in a match": MODEL + "match u:\n    case 1: model.add(layers.LSTM(3))\n",
    "a layer in a comprehension": MODEL + "[model.add(layer) for layer in u]\n",
    "a layer in a condition": MODEL + "u() and model.add(layers.LSTM(3))\n",
    "a layer in a function of a loop": MODEL
    + "def more(m): m.add(layers.LSTM(3))\nwhile u(): more(model)\n",
    "a layer in a generator": MODEL
    + "def more():\n    yield model.add(layers.LSTM(3))\nlist(more())\n",
    "a layer behind a break": MODEL
    + "for n in (1, 2):\n    if u(): break\n    model.add(layers.Dense(n))\n",
    "arguments of unknown names": MODEL.replace("Dense(3)", "Dense(3, **u)"),
    "arguments of unknown number": MODEL.replace("Dense(3)", "Dense(3, *u)"),
    "an argument given twice": MODEL.replace("Dense(3)", "Dense(3, **{'units': 4})"),
    "a layer of a module of its own": MODEL.replace(
        "from keras import layers", "from . import layers"
    ),
    "layers of its own": MODEL.replace("layers.Dense", "Dense")
    + "from .keras.layers import Dense\n",
    "every other step": HEAD + "x = keras.Input((8, 4))\nm = keras.Model(x, x[:, ::2])\n",
    "a decorator of its own": HEAD
    + "def u(f): return lambda: None\n@u\ndef build(): return keras.Model(x, layers.Dense(3)(x))\n"
    "x = keras.Input((4,))\nm = keras.Model(x, layers.Dense(3)(build().output))\n",
    "an attribute set in a branch": HEAD
    + "class Net(keras.Model):\n    def __init__(self):\n        self.d = layers.Dense(3)\n"
    "        if u(): self.d = layers.LSTM(3)\n    def call(self, x): return self.d(x)\n"
    "Net()(np.zeros((1, 8, 4)))\n",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_be_missing_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="line "):
        read_program(REFUSED[name])


SHAPES = {
    "x /= 255": (8, 4),
    "x = x / 255.0": (8, 4),
    "x **= 2": (8, 4),
    "x -= 0.5": (8, 4),
    "x = 1 - x": (8, 4),
    "x /= u": None,
    "x @= u": None,
    "x = x + np.zeros((2, 100, 8, 4))": None,
    "x = u(x)": None,
    "x: object = x": (8, 4),
    "y = (x := x * 2)": (8, 4),
    "del x": None,
}


@pytest.mark.parametrize("statement", SHAPES)
def test_an_array_keeps_its_shape_under_numbers_alone(statement: str) -> None:
    text = HEAD + f"x = np.zeros((100, 8, 4))\n{statement}\n"
    text += "model = keras.Sequential([keras.Input(x.shape[1:]), layers.Dense(3)])\n"
    wanted = SHAPES[statement]
    if wanted is None:
        with pytest.raises(InputError, match="shape of this Input"):
            read_program(text)
    else:
        assert trace(read_program(text).graph).shapes["input"] == (None, *wanted)


AUGMENTED = {
    "x += y": (
        "y = layers.Dense(8)(x)\nx += y\nx = layers.LSTM(3)(x)\n",
        "x += y\nx = layers.Reshape(",
    ),
    "x += f(y)": ("x = layers.Dense(5)(x)\nx += layers.Dense(4)(i)\n", "x += layers.Dense(5)("),
}


@pytest.mark.parametrize("name", AUGMENTED)
def test_repairs_around_an_assignment_in_place_are_written(name: str, tmp_path: Path) -> None:
    lines, wanted = AUGMENTED[name]
    path = tmp_path / "net.py"
    path.write_text(f"{HEAD}x = i = keras.Input((8,))\n{lines}m = keras.Model(i, x)\n")
    found = answer(path, ReadOptions(KERAS3), write=True)
    assert found.exit_code == 1
    assert any(wanted in str(text) for text, _ in found.texts), found.texts
    assert answer(path, ReadOptions(KERAS3)).exit_code == 0
