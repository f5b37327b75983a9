"""How few edits any repair needs: two lower bounds.

One counts errors of which no two can have a cause in common. The other solves a relaxed problem: the
same dynamic programming as the search, but over every shape of a box at once (`search.box`), with
the cost of inserted layers exact and edits in place overestimated in what they can do
(`search.relaxed`). It holds for repairs that keep the widths, do not rewire, and whose tensors stay
within the box: every size of the network and of the repair that was found, and at least 64, 12 x 12,
6 x 6 x 6 and 5 x 5 x 5 x 5.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from repair.architecture.errors import Fault
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import Layer, Shape
from repair.architecture.layers import infer
from repair.architecture.rules import Rules
from repair.architecture.search import relaxed
from repair.architecture.search.box import IMPOSSIBLE, RANKS, Box, Costs
from repair.architecture.search.merges import ELEMENTWISE
from repair.architecture.trace import Trace


def roots_bound(graph: Graph, before: Trace) -> int:
    """Number of errors of which no two can have a cause in common.

    An edit mends a root error only if it stands above it or at it; roots whose ancestors are
    disjoint need an edit each.
    """
    used: set[str] = set()
    bound = 0
    for error in before.roots:
        if graph[error.layer].layer.weights:
            continue  # weights are made anew without an edit
        above = _above(graph, error.layer)
        if used.isdisjoint(above):
            used |= above
            bound += 1
    return bound


def _above(graph: Graph, name: str) -> set[str]:
    found = {name}
    stack = [name]
    while stack:
        for parent, _ in graph[stack.pop()].sources:
            if parent not in found:
                found.add(parent)
                stack.append(parent)
    return found


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

    def take(name: str, index: int) -> Costs:
        costs = made[name]
        if index:
            costs = np.full_like(costs, costs.min())
        if name in read:  # paid by the first reader; the others see every shape that is possible
            costs = np.where(costs < IMPOSSIBLE, 0, IMPOSSIBLE).astype(np.int16)
        read.add(name)
        return costs

    def adapted(name: str, index: int) -> Costs:
        costs = take(name, index)
        if graph[name].inputs:
            return box.adapted(costs)
        return box.adapted_from(int(costs.argmin()))

    for node in graph.nodes:
        inputs = tuple(adapted(name, index) for name, index in node.sources)
        if not inputs:
            costs = _source(node.layer, rules, box)
        elif len(inputs) == 1 and node.layer.type not in ELEMENTWISE:
            costs = relaxed.unary(node.layer, inputs[0], rules, box)
        else:
            costs = np.minimum(_merged(node, inputs, rules, box), IMPOSSIBLE)
        if costs.min() >= IMPOSSIBLE:
            return None
        made[node.name], given[node.name] = costs, inputs
    ends = [take(*source(reference)) for reference in dict.fromkeys(graph.outputs)]
    return Relaxation(box, made, given, sum(int(costs.min()) for costs in ends))


def _source(layer: Layer, rules: Rules, box: Box) -> Costs:
    output = infer(layer, (), rules)
    place = box.place(output[1:]) if type(output) is tuple else None
    return box.empty() if place is None else box.at(place)


def _merged(node: Node, inputs: tuple[Costs, ...], rules: Rules, box: Box) -> Costs:
    kind = node.layer.type
    if kind in ELEMENTWISE:
        if not rules.strict:
            inputs = tuple(broadcast(costs, box) for costs in inputs)
        return sum(inputs[1:], inputs[0])
    if kind == "Concatenate":
        return _concatenated(node.layer, inputs, box)
    if kind == "Dot" and rules.strict:
        return _dot(node.layer, inputs, rules, box)
    return np.full_like(inputs[0], sum(int(costs.min()) for costs in inputs))


def broadcast(costs: Costs, box: Box) -> Costs:
    """Fewest edits to a shape that broadcasts to each shape."""
    made = costs.copy()
    for rank in RANKS:
        block = box.block(made, rank)
        for axis in range(rank):
            np.minimum(block, block.take([0], axis), out=block)
        for lower in range(1, rank):
            below, last = box.block(made, lower), block.shape[rank - lower :]
            common = tuple(map(slice, map(min, below.shape, last)))
            part = block[(..., *common)]
            np.minimum(part, below[common], out=part)
    return made


def _concatenated(layer: Layer, inputs: tuple[Costs, ...], box: Box) -> Costs:
    """Each input agrees with the output but on one axis."""
    axis = layer.arguments.get("axis", -1)
    made = box.empty()
    for rank in RANKS:
        block = box.block(made, rank)
        for place in range(rank):
            stands = isinstance(axis, int) and axis in (place + 1, place - rank)
            parts = [box.block(costs, rank).min(place, keepdims=True) for costs in inputs]
            np.minimum(block, sum(parts[1:], parts[0]) + (0 if stands else 1), out=block)
    return made


def _dot(layer: Layer, inputs: tuple[Costs, ...], rules: Rules, box: Box) -> Costs:
    """Two inputs of one size, or of two sizes, with an equal axis."""
    made = box.empty()
    lines = [box.block(costs, 1) for costs in inputs]
    box.block(made, 1)[0] = (lines[0] + lines[1]).min() + axes_cost(layer, (1, 1), rules, 1)
    pairs = [box.block(costs, 2) for costs in inputs]
    out = box.block(made, 2)
    for i in (0, 1):
        for j in (0, 1):
            a, b = np.moveaxis(pairs[0], i, 1), np.moveaxis(pairs[1], j, 1)
            common = min(a.shape[1], b.shape[1])
            cost = (a[:, None, :common] + b[None, :, :common]).min(-1)
            cost = cost[: out.shape[0], : out.shape[1]] + axes_cost(layer, (i + 1, j + 1), rules, 2)
            part = out[: cost.shape[0], : cost.shape[1]]
            np.minimum(part, cost, out=part)
    return made


def axes_cost(layer: Layer, axes: tuple[int, int], rules: Rules, rank: int) -> int:
    """0 where the layer multiplies along these axes as it stands, else 1."""
    shape = (None, *(7,) * rank)
    given = layer.arguments.get("axes")
    both = given if isinstance(given, tuple) else (given, given)
    both = both * 2 if len(both) == 1 else both
    same = [
        isinstance(g, int) and g % (rank + 1) == axis for g, axis in zip(both, axes, strict=False)
    ]
    stands = not isinstance(infer(layer, (shape, shape), rules), Fault)
    return 0 if stands and all(same) else 1
