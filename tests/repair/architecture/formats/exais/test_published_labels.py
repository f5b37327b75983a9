"""The published tool's 500 random models: our first error against its label, case by case.

The strict rules were read off these labels, the Keras rules were not. A failure prints every
disagreement with our sentence, to be examined.
"""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from repair.architecture.formats.exais import read
from repair.architecture.layers import normal_arguments
from repair.architecture.rules import KERAS3, STRICT, Rules
from repair.architecture.trace import trace

WEIGHTS_THE_TOOL_DOES_NOT_COMPARE = 910
"""Its published repair has a BatchNormalization with weights of 2, 3, 2 and 3 values."""


@pytest.fixture(scope="module")
def cases(data_pack: Path) -> list[dict[str, Any]]:
    with gzip.open(data_pack / "exais" / "random_even.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def labels(data_pack: Path) -> dict[int, dict[str, str]]:
    with (data_pack / "exais" / "random_even_labels.csv").open() as file:
        return {int(row["case"]): row for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("rules", "column", "weights"),
    [(STRICT, "exais", True), (KERAS3, "keras", False)],
    ids=["strict", "keras3"],
)
def test_kind_and_layer_of_the_first_error(cases, labels, rules, column, weights) -> None:  # type: ignore[no-untyped-def]
    disagreements = []
    for case in cases:
        errors = trace(read(case, weights=weights), rules).errors
        found = (str(errors[0].kind), errors[0].layer) if errors else ("VALID", "")
        label = labels[case["case"]]
        if found != (label[f"{column}_kind"], label[f"{column}_layer"]):
            why = errors[0].sentence if errors else "valid"
            disagreements.append((case["case"], label[f"{column}_kind"], found, why))
    assert not disagreements, f"{len(disagreements)} of {len(cases)}: {disagreements}"


def test_number_of_independent_errors(cases, labels) -> None:  # type: ignore[no-untyped-def]
    for case in cases:
        roots = trace(read(case, weights=False), KERAS3).roots
        assert len(roots) == int(labels[case["case"]]["keras_root_errors"]), case["case"]


@pytest.mark.parametrize("rules", [STRICT, KERAS3], ids=["strict", "keras3"])
def test_the_published_repairs_are_valid(cases, rules: Rules) -> None:  # type: ignore[no-untyped-def]
    strict = rules is STRICT
    broken = [
        case["case"]
        for case in cases
        if not trace(read(case["published_repair"], weights=strict), rules).valid
    ]
    assert broken == ([WEIGHTS_THE_TOOL_DOES_NOT_COMPARE] if strict else [])


def test_both_forms_of_a_model_are_the_same_network(cases) -> None:  # type: ignore[no-untyped-def]
    for case in cases:
        one, other = read(case["terms"]), read({"model": case["model"]})
        assert one.outputs == other.outputs
        for a, b in zip(one.nodes, other.nodes, strict=True):
            assert (a.name, a.inputs, a.layer.type) == (b.name, b.inputs, b.layer.type)
            assert normal_arguments(a.layer) == normal_arguments(b.layer) or a.layer.type == "RNN"
            # the terms leave out the second kernel of separable convolutions
            assert dict(a.layer.weights).items() <= dict(b.layer.weights).items()


def test_manual_models_and_benchmark_networks_can_be_read(data_pack: Path) -> None:
    manual = json.loads((data_pack / "exais" / "manual16.json").read_text())
    assert len([read(case) for case in manual]) == 16
    sizes = {"w1": (4, 4, 1, 16), "w2": (4, 4, 16, 32), "w3": (800, 100), "w4": (100, 10)}
    files = {f"weights/{name}.txt": shape for name, shape in sizes.items()}
    folder = data_pack / "exais" / "benchmark_nets" / "mnist_conv_small_relu_diffai"
    good, bad = (
        trace(read(json.loads((folder / name).read_text()), files=files))
        for name in ("spec.json", "spec_added_bugs.json")
    )
    assert good.valid
    assert good.shapes["linear_8"] == (None, 10)
    assert [error.layer for error in bad.roots] == ["conv2d_3"]
