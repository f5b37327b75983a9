"""What a model that is part of another states of its input is compared with what it is given."""

from pathlib import Path

import pytest

from repair.architecture.answer import answer
from repair.architecture.definition import ReadOptions
from repair.architecture.errors import ErrorKind
from repair.architecture.rules import KERAS3
from repair.architecture.source.program import read_program
from repair.architecture.trace import trace
from repair.errors import InputError

HEAD = "import keras\nfrom keras import layers\n"
INNER = {
    "a functional model": "i = keras.Input({shape})\ninner = keras.Model(i, layers.Dense(3)(i))\n",
    "a chain": "inner = keras.Sequential([keras.Input({shape}), layers.Dense(3)])\n",
    "a chain that is added to": "inner = keras.Sequential()\ninner.add(keras.Input(shape={shape}))\n"
    "inner.add(layers.Dense(3))\n",
    "a chain of which the first layer says it": "inner = keras.Sequential()\n"
    "inner.add(layers.Dense(3, input_shape={shape}))\n",
    "a chain that is built": "inner = keras.Sequential([layers.Dense(3)])\n"
    "inner.build((None, *{shape}))\n",
    "a chain in a chain": "core = keras.Sequential([keras.Input({shape}), layers.Dense(3)])\n"
    "inner = keras.Sequential([core])\n",
    "a class": "class Part(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
    "        self.core = keras.Sequential([keras.Input({shape}), layers.Dense(3)])\n"
    "    def call(self, x): return self.core(x)\ninner = Part()\n",
}
OUTER = {
    "called": "o = keras.Input({given})\nouter = keras.Model(o, inner(layers.ReLU()(o)))\n",
    "called on an input": "o = keras.Input({given})\nouter = keras.Model(o, inner(o))\n",
    "in a chain": "outer = keras.Sequential([keras.Input({given}), layers.ReLU(), inner])\n",
    "first in a chain": "outer = keras.Sequential([keras.Input({given}), inner])\n",
    "added": "outer = keras.Sequential()\nouter.add(keras.Input({given}))\nouter.add(inner)\n",
    "behind another model": "first = keras.Sequential([keras.Input({given}), layers.ReLU()])\n"
    "outer = keras.Sequential([first, inner])\n",
}
PAIRS = [
    (inner, outer)
    for inner in INNER
    for outer in OUTER
    if inner != "a class" or "called" in outer  # objects of own classes are not read in chains
]
SHAPES = {
    ((28, 4), (32, 4)): None,
    ((28, 4), (28, 5)): None,
    ((28, 4), (4,)): None,
    ((4,), (28, 4)): None,
    ((28, 4, 2), (28, 4)): None,
    ((28, 4), (28, 4)): (None, 28, 3),
    ((28, 4), (None, 4)): (None, 28, 3),
    ((None, 4), (28, 4)): (None, None, 3),
    ((28,), (28, 1)): (None, 28, 3),
    ((28, 4, 1), (28, 4)): (None, 28, 3),
}


@pytest.mark.parametrize("given", SHAPES, ids=str)
@pytest.mark.parametrize(("inner", "outer"), PAIRS)
def test_what_is_stated_holds(inner: str, outer: str, given: tuple[object, object]) -> None:
    text = HEAD + INNER[inner].format(shape=given[1]) + OUTER[outer].format(given=given[0])
    graph = read_program(text, model="outer").graph
    traced, wanted = trace(graph), SHAPES[given]
    if wanted is None:
        assert [(error.type, error.kind) for error in traced.roots] == [
            ("Input", ErrorKind.INPUT_SHAPES)
        ]
        assert "as the input of its model, which is given (batch, " in traced.roots[0].sentence
    else:
        assert traced.valid
        assert traced.shapes[graph.outputs[0]] == wanted


GAN = HEAD + (
    "z = keras.Input((64,))\nx = layers.Dense(784)(z)\nx = layers.Reshape((28, 28, 1))(x)\n"
    "make = keras.Model(z, x, name='make')\n"
    "p = keras.Input((32, 32, 1), name='picture')\n"
    "y = layers.Conv2D(8, 3)(p)\ny = layers.Flatten()(y)\n"
    "judge = keras.Model(p, layers.Dense(1)(y), name='judge')\n"
    "n = keras.Input((64,))\nboth = keras.Model(n, judge(make(n)))\n"
)


def test_a_generator_of_other_pictures_than_its_judge_wants_is_not_valid(tmp_path: Path) -> None:
    path = tmp_path / "gan.py"
    path.write_text(GAN)
    options = ReadOptions(KERAS3, model="both")
    found = answer(path, options, write=True)
    assert [error.layer for error in found.trace.errors] == ["judge/picture"]
    assert found.definition.lines["judge/picture"] == 7
    assert found.exit_code == 1
    assert "keras.Input((28, 28, 1), name='picture')" in path.read_text()
    assert answer(path, options).exit_code == 0


def test_another_number_of_inputs_is_told() -> None:
    text = HEAD + (
        "a = keras.Input((3,))\nb = keras.Input((4,))\n"
        "inner = keras.Model([a, b], layers.Concatenate()([a, b]))\n"
    )
    for call in ("inner(a)", "inner([a, b, a])"):
        with pytest.raises(InputError, match=r"^line 6: 'inner' takes 2 inputs, but is given"):
            read_program(f"{text}outer = keras.Model([a, b], {call})\n")
    graph = read_program(f"{text}outer = keras.Model([a, b], inner([b, a]))\n", model="outer").graph
    assert [error.type for error in trace(graph).roots] == ["Input", "Input"]


@pytest.mark.parametrize("form", ["keras", "keras-json", "plain"])
def test_in_other_formats_a_nested_model_is_its_layers(form: str, tmp_path: Path) -> None:
    path = tmp_path / "gan.py"
    path.write_text(
        GAN.replace("(32, 32, 1)", "(28, None, 1)").replace("Flatten", "GlobalMaxPool2D")
    )
    found = answer(path, ReadOptions(KERAS3, model="both"), to=form)
    assert found.exit_code == 0
    assert found.code is not None
    assert found.code.count("Input") + found.code.count("input_layer") > 0
    assert found.code.count("GlobalMaxPool") == 1
    assert "judge/picture" not in found.code
