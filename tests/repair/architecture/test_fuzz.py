"""Whatever a file holds, the command ends with an answer or with one message: see `fuzzing`."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from fuzzing import SLOW, TEXTS, run
from hypothesis import given
from hypothesis import strategies as st

from repair.architecture.__main__ import main
from repair.architecture.layers import LAYERS

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


@pytest.fixture(autouse=True)
def opens_no_other_file(
    folder: Path, tmp_path: Path, only: Callable[..., AbstractContextManager[None]]
) -> Iterator[None]:
    with only(written=[folder, Path(".hypothesis").absolute()], untouched=tmp_path):
        yield


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
