"""Programs read without being run, and edited so that everything else stays as it is."""

from pathlib import Path

import pytest

from repair.architecture.answer import answer
from repair.architecture.definition import ReadOptions
from repair.architecture.rules import KERAS3
from repair.architecture.source.network.program import NetworkProgram
from repair.architecture.source.program import read_program
from repair.architecture.trace import trace
from repair.errors import InputError

HEAD = "import keras\nfrom keras import layers\n"


def types(program: NetworkProgram) -> list[str]:
    return [node.layer.type for node in program.graph.nodes]


def repaired(tmp_path: Path, text: str, **options: object) -> str:
    path = tmp_path / "net.py"
    path.write_text(text, newline="")
    found = answer(path, ReadOptions(KERAS3, **options), write=True)  # type: ignore[arg-type]
    assert found.exit_code == 1, found.texts
    assert answer(path, ReadOptions(KERAS3, **options)).exit_code == 0  # type: ignore[arg-type]
    return path.read_bytes().decode()


READ = {
    "a star import": (
        "from tensorflow.keras.models import *\nfrom tensorflow.keras.layers import *\n"
        "m = Sequential([Input((4,)), Dense(3)])\nprint(m)\n",
        ["Input", "Dense"],
    ),
    "tf.keras by full name": (
        "import tensorflow as tf\nm = tf.keras.models.Sequential()\n"
        "m.add(tf.keras.layers.InputLayer(input_shape=(4,)))\n"
        "m.add(tf.keras.layers.Dense(3, activation=tf.nn.relu))\n",
        ["Input", "Dense"],
    ),
    "a function with arguments and arithmetic": (
        HEAD + "def build(units, classes=2 * 5):\n    m = keras.Sequential()\n"
        "    m.add(keras.Input((4,)))\n    m.add(layers.Dense(units // 2))\n"
        "    m.add(layers.Dense(classes))\n    return m\nmodel = build(units=64)\n",
        ["Input", "Dense", "Dense"],
    ),
    "a function that nothing calls": (
        HEAD
        + "def build():\n    x = keras.Input((4,))\n    return keras.Model(x, layers.Dense(2)(x))\n",
        ["Input", "Dense"],
    ),
    "loops over constants": (
        HEAD + "x = inputs = keras.Input((32, 32, 3))\nfor k, n in [(3, 8), (5, 16)]:\n"
        "    x = layers.Conv2D(n, k)(x)\nmodel = keras.Model(inputs=inputs, outputs=x)\n",
        ["Input", "Conv2D", "Conv2D"],
    ),
    "models in models": (
        HEAD + "body = keras.Sequential([layers.Dense(8), layers.ReLU()])\n"
        "x = keras.Input((4,))\ny = body(x)\nmodel = keras.Model(x, layers.Dense(2)(y))\n",
        ["Input", "Dense", "ReLU", "Dense"],
    ),
    "the first layer's input_shape": (
        HEAD + "model = keras.Sequential([layers.Dense(3, input_dim=8), layers.Dense(2)])\n",
        ["Input", "Dense", "Dense"],
    ),
    "operators and functions": (
        HEAD
        + "x = keras.Input((4,))\ny = layers.add([x, x]) + x\ny = keras.activations.relu(y / 2)\n"
        "model = keras.Model(x, y)\n",
        ["Input", "Add", "Add", "Identity", "Activation"],
    ),
    "states of a recurrent layer": (
        HEAD + "x = keras.Input((9, 4))\ny, h, c = layers.LSTM(5, return_state=True)(x)\n"
        "z = layers.LSTM(5)(x, initial_state=[h, c])\nmodel = keras.Model(x, [y, z])\n",
        ["Input", "LSTM", "LSTM"],
    ),
    "a subclassed Keras model": (
        HEAD + "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.d = layers.Dense(3)\n    def call(self, x, training=False):\n"
        "        if training:\n            x = layers.Dropout(0.1)(x)\n        return self.d(x)\n"
        "net = Net()\nnet(keras.ops.zeros((1, 4)))\n",
        ["Input", "Dense"],
    ),
    "conditions that only running would tell": (
        HEAD + "if available():\n    def f():\n        return 1\nelse:\n    f = None\n"
        "m = keras.Sequential([keras.Input((4,)), layers.Dense(3)])\n",
        ["Input", "Dense"],
    ),
    "lists of NNX layers": (
        "from flax import nnx\nimport jax.numpy as jnp\nclass Net(nnx.Module):\n"
        "    def __init__(self, rngs, sizes=(4, 8, 2)):\n        self.layers = nnx.List([\n"
        "            nnx.Linear(a, b, rngs=rngs) for a, b in [(4, 8), (8, 2)]])\n"
        "    def __call__(self, x):\n        for layer in self.layers:\n"
        "            x = nnx.relu(layer(x))\n        return x\nNet(nnx.Rngs(0))(jnp.ones((1, 4)))\n",
        ["Input", "Dense", "Activation", "Dense", "Activation"],
    ),
    "nnx.Sequential with functions": (
        "import jax\nfrom flax import nnx\nfrom functools import partial\nclass Net(nnx.Module):\n"
        "    def __init__(self, rngs):\n        self.body = nnx.Sequential(\n"
        "            nnx.Conv(1, 4, (3, 3), rngs=rngs), nnx.relu,\n"
        "            partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2)))\n"
        "    def __call__(self, x):\n        return self.body(x)\n"
        "y = Net(nnx.Rngs(0))(jax.random.normal(jax.random.key(0), (1, 8, 8, 1)))\n",
        ["Input", "Conv2D", "Activation", "MaxPooling2D"],
    ),
}


@pytest.mark.parametrize("name", sorted(READ))
def test_what_is_read(name: str) -> None:
    text, wanted = READ[name]
    program = read_program(text)
    assert types(program) == wanted
    assert trace(program.graph).valid


def test_lines_are_those_of_the_layers() -> None:
    program = read_program(READ["loops over constants"][0])
    assert [program.site(node.name).line for node in program.graph.nodes] == [3, 5, 5]


def test_nothing_is_executed(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    text = (
        f"import os\nos.system('touch {mark}')\nopen({str(mark)!r}, 'w').close()\n"
        f"exec({'import os'!r})\n"
        + HEAD
        + "m = keras.Sequential([keras.Input((4,)), layers.Dense(eval('3'))])\n"
    )
    with pytest.raises(InputError, match="without running the program"):
        read_program(text)
    assert not mark.exists()


UNREAD = {
    "not Python": ("def f(:\n", "line 1: not valid Python"),
    "no network": ("x = 1\n", "defines no network"),
    "several": (
        HEAD + "a = keras.Sequential([keras.Input((4,))])\nb = keras.Sequential()\n",
        "a, b",
    ),
    "a size that is computed": (
        HEAD + "m = keras.Sequential([keras.Input((4,)), layers.Dense(len(open('x').read()))])\n",
        "line 3: Dense: units",
    ),
    "no shape": (HEAD + "m = keras.Sequential([layers.Dense(3)])\n", "--input-shape"),
    "a layer in a while loop": (
        HEAD + "m = keras.Sequential()\nwhile f():\n    m.add(layers.Dense(3))\n",
        "line 5: layers are",
    ),
    "an unknown layer": (HEAD + "m = keras.Sequential([layers.Dens(3)])\n", "Did you mean 'Dense'"),
    "recursion": ("def f(n):\n    return f(n)\nf(1)\n", "unroll the recursion"),
    "endless unrolling": (
        "for a in range(9999):\n    for b in range(9999):\n        x = 1\n",
        "steps",
    ),
    "deep": ("x = " + "(" * 250 + "1" + ")" * 250, "too many nested"),
    "deep calls": ("x = " + "f(" * 130 + "1" + ")" * 130, "nested"),
    "long sums": ("x = " + "+".join(["1"] * 5000), "nested too deeply"),
    "an absurd size": (
        HEAD + "m = keras.Sequential([keras.Input((4,)), layers.Dense(10**12)])\n",
        "1000000000000",
    ),
    "a return in no function": ("x = 1\nreturn x\n", "line 2: 'return'"),
    "null bytes": ("x = 1\0", "null bytes"),
}


@pytest.mark.parametrize("name", sorted(UNREAD))
def test_what_cannot_be_read_is_one_message(name: str) -> None:
    text, wanted = UNREAD[name]
    with pytest.raises(InputError, match=wanted):
        read_program(text)


def test_large_constants_are_not_computed() -> None:
    powers = "a = 9 ** 9 ** 9 ** 9\nb = 'x' * 10 ** 12\nc = [0] * 10 ** 12\nd = 1 << 10 ** 12\n"
    program = read_program(powers + READ["loops over constants"][0])
    assert len(program.graph) == 3


def test_people_say_what_the_program_computes() -> None:
    text = HEAD + (
        "n = data.shape[1]\na = keras.Sequential([layers.Dense(n)], name='one')\n"
        "b = keras.Sequential([keras.Input((n,)), layers.Dense(3)])\n"
    )
    program = read_program(text, model="b", defined={"n": 7})
    assert trace(program.graph).shapes["input"] == (None, 7)
    program = read_program(text, model="one", defined={"n": 7}, input_shapes=((5,),))
    assert trace(program.graph).shapes["dense"] == (None, 7)
    with pytest.raises(InputError, match="Known: b, one"):
        read_program(text, model="c", defined={"n": 7})


STYLES = {
    "one line": (
        "m = keras.Sequential([keras.Input((8,)), layers.LSTM(4), layers.Flatten()])\n",
        "keras.Input((8,)), layers.Reshape((8, 1)), layers.LSTM(4)",
    ),
    "no comma at the end": (
        "m = keras.Sequential([\n  keras.Input((8, 4)),\n  layers.LSTM(3, return_sequences=False),  # é\n"
        "  layers.LSTM(2)  # last\n])\n",
        "  layers.LSTM(3, return_sequences=True),  # é\n  layers.LSTM(2)  # last\n",
    ),
    "arguments on lines": (
        "m = keras.Sequential([keras.Input((8, 4)),\n    layers.LSTM(\n        3,  # units\n"
        "        dropout=0.1,  # some\n    ),\n    layers.LSTM(2)])\n",
        "        3,  # units\n        dropout=0.1,  # some\n        return_sequences=True,\n    ),",
    ),
    "two statements on a line": (
        "m = keras.Sequential(); m.add(keras.Input((8,))); m.add(layers.LSTM(4))\n",
        "m.add(layers.Reshape((8, 1))); m.add(layers.LSTM(4))",
    ),
    "a nested call": (
        "x = keras.Input((8,))\nm = keras.Model(x, layers.Flatten()(layers.LSTM(4)(x)))\n",
        "layers.LSTM(4)(layers.Reshape((8, 1))(x))",
    ),
    "a return": (
        "def f():\n    x = keras.Input((8,))\n    y = layers.LSTM(4)(x)\n"
        "    return keras.Model(x, y)\nf()\n",
        "    y = layers.Reshape((8, 1))(x)\n    y = layers.LSTM(4)(y)\n",
    ),
    "Windows line ends": (
        "m = keras.Sequential()\r\nm.add(keras.Input((8,)))\r\nm.add(layers.LSTM(4))\r\n",
        "m.add(layers.Reshape((8, 1)))\r\nm.add(layers.LSTM(4))\r\n",
    ),
    "tabs": (
        "def f():\n\tm = keras.Sequential()\n\tm.add(keras.Input((8,)))\n\tm.add(layers.LSTM(4))\n"
        "f()\n",
        "\tm.add(layers.Reshape((8, 1)))\n\tm.add(layers.LSTM(4))\n",
    ),
    "letters of several bytes": (
        "größe = 8; m = keras.Sequential([keras.Input((größe,)), layers.LSTM(4, name='ä')])\n",
        "layers.Reshape((8, 1)), layers.LSTM(4, name='ä')",
    ),
}


@pytest.mark.parametrize("name", sorted(STYLES))
def test_edits_keep_the_style(tmp_path: Path, name: str) -> None:
    text, wanted = STYLES[name]
    end = "\r\n" if "\r" in text else "\n"
    after = repaired(tmp_path, HEAD.replace("\n", end) + text)
    # which of the two the search prefers is its own matter
    assert wanted in after.replace("Reshape((1, 8))", "Reshape((8, 1))")


def test_an_argument_of_none_that_does_not_belong_is_taken_out(tmp_path: Path) -> None:
    after = repaired(
        tmp_path,
        HEAD + "x = keras.Input((4,))\nm = keras.Model(x, layers.Dense(1, padding=None)(x))\n",
    )
    assert "layers.Dense(1)(x)" in after


def test_a_layer_used_twice_is_not_edited_for_one_use(tmp_path: Path) -> None:
    """An edit inside a loop that would change both turns is seen when the result is read again."""
    text = HEAD + (
        "x = inputs = keras.Input((8, 4))\nfor n in (3, 5):\n    x = layers.LSTM(n)(x)\n"
        "model = keras.Model(inputs, x)\n"
    )
    path = tmp_path / "net.py"
    path.write_text(text)
    found = answer(path, ReadOptions(KERAS3), alternatives=3)
    reasons = [reason for _, reason in found.texts]
    assert any(reason is not None for reason in reasons)
    for text_after, _ in found.texts:
        if text_after is not None:
            assert trace(read_program(text_after).graph).valid


def test_nnx_layers_that_keep_weights_are_constructed(tmp_path: Path) -> None:
    text = (
        "import jax.numpy as jnp\nfrom flax import nnx\n\n\nclass Net(nnx.Module):\n"
        "    def __init__(self, rngs):\n        self.a = nnx.Linear(4, 8, rngs=rngs)\n"
        "        self.b = nnx.Linear(4, 6, rngs=rngs)\n\n    def __call__(self, x):\n"
        "        a = self.a(x)\n        b = self.b(x)\n        return a + b\n\n\n"
        "Net(nnx.Rngs(0))(jnp.ones((1, 4)))\n"
    )
    after = repaired(tmp_path, text)
    assert after.count("nnx.Linear(") == 3
    assert "rngs=rngs)\n\n    def __call__" in after
