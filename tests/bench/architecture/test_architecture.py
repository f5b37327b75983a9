"""Architecture repair in the harness: sets of cases, rows, figures, and what frameworks build."""

import csv
import gzip
import io
import json
import os
from pathlib import Path

import hydra
import numpy as np
import pytest

from bench import shipped
from bench.architecture import Case, load, run_cases
from bench.architecture.build import built
from bench.architecture.run import COLUMNS
from bench.architecture.train import _images, accuracy
from bench.config import register
from bench.records.record import config_hash
from bench.runs.specification import RunSpecification, specify
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.layers import LAYERS
from repair.architecture.rules import KERAS3, STRICT
from repair.architecture.search import repair
from repair.architecture.trace import trace
from repair.errors import InputError

os.environ.setdefault("KERAS_BACKEND", "jax")
BROKEN = {
    "layers": [
        {"type": "Dense", "name": "Den1", "units": "4", "input_shape": "(1, 6)", "nodes": "4"},
        {"type": "Conv1D", "name": "Con1", "nodes": "2", "kernel_size": "(2)"},
    ]
}


def lines(path: Path, *objects: object) -> Path:
    text = "".join(json.dumps(line) + "\n" for line in objects)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["cases.jsonl", "cases.jsonl.gz"])
def test_a_file_needs_only_case_and_model(tmp_path: Path, name: str) -> None:
    cases = load(str(lines(tmp_path / name, {"case": 7, "model": BROKEN})))
    outcome = run_cases(cases, KERAS3)
    (row,) = outcome.rows
    assert (row["case"], row["status"], row["edits"]) == ("7", "repaired", 1)
    assert row["error_layer"] == "Con1"
    assert row["published_edits"] is None
    assert outcome.metrics["success"] == 1
    assert "published_edits_mean" not in outcome.metrics


def test_a_definition_that_cannot_be_read_is_a_row_with_the_reason(tmp_path: Path) -> None:
    unknown = {"layers": [{"type": "Convolution9D", "name": "x", "input_shape": "(1, 6)"}]}
    path = lines(tmp_path / "c.jsonl", {"case": 1, "model": unknown}, {"case": 2, "model": BROKEN})
    outcome = run_cases(load(str(path)), KERAS3)
    assert [row["status"] for row in outcome.rows] == ["unreadable", "repaired"]
    assert "Convolution9D" in str(outcome.rows[0]["reason"])
    assert outcome.metrics["success"] == 0.5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}\n", "line 1: expected an object with 'case' and 'model'"),
        ('{"case": 1, "model": {}}\n{"case"\n', "line 2 is not JSON"),
        ("", "has no cases"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        load(str(path))


def test_an_unknown_set_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"manual, nets, random|random, manual, nets"):
        load("randon")


def test_rows_are_csv_with_the_agreed_columns(tmp_path: Path) -> None:
    cases = load(str(lines(tmp_path / "c.jsonl", {"case": "a,b", "model": BROKEN})))
    rows = list(csv.DictReader(io.StringIO(run_cases(cases, STRICT).csv())))
    assert list(rows[0]) == list(COLUMNS)
    wanted = {
        "case",
        "status",
        "error_kind",
        "error_layer",
        "edits",
        "cost",
        "bound",
        "proven",
        "milliseconds",
    }
    assert wanted <= set(rows[0])
    assert rows[0]["case"] == "a,b"


def test_keras_and_nnx_build_a_repair_and_keras_refuses_what_is_broken() -> None:
    pytest.importorskip("keras")
    graph = Graph.of(
        [
            Node("x", LayerSpec("Input", {"shape": (8, 8, 3)})),
            Node("conv", LayerSpec("Conv2D", {"filters": 4, "kernel_size": (9, 9)}), ("x",)),
            Node("flat", LayerSpec("Flatten"), ("conv",)),
            Node("head", LayerSpec("Dense", {"units": 2}), ("flat",)),
        ]
    )
    assert built(graph, "keras").startswith("no: conv")
    best = repair(graph).repairs[0].graph
    assert built(best, "keras") == "yes"
    assert built(best, "nnx") == "yes"
    with pytest.raises(InputError, match="keras"):
        built(best, "torch")


def test_the_original_networks_come_back(data_pack: Path) -> None:
    outcome = run_cases(load("nets"), KERAS3, alternatives=3)
    assert [row["original"] for row in outcome.rows] == [1, 1, 1]
    assert outcome.metrics["original_back"] == 3
    assert outcome.metrics["proven"] == 1


def test_manual_cases_keep_widths_and_have_the_expected_fix(data_pack: Path) -> None:
    outcome = run_cases(load("manual"), KERAS3, alternatives=3)
    assert outcome.metrics["success"] == 1
    assert outcome.metrics["not_kept"] == 0
    assert outcome.metrics["expected_in_first_three"] >= 14


def test_manual_repairs_leave_inputs_widths_and_head_alone(data_pack: Path) -> None:
    """Told from the networks themselves, not from the cost of the repair."""
    for case in load("manual"):
        graph = case.graph(KERAS3)
        best = repair(graph).repairs[0].graph
        assert trace(best, KERAS3).valid
        for node in graph.nodes:
            given = node.layer.arguments
            kept = {name: given[name] for name in LAYERS[node.layer.type].widths if name in given}
            if kept or not node.inputs:
                after = best[node.name].layer.arguments
                assert kept == {name: after.get(name) for name in kept}, case.name
                assert node.inputs or best[node.name] == node, case.name
        head = [n.name for n in graph.nodes if LAYERS[n.layer.type].widths][-1]
        assert set(_below(best, head)) <= set(_below(graph, head)), case.name


def _below(graph: Graph, name: str) -> list[str]:
    """Names of all layers below one."""
    found = [name]
    for at in found:
        found += [reader for reader in graph.consumers[at] if reader not in found]
    return found


def test_random_cases_stand_beside_the_published_ones(data_pack: Path) -> None:
    cases = load("random")
    assert len(cases) == 500
    outcome = run_cases(cases[::50], STRICT)
    assert outcome.metrics["success"] == 1
    assert outcome.metrics["edits_mean"] <= outcome.metrics["published_edits_mean"]
    assert outcome.metrics["more_edits_than_published_with_widths"] == 0


def test_a_sample_of_random_repairs_is_built_by_keras(data_pack: Path) -> None:
    pytest.importorskip("keras")
    outcome = run_cases(load("random")[3::60], KERAS3, build=["keras"])
    assert outcome.metrics["keras_built"] == outcome.metrics["keras_tried"] == len(outcome.rows)


def test_a_case_says_where_its_weights_bind() -> None:
    given = {
        "layers": [
            {
                "type": "Dense",
                "name": "d",
                "input_shape": "(1, 3)",
                "weights": "[[1, 1], [1, 1]]",
                "bias": "[0, 0]",
            }
        ]
    }
    for weights, wrong in ((True, 1), (False, 0)):
        (row,) = run_cases([Case("w", given, weights)], KERAS3).rows
        assert (row["errors"], row["weights_made"]) == (wrong, wrong)


def test_a_classifier_of_images_is_trained_and_others_are_not(data_pack: Path) -> None:
    pytest.importorskip("keras")
    head = LayerSpec("Dense", {"units": 10, "activation": "softmax"})
    layers = {
        "x": LayerSpec("Input", {"shape": (1, 28, 28)}),
        "flat": LayerSpec("Flatten"),
        "head": head,
    }
    names = list(layers)
    graph = Graph.of(
        Node(name, layer, tuple(names[max(k - 1, 0) : k]))
        for k, (name, layer) in enumerate(layers.items())
    )
    reached = accuracy(graph, KERAS3, steps=30, seed=1)
    assert reached is not None
    assert reached > 0.6
    assert accuracy(graph, KERAS3, steps=30, seed=1) == reached
    assert (
        accuracy(
            graph.with_layer("head", LayerSpec("Dense", {"units": 9})), KERAS3, steps=1, seed=0
        )
        is None
    )
    assert accuracy(graph.with_layer("head", LayerSpec("ReLU")), KERAS3, steps=1, seed=0) is None


def test_images_are_laid_out_as_the_input_wants_them() -> None:
    images = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    last, first = (_images(images, 1, shape) for shape in ((6, 6, 3), (3, 6, 6)))
    assert (last[1, 1, 1] * 255 == images[1, 0, 0]).all()
    assert (first == last.transpose(0, 3, 1, 2)).all()
    assert last[:, 0].max() == 0


def test_a_file_of_cases_counts_by_its_content(tmp_path: Path) -> None:
    register()

    def of(cases: object) -> RunSpecification:
        given = ["+experiment=arch_random", f"architecture.cases={cases}"]
        with hydra.initialize_config_dir(str(shipped("configs").absolute()), version_base="1.3"):
            return specify(hydra.compose("config", given))

    def hashed(cases: object) -> str:
        return of(cases).about.config_hash

    path = lines(tmp_path / "c.jsonl", {"case": 1, "model": BROKEN})
    first = hashed(path)
    copied = tmp_path / "copy.jsonl"
    copied.write_bytes(path.read_bytes())
    assert hashed(copied) == first
    lines(path, {"case": 2, "model": BROKEN})
    assert hashed(path) != first
    named = of("random")
    settings = {key: named.config[key] for key in ("experiment", "task", "architecture")}
    assert named.about.config_hash == config_hash(settings)
