"""Layers that are called more than once."""

import pytest

from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.search import SearchStatus, repair
from repair.architecture.search.bound import roots_bound
from repair.architecture.trace import trace


def test_a_layer_used_twice_changes_for_both_uses_or_not_at_all() -> None:
    dense = LayerSpec("Dense", {"units": 3})
    graph = Graph.of(
        [
            Node("a", LayerSpec("Input", {"shape": (5,)})),
            Node("b", LayerSpec("Input", {"shape": (6,)})),
            Node("first", dense, ("a",)),
            Node("second", dense, ("b",), shares="first"),
        ]
    )
    result = repair(graph)
    assert result.status is SearchStatus.REPAIRED
    best = result.repairs[0].graph
    assert best["first"].layer == best["second"].layer


@pytest.mark.parametrize(
    ("layer", "edits"),
    [
        (LayerSpec("MaxPooling2D", {"pool_size": (9, 9)}), ["first: padding='same'"]),
        (
            LayerSpec("Conv1D", {"filters": 4, "kernel_size": 3}),
            ["first: Conv2D(filters=4, kernel_size=3) instead of Conv1D"],
        ),
        (
            LayerSpec("LSTM", {"units": 3}),
            [
                "insert Reshape(target_shape=(64, 3)) between left and first",
                "insert Reshape(target_shape=(64, 3)) between right and again",
            ],
        ),
    ],
    ids=["pool", "rank", "steps"],
)
def test_a_layer_that_is_called_twice_is_edited_once(layer: LayerSpec, edits: list[str]) -> None:
    graph = Graph.of(
        [
            Node("left", LayerSpec("Input", {"shape": (8, 8, 3)})),
            Node("right", LayerSpec("Input", {"shape": (8, 8, 3)})),
            Node("first", layer, ("left",)),
            Node("again", layer, ("right",), "first"),
            Node("sum", LayerSpec("Add"), ("first", "again")),
        ]
    )
    result = repair(graph)
    best = result.repairs[0]
    assert [str(edit) for edit in best.edits] == edits
    assert (result.bound, result.proven, best.count) == (len(edits), True, len(edits))
    assert best.graph["again"].shares == "first"
    assert roots_bound(graph, trace(graph)) == 1
