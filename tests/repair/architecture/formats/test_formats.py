"""Definition files in and out: Keras JSON of both kinds, .keras, plain lists, the tool's JSON."""

import json
import zipfile
from pathlib import Path

import pytest
import yaml

from repair.architecture.answer import answer
from repair.architecture.definition import ReadOptions, read_definition
from repair.architecture.formats.files import MOST_BYTES
from repair.architecture.formats.json_layout import pretty
from repair.architecture.formats.keras.read import read_keras
from repair.architecture.formats.keras.write import write_keras
from repair.architecture.formats.plain import read_plain, write_plain
from repair.architecture.generate import valid_network
from repair.architecture.graph import Graph
from repair.architecture.rules import KERAS3, STRICT
from repair.architecture.trace import trace
from repair.errors import InputError

OPTIONS = ReadOptions(KERAS3)


def keras2(*layers: tuple[str, dict[str, object]]) -> dict[str, object]:
    """A Sequential as Keras 2 wrote it."""
    return {
        "class_name": "Sequential",
        "config": {
            "name": "sequential_1",
            "layers": [
                {"class_name": kind, "config": {"trainable": True, "dtype": "float32", **config}}
                for kind, config in layers
            ],
        },
        "keras_version": "2.4.0",
        "backend": "tensorflow",
    }


OLD = keras2(
    (
        "Conv2D",
        {
            "name": "conv2d_1",
            "batch_input_shape": [None, 28, 28, 1],
            "filters": 32,
            "kernel_size": [3, 3],
            "strides": [1, 1],
            "padding": "valid",
            "data_format": "channels_last",
            "dilation_rate": [1, 1],
            "activation": "relu",
            "use_bias": True,
            "kernel_initializer": {"class_name": "VarianceScaling", "config": {"seed": 7}},
        },
    ),
    ("BatchNormalization", {"name": "bn", "axis": [3], "momentum": 0.9}),
    (
        "LSTM",
        {
            "name": "lstm_1",
            "units": 8,
            "return_sequences": False,
            "implementation": 2,
            "time_major": False,
        },
    ),
    ("Dense", {"name": "dense_1", "units": 10, "activation": "softmax"}),
)
BRANCHES = {
    "class_name": "Functional",
    "config": {
        "name": "two_calls",
        "layers": [
            {
                "class_name": "InputLayer",
                "name": "a",
                "inbound_nodes": [],
                "config": {"batch_input_shape": [None, 4], "name": "a"},
            },
            {
                "class_name": "InputLayer",
                "name": "b",
                "inbound_nodes": [],
                "config": {"batch_input_shape": [None, 4], "name": "b"},
            },
            {
                "class_name": "Dense",
                "name": "d",
                "config": {"name": "d", "units": 3},
                "inbound_nodes": [[["a", 0, 0, {}]], [["b", 0, 0, {}]]],
            },
            {
                "class_name": "Sequential",
                "name": "s",
                "inbound_nodes": [[["d", 1, 0, {}]]],
                "config": {
                    "name": "s",
                    "layers": [{"class_name": "Dense", "config": {"name": "inside", "units": 3}}],
                },
            },
            {
                "class_name": "Concatenate",
                "name": "c",
                "config": {"name": "c", "axis": -1},
                "inbound_nodes": [[["d", 0, 0, {}], ["s", 0, 0, {}]]],
            },
        ],
        "input_layers": [["a", 0, 0], ["b", 0, 0]],
        "output_layers": [["c", 0, 0]],
    },
}


def test_keras_2_is_read_without_its_defaults() -> None:
    graph = read_keras(OLD).graph
    assert [node.name for node in graph.nodes] == ["input", "conv2d_1", "bn", "lstm_1", "dense_1"]
    assert dict(graph["conv2d_1"].layer.arguments) == {
        "filters": 32,
        "kernel_size": (3, 3),
        "activation": "relu",
    }
    assert dict(graph["bn"].layer.arguments) == {"axis": 3, "momentum": 0.9}
    assert [error.layer for error in trace(graph).errors] == ["lstm_1"]


def test_a_repair_keeps_the_form_and_all_other_settings(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(OLD))
    found = answer(path, OPTIONS, write=True)
    written = json.loads(path.read_text())
    assert found.exit_code == 1
    assert written["keras_version"] == "2.4.0"
    layers = {layer["config"]["name"]: layer for layer in written["config"]["layers"]}
    assert "module" not in layers["lstm_1"]
    for before in OLD["config"]["layers"]:  # type: ignore[index]
        assert layers[before["config"]["name"]] == before
    assert answer(path, OPTIONS).exit_code == 0


def test_shared_layers_and_models_in_models() -> None:
    graph = read_keras(BRANCHES).graph
    assert graph["d/call2"].shares == "d"
    assert graph["s/inside"].inputs == ("d/call2",)
    assert graph["c"].inputs == ("d", "s/inside")
    again = read_keras(write_keras(graph, read_keras(BRANCHES))).graph
    assert trace(again).shapes["c"] == trace(graph).shapes["c"] == (None, 6)
    assert [node.shares for node in again.nodes].count("d") == 1


def test_what_a_repaired_list_says_is_what_was_repaired(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "# a net\ninput: [28, 28, 1]\nlayers:\n"
        "  - Conv2D: {filters: 32, kernel_size: 3}  # edges\n"
        "  # down\n  - MaxPooling2D\n  - LSTM: {units: 8}\n"
        "  - Dense:\n      units: 10\n      # ten digits\n"
    )
    before = path.read_text()
    found = answer(path, OPTIONS, write=True)
    after = path.read_text()
    assert found.exit_code == 1
    assert answer(path, OPTIONS).exit_code == 0
    (new,) = [line for line in after.splitlines() if line not in before.splitlines()]
    assert new.startswith("  - Reshape: {target_shape: [")
    assert set(before.splitlines()) <= set(after.splitlines())


@pytest.mark.parametrize("seed", range(12))
def test_lists_and_keras_json_say_the_same_network(seed: int) -> None:
    graph = valid_network(12, seed)
    assert read_plain(write_plain(graph)) == graph
    assert read_plain(yaml.safe_load(yaml.safe_dump(write_plain(graph)))) == graph
    if any(
        node.layer.type in ("LocallyConnected1D", "LocallyConnected2D", "ThresholdedReLU")
        for node in graph.nodes
    ):
        return
    again = read_keras(json.loads(json.dumps(write_keras(graph)))).graph
    ends = [trace(g).shapes[g.outputs[0]] for g in (graph, again)]
    assert ends[0] == ends[1]
    assert len(again) == len(graph)


def test_an_archive_is_repaired_beside_itself(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(OLD))
        archive.writestr("model.weights.h5", b"weights that no longer fit")
    found = answer(path, OPTIONS, write=True)
    assert found.written == tmp_path / "net.json"
    assert answer(tmp_path / "net.json", OPTIONS).exit_code == 0


def test_the_published_models_are_read(data_pack: Path) -> None:
    paths = sorted((data_pack / "exais" / "benchmark_nets").glob("*/spec*.json"))
    assert len(paths) == 6
    for path in paths:
        definition = read_definition(path, ReadOptions(STRICT))
        assert definition.form == "ExAIS JSON"
        assert isinstance(definition.graph, Graph)


def test_pretty_json_is_the_same_json() -> None:
    document = {"a": [1, [2, 3]], "b": "[ 1,\n 2 ]", "c": [], "d": [{"e": [None, "x, y"]}]}
    assert json.loads(pretty(document)) == document
    assert '"e": [null, "x, y"]' in pretty(document)


BAD = {
    "malformed.json": ('{"layers": [', "not JSON"),
    "number.json": ("3", "no network"),
    "nan.json": ('{"layers": [{"Dense": {"units": NaN}}]}', "not a finite number"),
    "digits.json": ("[" + "9" * 5000 + "]", "not read"),
    "deep.json": ("[" * 9000 + "]" * 9000, "nested too deeply"),
    "deep.yaml": ("[" * 9000 + "]" * 9000, "nested too deeply"),
    "alias.yaml": ("a: &a [1]\nlayers: [*a, *a]", "alias"),
    "tag.yaml": ("layers: [!!python/object/apply:os.system [ls]]", "not YAML"),
    "tab.yaml": ("layers:\n\t- x", "not YAML"),
    "unknown.json": ('{"input": [4], "layers": [{"Dens": {"units": 1}}]}', "Did you mean 'Dense'"),
    "cycle.json": (
        '{"input": [4], "layers": [{"name": "a", "Add": {}, "inputs": ["b", "input"]}, '
        '{"name": "b", "Dense": {"units": 4}, "inputs": ["a"]}]}',
        "in a circle",
    ),
    "missing.json": ('{"input": [4], "layers": [{"Flatten": {}, "inputs": ["zz"]}]}', "'zz'"),
    "absurd.json": ('{"input": [4], "layers": [{"Dense": {"units": 1000000000000}}]}', "at most"),
    "many.json": ('{"input": [4], "layers": [' + '"Flatten",' * 10_001 + '"Flatten"]}', "10000"),
    "shapeless.json": ('["Flatten"]', "shape of the input"),
    "subclassed.json": ('{"class_name": "MyModel", "config": {}}', "subclassed"),
    "tensor.json": (
        '{"class_name": "Functional", "config": {"layers": [], '
        '"input_layers": [], "output_layers": [["a", 0]]}}',
        "tensor",
    ),
    "not_a_zip.keras": ("PK", "not a .keras archive"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_bad_input_is_one_message(tmp_path: Path, name: str) -> None:
    text, wanted = BAD[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=wanted):
        answer(tmp_path / name, OPTIONS)


def test_large_files_are_refused_unread(tmp_path: Path) -> None:
    for name in ("large.json", "large.py"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(100 * 2**20)
        with pytest.raises(InputError, match="over 16 MB"):
            read_definition(tmp_path / name, OPTIONS)
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (MOST_BYTES + 2))
    with pytest.raises(InputError, match="over 16 MB"):
        read_definition(tmp_path / "bomb.keras", OPTIONS)
    with pytest.raises(InputError, match="does not exist"):
        read_definition(tmp_path / "nowhere.json", OPTIONS)
