"""Repairs of one edit against a brute force that is not our own."""

from itertools import product

import pytest

from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.rules import KERAS3, STRICT, Rules
from repair.architecture.search import repair
from repair.architecture.trace import trace

SHAPES = [shape for rank in (1, 2) for shape in product((1, 2, 3), repeat=rank)]


def single_insertions(graph: Graph, rules: Rules) -> bool:
    """Whether one inserted layer of a written-out list makes a network of merges valid."""
    layers = [LayerSpec("Flatten"), LayerSpec("GlobalAveragePooling1D")]
    layers += [LayerSpec("Dense", {"units": n}) for n in (1, 2, 3)]
    layers += [LayerSpec("RepeatVector", {"n": n}) for n in (1, 2, 3)]
    layers += [LayerSpec("Reshape", {"target_shape": shape}) for shape in SHAPES]
    layers += [LayerSpec("ZeroPadding1D", {"padding": (0, n)}) for n in (1, 2)]
    layers += [LayerSpec("Cropping1D", {"cropping": (0, n)}) for n in (1, 2)]
    layers += [
        LayerSpec("Conv1D", {"filters": f, "kernel_size": 1, "strides": s})
        for f in (1, 2, 3)
        for s in (1, 2, 3)
    ]
    for node in graph.nodes:
        for place, source in enumerate(node.inputs):
            inputs = (*node.inputs[:place], "new", *node.inputs[place + 1 :])
            rest = [Node(n.name, n.layer, inputs if n is node else n.inputs) for n in graph.nodes]
            for layer in layers:
                if trace(
                    Graph.of([*rest, Node("new", layer, (source,))], graph.outputs), rules
                ).valid:
                    return True
    return False


@pytest.mark.parametrize("rules", [KERAS3, STRICT], ids=["keras3", "strict"])
def test_one_edit_is_found_exactly_where_a_brute_force_finds_one(rules: Rules) -> None:
    compared = 0
    for a, b in product(SHAPES, repeat=2):
        graph = Graph.of(
            [
                Node("a", LayerSpec("Input", {"shape": a})),
                Node("b", LayerSpec("Input", {"shape": b})),
                Node("sum", LayerSpec("Add"), ("a", "b")),
            ]
        )
        if trace(graph, rules).valid:
            continue
        result = repair(graph, rules, alternatives=1)
        assert result.proven
        assert (result.repairs[0].count == 1) == single_insertions(graph, rules), (a, b)
        compared += 1
    assert compared > 20
