"""How few edits any repair needs: a lower bound from a relaxed problem over all shapes.

The same dynamic programming as the search, but over every shape at once (`search.box`), with the
cost of inserted layers exact and edits in place overestimated in what they can do. Widths are kept;
layers are edited, taken out and inserted, not rewired.
"""

import numpy as np

from repair.architecture.errors import Fault
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import Layer, Shape
from repair.architecture.layers import infer
from repair.architecture.rules import Rules
from repair.architecture.search import relaxed
from repair.architecture.search.box import IMPOSSIBLE, Box, Costs
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
        if error.kind.startswith("Weight") or graph[error.layer].layer.weights:
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


def relaxed_bound(graph: Graph, rules: Rules, before: Trace) -> int:
    """Fewest edits of the relaxed problem.

    Args:
        graph: the network.
        rules: the rule set.
        before: its trace.
    """
    box = Box.around(before.shapes.values())
    made: dict[str, Costs] = {}
    read: set[str] = set()

    def take(name: str, index: int) -> Costs:
        costs = made[name]
        if index or name in before.outputs:
            costs = np.full_like(costs, costs.min())
        if name in read:  # paid by the first reader; the others see every shape that is possible
            costs = np.where(costs < IMPOSSIBLE, 0, IMPOSSIBLE).astype(np.int16)
        read.add(name)
        return costs

    total = 0
    for node in graph.nodes:
        inputs = [take(name, index) for name, index in node.sources]
        if not inputs:
            made[node.name] = _source(node.layer, rules, box)
        elif len(inputs) == 1 and node.layer.type not in ELEMENTWISE:
            made[node.name] = relaxed.unary(node.layer, box.adapted(inputs[0]), rules, box)
        else:
            made[node.name] = _merged(node, [box.adapted(x) for x in inputs], rules, box)
        if made[node.name].min() >= IMPOSSIBLE:
            return 0
    for reference in dict.fromkeys(graph.outputs):
        total += int(take(*source(reference)).min())
    return total


def _source(layer: Layer, rules: Rules, box: Box) -> Costs:
    made, output = box.empty(), infer(layer, (), rules)
    if type(output) is tuple:
        shape: Shape = output
        made[box.place(shape[1:])] = 0
    return made


def _merged(node: Node, inputs: list[Costs], rules: Rules, box: Box) -> Costs:
    kind = node.layer.type
    if kind in ELEMENTWISE:
        if not rules.strict:
            inputs = [_broadcast(costs, box) for costs in inputs]
        return np.minimum(sum(inputs[1:], inputs[0]), IMPOSSIBLE)
    if kind == "Concatenate":
        return _concatenated(node.layer, inputs, box)
    if kind == "Dot" and rules.strict:
        return _dot(node.layer, inputs, rules, box)
    return np.full_like(inputs[0], sum(int(costs.min()) for costs in inputs))


def _broadcast(costs: Costs, box: Box) -> Costs:
    """Fewest edits to a shape that broadcasts to each shape."""
    made = costs.copy()
    for rank in (1, 2, 3, 4):
        block = box.block(made, rank)
        for axis in range(rank):
            np.minimum(block, block.take([0], axis), out=block)
        if rank > 1:
            below = box.block(made, rank - 1)
            common = min(box.limits[rank - 2], box.limits[rank - 1])
            part = (slice(None), *(slice(common),) * (rank - 1))
            np.minimum(block[part], below[part[1:]][None], out=block[part])
        made[box.outside(rank)] = min(
            made[box.outside(rank)], made[: box.blocks[rank - 1].stop].min()
        )
    np.minimum(made, costs[box.size :].min(), out=made)
    made[box.size :] = np.minimum(made[box.size :], made.min())
    return made


def _concatenated(layer: Layer, inputs: list[Costs], box: Box) -> Costs:
    """Each input agrees with the output but on one axis."""
    axis = layer.arguments.get("axis", -1)
    made = box.empty()
    free = []
    for rank in (1, 2, 3, 4):
        for place in range(rank):
            stands = isinstance(axis, int) and axis in (place + 1, place - rank)
            parts = [np.minimum(box.block(c, rank).min(place, keepdims=True), c[box.outside(rank)])
                     for c in inputs]  # fmt: skip
            cost = sum(parts[1:], parts[0]) + (0 if stands else 1)
            block = box.block(made, rank)
            np.minimum(block, cost, out=block)
            free.append(int(cost.min()))
    made[box.size :] = min(free)
    return np.minimum(made, sum(int(c[box.size :].min()) for c in inputs))


def _dot(layer: Layer, inputs: list[Costs], rules: Rules, box: Box) -> Costs:
    """Two inputs of one size, or of two sizes, with an equal axis."""
    left, right = inputs
    made = box.empty()
    outer = [min(int(c[box.outside(rank)]) for rank in (1, 2)) for c in inputs]
    low = min(outer[0] + int(right.min()), outer[1] + int(left.min()))
    lines = box.block(left, 1) + box.block(right, 1)
    made[box.place((1,))] = int(lines.min()) + _axes_cost(layer, (1, 1), rules, 1)
    pairs = box.block(made, 2)
    for i in (0, 1):
        for j in (0, 1):
            a, b = np.moveaxis(box.block(left, 2), i, 1), np.moveaxis(box.block(right, 2), j, 1)
            cost = (a[:, None, :] + b[None, :, :]).min(-1)
            np.minimum(pairs, cost + _axes_cost(layer, (i + 1, j + 1), rules, 2), out=pairs)
    np.minimum(box.block(made, 1), low, out=box.block(made, 1))
    np.minimum(pairs, low, out=pairs)
    made[box.outside(2)] = min(int(pairs.min()), low)
    return np.minimum(made, IMPOSSIBLE)


def _axes_cost(layer: Layer, axes: tuple[int, int], rules: Rules, rank: int) -> int:
    """0 where the layer multiplies along these axes as it stands, else 1."""
    shape = (None, *(7,) * rank)
    stands = infer(layer, (shape, shape), rules)
    given = layer.arguments.get("axes")
    both = given if isinstance(given, tuple) else (given, given)
    both = both * 2 if len(both) == 1 else both
    same = all(
        isinstance(g, int) and g % (rank + 1) == axis for g, axis in zip(both, axes, strict=False)
    )
    return 0 if same and not isinstance(stands, Fault) else 1
