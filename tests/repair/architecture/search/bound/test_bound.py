"""Lower bounds against networks whose repair is known: valid ones, broken by edits that can be undone.

BOUND_EXAMPLES sets the number of networks, for a longer run.
"""

import os
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from repair.architecture.generate import faulty_network, random_layer, valid_network
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.layers import LAYERS
from repair.architecture.rules import KERAS3, STRICT, Rules
from repair.architecture.search import repair
from repair.architecture.search.bound import relax, roots_bound
from repair.architecture.search.bound.insertions import (
    _insertions_from_few,
    _single_insertion,
)
from repair.architecture.search.bound.several_inputs import fewest_edits_several_inputs
from repair.architecture.search.bound.shape_grid import shape_grid
from repair.architecture.search.choices.options import removable
from repair.architecture.trace import trace

EXAMPLES = int(os.environ.get("BOUND_EXAMPLES", "200"))


def broken(graph: Graph, rng: Random, most: int) -> tuple[Graph, int]:
    """The network after so many edits at different layers, each undone by one edit that keeps widths."""
    done = 0
    for node in rng.sample([n for n in graph.nodes if n.inputs], min(most, len(graph) - 2)):
        entry = LAYERS[node.layer.type]
        other = random_layer(node.layer.type, rng).arguments
        changed = {
            name: value
            for name, value in other.items()
            if name in node.layer.arguments
            and entry.arguments[name].editable
            and name not in entry.widths
        }
        added = random_layer(rng.choice(sorted(set(LAYERS) - {"Input", "Lambda", "RNN"})), rng)
        moved = _of_another_rank(node.layer, rng)
        if moved is not None and rng.random() < 0.5:
            graph = graph.with_layer(node.name, moved)
        elif changed and rng.random() < 0.5:
            graph = graph.with_layer(node.name, node.layer.change(**changed))
        elif removable(added):
            graph = _before(graph, graph[node.name], added)
        else:
            continue
        done += 1
    return graph, done


def _of_another_rank(layer: LayerSpec, rng: Random) -> LayerSpec | None:
    """The layer in other dimensions, with what a repair may not change."""
    entry = LAYERS[layer.type]
    names = sorted(set(entry.variants.values()) - {layer.type})
    if not names or layer.type.startswith("ConvLSTM"):
        return None
    other = random_layer(rng.choice(names), rng)
    kept = {
        name: value
        for name, value in layer.arguments.items()
        if name in entry.widths or not entry.arguments[name].editable
    }
    if not kept.keys() <= LAYERS[other.type].arguments.keys():
        return None
    changed = {
        name: value
        for name, value in other.arguments.items()
        if name in layer.arguments and name not in kept
    }
    return LayerSpec(other.type, {**changed, **kept})


def _before(graph: Graph, node: Node, layer: LayerSpec) -> Graph:
    more = Node(graph.fresh("added"), layer, node.inputs[:1])
    after = replace(node, inputs=(more.name, *node.inputs[1:]))
    return Graph.of(x for n in graph.nodes for x in ((more, after) if n is node else (n,)))


def test_no_bound_is_above_a_repair_that_is_known() -> None:
    tight = 0
    for seed in range(EXAMPLES):
        rng = Random(seed)
        rules = rng.choice((KERAS3, STRICT))
        before = valid_network(rng.randint(2, 12), seed, rules)
        graph, edits = broken(before, rng, rng.randint(1, 4))
        found = trace(graph, rules)
        if found.valid:
            continue
        assert roots_bound(graph, found) <= edits, f"seed {seed}"
        known = [s for s in found.shapes.values() if s is not None and None not in s[1:]]
        relaxation = relax(graph, rules, (*known, *trace(before, rules).shapes.values()))
        if relaxation is not None:
            assert relaxation.bound <= edits, f"seed {seed}"
            tight += relaxation.bound == edits
    assert tight > EXAMPLES // 20


@pytest.mark.parametrize("rules", [KERAS3, STRICT], ids=["keras3", "strict"])
def test_bounds_never_exceed_what_is_found_and_mostly_reach_it(rules: Rules) -> None:
    reached = above_roots = 0
    for seed in range(25):
        graph = faulty_network(6, seed, rules, 3)
        before = trace(graph, rules)
        best = repair(graph, rules, alternatives=1).repairs[0]
        shapes = (*before.shapes.values(), *trace(best.graph, rules).shapes.values())
        relaxation = relax(graph, rules, [s for s in shapes if s and None not in s[1:]])
        roots = roots_bound(graph, before)
        assert relaxation is not None
        assert max(roots, relaxation.bound) <= best.count, f"seed {seed}"
        reached += relaxation.bound == best.count
        above_roots += relaxation.bound > roots
    assert reached >= 15
    assert above_roots >= 12


@pytest.mark.parametrize("groups", [1, 2, 5])
def test_groups_of_a_normalization_do_not_hide_the_way_through_it(groups: int) -> None:
    layers = {
        "x": LayerSpec("Input", {"shape": (4, 5)}),
        "conv": LayerSpec("Conv2D", {"filters": 10, "kernel_size": (2, 2)}),
        "norm": LayerSpec("GroupNormalization", {"groups": groups, "axis": -1}),
    }
    names = list(layers)
    graph = Graph.of(
        Node(name, layer, tuple(names[max(k - 1, 0) : k]))
        for k, (name, layer) in enumerate(layers.items())
    )
    relaxation = relax(graph, KERAS3, [(None, 4, 5)])
    assert relaxation is not None
    assert relaxation.bound == 1


def test_groups_of_a_convolution_do_not_hide_it_in_a_grid_that_they_do_not_divide() -> None:
    conv = {"filters": 4, "kernel_size": (1, 1), "groups": 2}
    layers = {"x": LayerSpec("Input", {"shape": (9, 9, 10)}), "conv": LayerSpec("Conv2D", conv)}
    graph = Graph.of([Node("x", layers["x"], ()), Node("conv", layers["conv"], ("x",))])
    relaxation = relax(graph, STRICT, [(None, 9, 9, 10), (None, 9, 9, 15)])
    assert relaxation is not None
    assert relaxation.grid.limits[2][2] == 15
    assert relaxation.bound == 0


@pytest.mark.parametrize(
    "limits",
    [((64,), (12, 12), (6, 6, 6), (5, 5, 5, 5)), ((70,), (9, 30), (7, 7, 9), (3, 3, 3, 4), (300,))],
)
def test_one_inserted_layer_leads_from_few_shapes_to_what_it_leads_to_from_many(limits) -> None:
    rng, grid = np.random.default_rng(0), shape_grid(limits)
    for number in (*range(1, 9), 1, 2, 1):
        indices = rng.choice(grid.empty().size, number, replace=False)
        costs = grid.empty()
        costs[indices] = 0
        expected = np.where(_single_insertion(grid, costs) == 0, 1, 2)
        expected[indices] = 0
        assert np.array_equal(_insertions_from_few(grid, indices.tolist()), expected)


@pytest.mark.parametrize("seed", range(5))
def test_what_a_dot_costs_is_the_least_sum_over_the_size_that_it_multiplies_along(
    seed: int,
) -> None:
    rng, grid = (
        np.random.default_rng(seed),
        shape_grid(((70,), (20, 30), (6, 6, 6), (5, 5, 5, 5))),
    )
    left, right = rng.choice(
        np.array([1, 2, 3], np.int16), (2, grid.empty().size), p=(0.01, 0.09, 0.9)
    )
    dot = LayerSpec("Dot", {"axes": (2, 1)})
    counts = fewest_edits_several_inputs(dot, (left, right), STRICT, grid)
    expected = np.full((20, 30), 999)
    a, b = grid.block(left, 2), grid.block(right, 2)
    for axes_edits, one, other in ((0, a, b.T), (1, a, b), (1, a.T, b), (1, a.T, b.T)):
        for i, row in enumerate(one[:20]):
            for j, column in enumerate(other[:30]):
                size = min(row.size, column.size)
                least = (row[:size] + column[:size]).min() + axes_edits
                expected[i, j] = min(expected[i, j], least)
    assert np.array_equal(grid.block(counts, 2), expected)
    lines = grid.block(left, 1) + grid.block(right, 1)
    assert grid.block(counts, 1)[0] == lines.min() + 1


def deep(*layers: LayerSpec) -> Graph:
    """A Dot that yields 2 x 2 x 2 x 2 x 2, and some layers after it."""
    nodes = [
        Node("x", LayerSpec("Input", {"shape": (2, 2, 2, 3)}), ()),
        Node("y", LayerSpec("Input", {"shape": (3, 2, 2)}), ()),
        Node("dot", LayerSpec("Dot", {"axes": (4, 1)}), ("x", "y")),
    ]
    for k, layer in enumerate(layers):
        nodes.append(Node(f"layer_{k}", layer, (nodes[-1].name,)))
    return Graph.of(nodes)


@pytest.mark.parametrize(
    ("layers", "edits"),
    [
        (
            [
                LayerSpec("ReLU"),
                LayerSpec("Flatten"),
                LayerSpec("Reshape", {"target_shape": (4, 8)}),
            ],
            0,
        ),
        (
            [
                LayerSpec("Reshape", {"target_shape": (4, 2, 1, 2, 2)}),
                LayerSpec("Permute", {"dims": (5, 2, 1, 4, 3)}),
            ],
            0,
        ),
        ([LayerSpec("Dense", {"units": 3}), LayerSpec("Reshape", {"target_shape": (6, 8)})], 0),
        ([LayerSpec("Reshape", {"target_shape": (5, 7)})], 1),
        ([LayerSpec("Conv2D", {"filters": 3, "kernel_size": (1, 1)})], 1),
        (
            [
                LayerSpec("Conv2D", {"filters": 3, "kernel_size": (1, 1)}),
                LayerSpec("LSTM", {"units": 2}),
            ],
            2,
        ),
    ],
)
def test_tensors_of_five_sizes_are_bounded_by_their_number_of_values(
    layers: list[LayerSpec], edits: int
) -> None:
    graph = deep(*layers)
    found = trace(graph, KERAS3)
    shapes = [shape for shape in found.shapes.values() if shape and None not in shape[1:]]
    relaxation = relax(graph, KERAS3, shapes)
    assert found.valid == (edits == 0)
    assert relaxation is not None
    assert relaxation.bound == edits
    if edits:
        assert repair(graph).repairs[0].count == edits


def test_a_repair_that_leaves_the_grid_gets_a_bound_of_its_own() -> None:
    """Guided by the relaxed solution, it makes a tensor of 324 values, where the grid held up to 81."""
    result = repair(faulty_network(4, 286990, KERAS3, 2))
    assert result.repairs[0].count == result.bound == 1


@pytest.mark.parametrize(("short", "long"), [((1,), (1, 108)), ((2, 1, 1), (1, 2, 9, 1))])
def test_a_shape_that_broadcasts_does_so_beyond_the_limits_of_its_rank(
    short: tuple[int, ...], long: tuple[int, ...]
) -> None:
    x, y = (Node(str(shape), LayerSpec("Input", {"shape": shape})) for shape in (short, long))
    graph = Graph.of([x, y, Node("most", LayerSpec("Maximum"), (x.name, y.name))])
    relaxation = relax(graph, KERAS3, trace(graph, KERAS3).shapes.values())
    assert relaxation is not None
    assert relaxation.bound == 0
