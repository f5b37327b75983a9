"""The relaxed problem: fewest edits to every shape of every node, by dynamic programming."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from repair.architecture.graph import Graph, source
from repair.architecture.layer import Layer, Shape
from repair.architecture.layers import infer
from repair.architecture.rules import Rules
from repair.architecture.search.bound import single_input
from repair.architecture.search.bound.several_inputs import merged
from repair.architecture.search.bound.shape_grid import IMPOSSIBLE, Box, Costs
from repair.architecture.search.choices.changes import one_output
from repair.architecture.search.choices.merges import ELEMENTWISE


@dataclass(frozen=True)
class Relaxation:
    """The relaxed problem, solved.

    Args:
        box: what the arrays mean.
        made: fewest edits to every output of each node.
        given: fewest edits to every input of each node, those of inserted layers included.
        bound: fewest edits altogether.
    """

    box: Box
    made: Mapping[str, Costs]
    given: Mapping[str, tuple[Costs, ...]]
    bound: int


def relax(graph: Graph, rules: Rules, shapes: Iterable[Shape | None]) -> Relaxation | None:
    """Solves the relaxed problem; None where it does not apply.

    Args:
        graph: the network.
        rules: the rule set.
        shapes: that the box must hold.
    """
    box = Box.around(shapes)
    if box is None:
        return None
    made: dict[str, Costs] = {}
    given: dict[str, tuple[Costs, ...]] = {}
    read: set[str] = set()
    readings = Counter(name for node in graph.nodes for name, _ in node.sources)
    readings.update(source(reference)[0] for reference in graph.outputs)

    def take(name: str, index: int) -> Costs:
        costs = made[name]
        if index:
            costs = np.full_like(costs, costs.min())
        if name in read:  # paid by the first reader; the others see every shape that is possible
            costs = np.where(costs < IMPOSSIBLE, 0, IMPOSSIBLE).astype(np.int16)
        read.add(name)
        return costs

    for node in graph.nodes:
        inputs = tuple(box.adapted(take(name, index)) for name, index in node.sources)
        if not inputs:
            costs = _source(node.layer, rules, box)
        elif len(inputs) == 1 and node.layer.type not in ELEMENTWISE:
            alone = readings[node.name] == 1
            again = node.shares is not None  # an edit of its layer is paid at the first call
            costs = single_input.unary(node.layer, inputs[0], rules, box, alone=alone, again=again)
        elif node.shares:
            costs = np.full_like(inputs[0], sum(int(costs.min()) for costs in inputs))
        else:
            costs = np.minimum(merged(node.layer, inputs, rules, box), IMPOSSIBLE)
        if costs.min() >= IMPOSSIBLE:
            return None
        made[node.name], given[node.name] = costs, inputs
    ends = [take(*source(reference)) for reference in dict.fromkeys(graph.outputs)]
    return Relaxation(box, made, given, sum(int(costs.min()) for costs in ends))


def _source(layer: Layer, rules: Rules, box: Box) -> Costs:
    output = one_output(infer(layer, (), rules))
    place = box.place(output[1:]) if output else None
    return box.empty() if place is None else box.at(place)
