"""What is written in the published tool's forms reads back as the same network."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from repair.architecture.formats.exais import read, write
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.rules import STRICT
from repair.architecture.trace import trace
from repair.errors import InputError


@pytest.fixture(scope="module")
def cases(data_pack: Path) -> list[dict[str, Any]]:
    with gzip.open(data_pack / "exais" / "random_even.jsonl.gz", "rt") as lines:
        return [json.loads(line) for line in lines][::5]


def test_an_unchanged_network_is_written_as_it_was(cases: list[dict[str, Any]]) -> None:
    for case in cases:
        for document in (case["terms"], case["published_repair"], {"model": case["model"]}):
            assert write(read(document), document) == document


def test_a_repair_goes_into_the_model_json(cases: list[dict[str, Any]]) -> None:
    for case in cases:
        repaired = read(case["published_repair"])
        again = read(json.loads(json.dumps(write(repaired, {"model": case["model"]}))))
        wanted, found = trace(repaired, STRICT).shapes, trace(again, STRICT)
        assert found.valid
        assert {name: found.shapes[name] for name in wanted} == wanted


def test_a_chain_stays_a_chain() -> None:
    document = {
        "shape": "(1,28,28,1)",
        "layers": [
            {"type": "Conv2D", "nodes": "4", "kernel_size": "(3,3)", "strides": "(9,9)"},
            {"type": "linear", "nodes": "10", "weights": "[[1, 2]]"},
        ],
    }
    graph = read(document)
    assert write(graph, document) == document
    conv, dense = graph.nodes[1:]
    changed = LayerSpec("Conv2D", {**conv.layer.arguments, "padding": "same", "strides": (1, 1)})
    nodes = [
        graph.nodes[0],
        Node(conv.name, changed, conv.inputs),
        Node("flatten", LayerSpec("Flatten"), (conv.name,)),
        Node(dense.name, LayerSpec("Dense", dense.layer.arguments), ("flatten",)),
    ]
    assert write(Graph.of(nodes), document) == {
        "shape": "(1,28,28,1)",
        "layers": [
            {
                "type": "Conv2D",
                "nodes": "4",
                "kernel_size": "(3,3)",
                "strides": "(1, 1)",
                "padding": "true",
            },
            {"type": "flatten"},
            {"type": "linear", "nodes": "10", "weights": ""},
        ],
    }


def test_what_the_tool_does_not_know_is_refused_by_name() -> None:
    nodes = [
        Node("x", LayerSpec("Input", {"shape": (4, 3)})),
        Node("b", LayerSpec("Bidirectional", inner=(LayerSpec("LSTM", {"units": 2}),)), ("x",)),
    ]
    for original in ([], {"shape": "(1,4,3)", "layers": [{"type": "lstm", "nodes": "2"}]}):
        with pytest.raises(InputError, match="Bidirectional"):
            write(Graph.of(nodes), original)
