"""The command: exit codes, what it prints for people and machines, what it writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from repair.architecture.__main__ import main

BROKEN = {
    "input": [28, 28, 1],
    "layers": [
        {"Conv2D": {"filters": 4, "kernel_size": 3}},
        {"LSTM": {"units": 8}},
        {"Dense": {"units": 10}},
    ],
}


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "net.json"
    path.write_text(json.dumps(BROKEN))
    return path


def test_what_a_person_sees(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = broken.read_text()
    assert main([str(broken)]) == 1
    printed = capsys.readouterr().out
    for wanted in (
        "<- broken",
        "Dimension Error",
        "(batch, 26, 26, 4)",
        "+    {",
        "proven: no repair with fewer edits keeps widths, head and connections",
        "- glues axes of the data: (batch, 26, 26, 4) to (batch, ",
        "1 edit",
        "alternative 2",
        "keeps input, widths and head",
    ):
        assert wanted in printed
    assert "drastic" not in printed
    assert broken.read_text() == before


def test_what_a_machine_sees(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(broken), "--json", "--alternatives", "2"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "repaired"
    assert found["minimal"] == "proven"
    assert found["proof"] == "no repair with fewer edits keeps widths, head and connections"
    assert found["bound"] == 1
    assert [error["layer"] for error in found["errors"] if error["independent"]] == ["lstm"]
    assert found["errors"][0]["kind"] == "Dimension Error"
    assert found["layers"][1]["output_shape"] == [None, 26, 26, 4]
    assert len(found["repairs"]) == 2
    assert found["repairs"][0]["count"] == 1
    assert found["repairs"][0]["diff"].startswith("--- a/net.json")
    for one in found["repairs"]:
        assert one["cost"].keys() == {"not_kept", "edits", "parameters", "operations"}
        assert [label["kind"] for label in one["consequences"]] == ["glues_axes"]
        assert one["consequences"][0].keys() == {"kind", "layer", "number", "text"}


def test_written_in_place_and_valid_after(broken: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(broken), "--write"]) == 1
    assert "written to" in capsys.readouterr().out
    assert main([str(broken)]) == 0
    assert list(broken.parent.iterdir()) == [broken]


def test_another_form_goes_to_standard_output_alone(
    broken: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for form, wanted in (
        ("keras", "keras.Sequential("),
        ("nnx", "class Network(nnx.Module)"),
        ("keras-json", '"class_name": "Sequential"'),
        ("plain", '"layers"'),
    ):
        assert main([str(broken), "--to", form]) == 1
        printed = capsys.readouterr()
        assert wanted in printed.out
        assert "proven: " in printed.err
        assert "proven: " not in printed.out


def test_several_independent_errors_are_all_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "two.json"
    path.write_text(
        json.dumps(
            {
                "layers": [
                    {"name": "a", "Input": {"shape": [8, 8, 1]}},
                    {"name": "b", "Input": {"shape": [5]}},
                    {"Conv1D": {"filters": 2, "kernel_size": 3}, "inputs": ["a"]},
                    {"Flatten": {}, "name": "fa"},
                    {"LSTM": {"units": 3}, "inputs": ["b"]},
                    {"Concatenate": {}, "inputs": ["fa", "lstm"]},
                ]
            }
        )
    )
    assert main([str(path), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [e["layer"] for e in found["errors"] if e["independent"]] == ["conv1d", "lstm"]


def test_rules_and_shapes_are_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "merge.json"
    path.write_text(
        json.dumps(
            {
                "layers": [
                    {"name": "a", "Input": {"shape": [4, 3]}},
                    {"name": "b", "Input": {"shape": [1, 3]}},
                    {"Add": {}, "inputs": ["a", "b"]},
                ]
            }
        )
    )
    assert main([str(path)]) == 0
    assert main([str(path), "--rules", "strict"]) == 1
    path.write_text('["Flatten", {"Dense": {"units": 3}}]')
    assert main([str(path), "--input-shape", "4,(3)"]) == 2
    assert main([str(path), "--input-shape", "(4, 3)"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["nowhere.json"], "does not exist"),
        (["FILE", "--rules", "lax"], "Known: keras3, strict"),
        (["FILE", "--input-shape", "a,b"], "expected sizes"),
        (["FILE", "--define", "x"], "NAME=VALUE"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    broken: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], wanted: str
) -> None:
    assert main([str(broken) if a == "FILE" else a for a in arguments]) == 2
    printed = capsys.readouterr()
    assert wanted in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_names_that_the_encoding_lacks_are_escaped(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text(
        "import keras\nfrom keras import layers\nm = keras.Sequential([keras.Input((4,)),\n"
        "    layers.Dense(3, name='\\ud800'), layers.LSTM(3, name='é')], name='\\udfff')\n",
        encoding="utf-8",
    )
    for options in ([], ["--json"], ["--to", "plain"], ["--to", "keras"]):
        done = subprocess.run(
            [sys.executable, "-m", "repair.architecture", path, *options],
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
            timeout=120,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert done.stdout.isascii()


def test_beyond_the_limits_is_exit_code_3(tmp_path: Path) -> None:
    path = tmp_path / "code.json"
    layers = [{"Lambda": {"function": "f"}}, {"Dense": {"units": 3}}] * 40
    path.write_text(json.dumps({"input": [4], "layers": layers}))
    assert main([str(path), "--time-limit", "0.000001"]) == 3


def test_the_command_imports_no_framework(broken: Path) -> None:
    code = (
        "import sys\nfrom repair.architecture.__main__ import main\n"
        f"main([{str(broken)!r}, '--json'])\n"
        "heavy = {'jax', 'keras', 'flax', 'tensorflow', 'scipy', 'libcst', 'rich', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
        timeout=120,
    )
    assert done.stderr.strip() == "[]"


def test_a_name_that_a_terminal_would_obey_is_shown_as_an_escape(tmp_path, capsys):
    path = tmp_path / "model.yaml"
    layers = [
        {"Input": {"name": "in", "shape": [4]}},
        {"Dense": {"name": "\x1b[2Jevil", "units": 3}},
        {"Reshape": {"name": "r", "target_shape": [5]}},
    ]
    path.write_text(yaml.safe_dump(layers))
    code = main([str(path)])
    said = "".join(capsys.readouterr())
    assert code in (1, 2, 3)
    assert "\x1b[2J" not in said
    assert "evil" in said
