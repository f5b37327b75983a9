"""Repair search on networks that once crashed it, or that it once did not repair."""

import pytest

from repair.architecture.generate import faulty_network
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.rules import KERAS3, STRICT, Rules
from repair.architecture.search import SearchStatus, repair
from repair.architecture.search.bound import relax
from repair.architecture.trace import trace

CONV = LayerSpec("Conv2D", {"filters": 8, "kernel_size": (3, 3)})


def image(*layers: LayerSpec) -> Graph:
    """The layers one after the other, on an image."""
    chain = (LayerSpec("Input", {"shape": (28, 28, 1)}), *layers)
    return Graph.of(
        Node(f"layer_{k}", layer, (f"layer_{k - 1}",) if k else ()) for k, layer in enumerate(chain)
    )


def test_a_recurrent_convolution_with_two_faults_is_repaired() -> None:
    deep = LayerSpec(
        "ConvLSTM2D", {"filters": 2, "kernel_size": 3, "strides": 2, "dilation_rate": (2, 1)}
    )
    result = repair(image(CONV, deep, LayerSpec("ReLU")))
    assert (result.status, result.repairs[0].count) == (SearchStatus.REPAIRED, 1)


def test_the_bound_knows_what_to_do_with_a_layer_of_more_dimensions_than_it_has() -> None:
    deep = LayerSpec("ConvLSTM3D", {"filters": 2, "kernel_size": 1})
    graph = image(CONV, deep, LayerSpec("ReLU"))
    best = repair(graph).repairs[0]
    relaxation = relax(graph, KERAS3, trace(best.graph).shapes.values())
    assert relaxation is not None
    assert relaxation.bound == best.count == 1


@pytest.mark.parametrize(
    ("size", "seed", "faults", "rules"),
    [
        (10, 117, 2, STRICT),
        (15, 250, 3, KERAS3),
        (16, 395, 4, STRICT),
        (7, 642, 3, KERAS3),
        (26, 89429, 4, STRICT),
    ],
)
def test_what_once_crashed_the_search_or_found_no_repair(
    size: int, seed: int, faults: int, rules: Rules
) -> None:
    """Tensors without values on the way; groups, dilation and kernel of one layer wrong at once."""
    result = repair(faulty_network(size, seed, rules, faults), rules)
    assert result.status is SearchStatus.REPAIRED
    assert all(trace(found.graph, rules).valid for found in result.repairs)


@pytest.mark.parametrize("rules", [STRICT, KERAS3])
def test_joined_along_an_axis_that_no_input_has(rules: Rules) -> None:
    """Brought to one shape, and joined along an axis of it."""
    nodes = [
        Node("x", LayerSpec("Input", {"shape": (8, 2)})),
        Node("y", LayerSpec("Input", {"shape": (16,)})),
        Node("join", LayerSpec("Concatenate", {"axis": 3}), ("x", "y")),
    ]
    result = repair(Graph.of(nodes), rules)
    assert result.repairs[0].count == 2
    assert result.proven


def test_taking_out_the_only_layer_is_no_repair() -> None:
    result = repair(image(LayerSpec("Reshape")))
    assert [str(e) for e in result.repairs[0].edits] == ["layer_1: target_shape=(784,)"]
    nodes = [
        Node("x", LayerSpec("Input", {"shape": ()})),
        Node("pool", LayerSpec("MaxPooling1D"), ("x",)),
    ]
    assert repair(Graph.of(nodes)).status is SearchStatus.UNREPAIRABLE


@pytest.mark.parametrize(("wrapper", "wrapped"), [("TimeDistributed", 2), ("Bidirectional", 3)])
def test_a_wrapper_around_too_many_layers_is_taken_out_not_emptied(
    wrapper: str, wrapped: int
) -> None:
    dense, lstm = LayerSpec("Dense"), LayerSpec("LSTM", {"units": 3})
    inner = (dense if wrapper == "TimeDistributed" else lstm,) * wrapped
    nodes = [
        Node("x", LayerSpec("Input", {"shape": (4, 5)})),
        Node("wrap", LayerSpec(wrapper, {}, inner), ("x",)),
        Node("head", LayerSpec("Dense", {"units": 2}), ("wrap",)),
    ]
    result = repair(Graph.of(nodes))
    assert [type(edit).__name__ for edit in result.repairs[0].edits] == ["Remove"]
    assert result.repairs[0].not_kept == 1
