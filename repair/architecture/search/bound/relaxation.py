"""The relaxed problem: fewest edits to every shape of every node, by dynamic programming."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from repair.architecture.graph import Graph, source
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import infer
from repair.architecture.rules import Rules
from repair.architecture.search.bound.insertions import with_insertions
from repair.architecture.search.bound.several_inputs import fewest_edits_several_inputs
from repair.architecture.search.bound.shape_grid import IMPOSSIBLE, EditCounts, ShapeGrid
from repair.architecture.search.bound.single_input import fewest_edits_single_input
from repair.architecture.search.choices.merges import ELEMENTWISE
from repair.architecture.search.choices.weights import one_output


@dataclass(frozen=True)
class Relaxation:
    """The relaxed problem, solved.

    Args:
        grid: the shapes that the arrays are about.
        output_edits: fewest edits to every output of each node.
        input_edits: fewest edits to every input of each node, those of inserted layers included.
        bound: fewest edits altogether.
    """

    grid: ShapeGrid
    output_edits: Mapping[str, EditCounts]
    input_edits: Mapping[str, tuple[EditCounts, ...]]
    bound: int


def relax(graph: Graph, rules: Rules, shapes: Iterable[Shape | None]) -> Relaxation | None:
    """Solves the relaxed problem; None where it does not apply.

    Args:
        graph: the network.
        rules: the rule set.
        shapes: the shapes that the grid must hold.
    """
    grid = ShapeGrid.around(shapes)
    if grid is None:
        return None
    output_edits: dict[str, EditCounts] = {}
    input_edits: dict[str, tuple[EditCounts, ...]] = {}
    paid: set[str] = set()
    readings = Counter(name for node in graph.nodes for name, _ in node.sources)
    readings.update(source(reference)[0] for reference in graph.outputs)

    def read(name: str, index: int) -> EditCounts:
        costs = output_edits[name]
        if index:  # of several outputs, the shapes of the further ones are not followed
            costs = np.full_like(costs, costs.min())
        if name in paid:  # by the first reader; others see every shape that is possible
            costs = np.where(costs < IMPOSSIBLE, 0, IMPOSSIBLE).astype(np.int16)
        paid.add(name)
        return costs

    for node in graph.nodes:
        inputs = tuple(with_insertions(grid, read(name, index)) for name, index in node.sources)
        if not inputs:
            costs = _source(node.layer, rules, grid)
        elif len(inputs) == 1 and node.layer.type not in ELEMENTWISE:
            alone = readings[node.name] == 1
            again = node.shares is not None  # an edit of its layer is paid at the first call
            costs = fewest_edits_single_input(
                node.layer, inputs[0], rules, grid, alone=alone, again=again
            )
        elif node.shares:
            costs = np.full_like(inputs[0], sum(int(costs.min()) for costs in inputs))
        else:
            costs = fewest_edits_several_inputs(node.layer, inputs, rules, grid)
            costs = np.minimum(costs, IMPOSSIBLE)
        if costs.min() >= IMPOSSIBLE:
            return None
        output_edits[node.name], input_edits[node.name] = costs, inputs
    ends = [read(*source(reference)) for reference in dict.fromkeys(graph.outputs)]
    return Relaxation(grid, output_edits, input_edits, sum(int(costs.min()) for costs in ends))


def _source(layer: LayerSpec, rules: Rules, grid: ShapeGrid) -> EditCounts:
    output = one_output(infer(layer, (), rules))
    index = grid.index_of(output[1:]) if output else None
    return grid.empty() if index is None else grid.only(index)
