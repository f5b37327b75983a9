"""Whatever a file holds, the command ends with an answer or with one message.

In a test run each property sees a few dozen files. For longer: FUZZ_EXAMPLES=2000, and another
--hypothesis-seed for other files.
"""

import io
import json
import os
import zipfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repair.architecture.__main__ import main
from repair.architecture.answer import answer
from repair.architecture.definition import ReadOptions
from repair.architecture.layers import LAYERS
from repair.architecture.rules import KERAS3, STRICT
from repair.errors import InputError

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
SLOW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
PROGRAMS = sorted((Path(__file__).parent / "source" / "programs").glob("*.py"))
TEXTS = [path.read_text() for path in PROGRAMS]

KERAS = {
    "class_name": "Functional",
    "config": {
        "name": "m",
        "layers": [
            {
                "class_name": "InputLayer",
                "name": "a",
                "inbound_nodes": [],
                "config": {"batch_shape": [None, 8, 8, 3], "name": "a"},
            },
            {
                "class_name": "Conv2D",
                "name": "b",
                "config": {"name": "b", "filters": 4, "kernel_size": [3, 3]},
                "inbound_nodes": [[["a", 0, 0, {}]]],
            },
            {
                "class_name": "Bidirectional",
                "name": "c",
                "config": {"name": "c", "layer": {"class_name": "LSTM", "config": {"units": 3}}},
                "inbound_nodes": [
                    {
                        "args": [
                            {
                                "class_name": "__keras_tensor__",
                                "config": {"keras_history": ["b", 0, 0]},
                            }
                        ]
                    }
                ],
            },
        ],
        "input_layers": [["a", 0, 0]],
        "output_layers": [["c", 0, 0]],
    },
}
PLAIN = {
    "input": [8, 8, 3],
    "layers": [
        "Flatten",
        {"Conv1D": {"filters": 4, "kernel_size": 3}},
        {"name": "x", "Dense": {"units": 2}, "inputs": ["flatten"]},
        {"TimeDistributed": {}, "wraps": [{"Dense": {"units": 3}}]},
        {"Concatenate": {"axis": 1}, "inputs": ["x", "conv1d"]},
    ],
}
EXAIS = {
    "shape": "(1, 8, 8)",
    "layers": [
        {"type": "Conv1D", "nodes": "4", "kernel_size": "(3)"},
        {"type": "linear", "nodes": "2"},
    ],
}
TERMS = [
    ["a", "dense_layer", [{"s": [1, 4]}, {"s": [4, 2]}, {"s": [2]}]],
    ["b", "conv1D_layer", ["a", 3, {"s": [3, 2, 5]}, {"s": [5]}, 1, False, 1]],
]

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 40)
    | st.sampled_from([10**12, 2**31 - 1, -(2**70), 10**400, 0.5, -1e300, "valid", "same", "None"])
    | st.sampled_from([*LAYERS, "relu", "channels_first", "a", "b", "", "x" * 300, "((1,1),(2,2))"])
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["name", "config", "layers", "units", "class_name", "inputs", "wraps", "Dense"]
            )
            | st.text(max_size=5),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def run(folder: Path, name: str, data: bytes, strict: bool = False) -> None:
    """The whole command but the printing; only an InputError may come out of it."""
    path = folder / name
    path.write_bytes(data)
    options = ReadOptions(STRICT if strict else KERAS3, ((8, 8, 3),))
    try:
        found = answer(path, options, alternatives=2, time_limit=1.0, write=True)
    except InputError as error:
        message = str(error)
    else:
        message = "no error"
    assert 0 < len(message) < 5000
    if message != "no error":
        return
    if found.written is not None and found.written == path:
        again = answer(path, options, alternatives=1, time_limit=1.0)
        assert again.exit_code == 0, f"{name}: written, but not valid: {path.read_bytes()!r}"


@st.composite
def mutated(draw: st.DrawFn, document: object) -> object:
    """A document with some values replaced, doubled or taken out."""
    copied = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        places: list[tuple[dict | list, object]] = []
        waiting = [copied]
        while waiting:
            value = waiting.pop()
            keys = list(value) if isinstance(value, dict) else range(len(value))
            places += [(value, key) for key in keys]
            waiting += [value[key] for key in keys if isinstance(value[key], dict | list)]
        if not places:
            break
        owner, key = draw(st.sampled_from(places))
        match draw(st.integers(0, 3)):
            case 0 if isinstance(owner, list):
                owner.insert(key, owner[key])
            case 1:
                del owner[key]
            case _:
                owner[key] = draw(VALUES)
    return copied


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@SLOW
@given(data=st.binary(max_size=200), end=st.sampled_from([".py", ".json", ".yaml", ".keras", ""]))
def test_any_bytes(folder: Path, data: bytes, end: str) -> None:
    run(folder, f"any{end}", data)


@SLOW
@given(document=VALUES, end=st.sampled_from([".json", ".yaml"]))
def test_any_document(folder: Path, document: object, end: str) -> None:
    run(folder, f"document{end}", json.dumps(document).encode())


@SLOW
@given(
    document=st.one_of(*map(mutated, (KERAS, PLAIN, EXAIS, TERMS))),
    strict=st.booleans(),
    end=st.sampled_from([".json", ".json", ".yaml", ".keras"]),
)
def test_mutated_documents(folder: Path, document: object, strict: bool, end: str) -> None:
    data = json.dumps(document).encode()
    if end == ".keras":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", data)
        data = packed.getvalue()
    run(folder, f"mutated{end}", data, strict)


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


WORDS = st.text(max_size=12) | st.sampled_from(
    [
        "8,8,3",
        "28",
        "None,4",
        "(1,2)",
        "0",
        "-3",
        "10" * 20,
        "1e9",
        "nan",
        "keras3",
        "strict",
        "n=4",
        "n=[1, 2]",
        "n=" + "(" * 300,
        "keras",
        "nnx",
        "plain",
        "keras-json",
        "Net",
    ]
)
FLAGS = st.sampled_from(
    [
        "--input-shape",
        "--rules",
        "--alternatives",
        "--time-limit",
        "--model",
        "--define",
        "--to",
        "--input-shape",
        "--to",
    ]
)


@SLOW
@given(
    text=st.sampled_from([*TEXTS, *map(json.dumps, (KERAS, PLAIN, EXAIS, TERMS))]),
    options=st.lists(st.tuples(FLAGS, WORDS), max_size=3),
    as_json=st.booleans(),
)
def test_any_options(
    folder: Path, text: str, options: list[tuple[str, str]], as_json: bool
) -> None:
    path = folder / ("options.json" if text[0] in "[{" else "options.py")
    path.write_text(text)
    arguments = [str(path), *(f"{flag}={word}" for flag, word in options), *["--json"] * as_json]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([*arguments, "--time-limit=1"])
        except SystemExit as stop:  # the parser of the command line
            code = stop.code
    assert code in (0, 1, 2, 3)
    assert (code == 2) == (not out.getvalue()), "a message or an answer"
    if as_json and code != 2:
        json.loads(out.getvalue())
