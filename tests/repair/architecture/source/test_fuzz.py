"""Whatever a program says, the command ends with an answer or with one message: see `fuzzing`."""

from pathlib import Path

import pytest
from fuzzing import SLOW, TEXTS, run
from hypothesis import given
from hypothesis import strategies as st

from repair.architecture.layers import LAYERS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@SLOW
@given(data=st.data())
def test_mutated_programs(folder: Path, data: st.DataObject) -> None:
    words = data.draw(st.sampled_from(TEXTS)).split(" ")
    others = data.draw(st.sampled_from(TEXTS)).split(" ")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(words) - 1))
        length = data.draw(st.integers(0, 3))
        start = data.draw(st.integers(0, len(others) - 1))
        words[at : at + length] = others[start : start + data.draw(st.integers(0, 3))]
    run(folder, "program.py", " ".join(words).encode())


NUMBERS = st.sampled_from(
    [
        "1",
        "2",
        "3",
        "0",
        "-1",
        "7 * 7",
        "n",
        "10**12",
        "28",
        "(3, 3)",
        "(2,)",
        "unknown",
        "None",
        "[3]",
        "2.5",
        "'same'",
        "x.shape[1]",
    ]
)
LAYER = st.builds(
    lambda kind, args, named: f"layers.{kind}({', '.join([*args, *named])})",
    st.sampled_from([*LAYERS, "concatenate"]),
    st.lists(NUMBERS, max_size=2),
    st.lists(
        st.builds(
            "{}={}".format,
            st.sampled_from(
                [
                    "padding",
                    "strides",
                    "activation",
                    "units",
                    "input_shape",
                    "name",
                    "return_sequences",
                    "return_state",
                    "axis",
                ]
            ),
            NUMBERS,
        ),
        max_size=2,
        unique_by=lambda text: text.split("=")[0],
    ),
)
CALLS = st.sampled_from(
    [
        "x = {}(x)",
        "y = {}(x)",
        "x = {}([x, y])",
        "y = {}(y)",
        "x = x + y",
        "x, *_ = {}(x)",
        "x = {}(layers.Flatten()(y))",
        "for n in (1, 2): x = {}(x)",
        "if n: y = {}(x)",
        "x = x[:, -1]",
        "layer = {}",
        "x = layer(x)",
    ]
)


@SLOW
@given(layers=st.lists(st.tuples(LAYER, CALLS), max_size=8), sequential=st.booleans())
def test_generated_keras(folder: Path, layers: list[tuple[str, str]], sequential: bool) -> None:
    head = "import keras\nfrom keras import layers\nn = 4\nx = y = keras.Input((8, 8, 3))\n"
    if sequential:
        body = "".join(f"    {layer},  # {k}\n" for k, (layer, _) in enumerate(layers))
        text = f"{head}model = keras.Sequential([\n    keras.Input((8, 8, 3)),\n{body}])\n"
    else:
        body = "".join(call.format(layer) + "\n" for layer, call in layers)
        text = f"{head}inputs = x\n{body}model = keras.Model(inputs, [x, y])\n"
    run(folder, "generated.py", text.encode())


STEPS = st.sampled_from(
    [
        "x = self.a(x)",
        "x = nnx.relu(self.b(x))",
        "x = self.c(x)",
        "x = x + x",
        "x = x.reshape(x.shape[0], -1)",
        "x = jnp.mean(x, axis=(1, 2))",
        "x = nnx.max_pool(x, (2, 2), strides=(2, 2))",
        "x = self.d(x)",
        "x = jnp.concatenate([x, x], axis=1)",
        "x = x.transpose(0, 2, 1)",
        "x = x[:, -1]",
        "x = nnx.gelu(nnx.softmax(x))",
    ]
)


@SLOW
@given(
    steps=st.lists(STEPS, max_size=8),
    sizes=st.lists(st.sampled_from([0, 1, 3, 16, 64, 192, 10**12]), min_size=8, max_size=8),
)
def test_generated_nnx(folder: Path, steps: list[str], sizes: list[int]) -> None:
    a, b, c, d, e, f, g, h = sizes
    body = "\n        ".join([*steps, "return x"])
    text = (
        "from flax import nnx\nimport jax.numpy as jnp\nclass Net(nnx.Module):\n"
        "    def __init__(self, rngs):\n"
        f"        self.a = nnx.Conv({a}, {b}, (3, 3), rngs=rngs)\n"
        f"        self.b = nnx.Linear({c}, {d}, rngs=rngs)\n"
        f"        self.c = nnx.BatchNorm({e}, rngs=rngs)\n"
        f"        self.d = nnx.RNN(nnx.GRUCell({f}, {g}, rngs=rngs))\n"
        f"    def __call__(self, x, h={h}):\n        {body}\n"
    )
    run(folder, "generated_nnx.py", text.encode())
