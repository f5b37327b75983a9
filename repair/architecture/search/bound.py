"""How few edits any repair needs: two lower bounds.

One counts errors of which no two can have a cause in common. The other solves a relaxed problem: the
same dynamic programming as the search, but over every shape of a box at once (`search.box`), with
the cost of inserted layers exact and edits in place overestimated in what they can do
(`search.relaxed`). It holds for repairs that keep the widths, do not rewire, and whose tensors stay
within the box: every size of the network and of the repair that was found, and at least 64, 12 x 12,
6 x 6 x 6 and 5 x 5 x 5 x 5. Where one of them has a tensor of more sizes, it holds these too, up to
the largest number of values of one, and at least 256.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from repair.architecture.errors import Fault
from repair.architecture.graph import Graph, source
from repair.architecture.layer import Layer, Shape
from repair.architecture.layers import infer, settled
from repair.architecture.rules import Rules
from repair.architecture.search import relaxed
from repair.architecture.search.box import IMPOSSIBLE, Box, Costs
from repair.architecture.search.changes import one_output
from repair.architecture.search.merges import ELEMENTWISE
from repair.architecture.search.relaxed_merges import merged
from repair.architecture.trace import Trace


def roots_bound(graph: Graph, before: Trace) -> int:
    """Number of errors of which no two can have a cause in common.

    An edit mends a root error only if it stands above it or at it, or at another call of such a
    layer; roots whose ancestors are disjoint need an edit each. Arguments that are wrong for any
    input need one at their layer.
    """
    wrong = {graph[error.layer].shares or error.layer for error in before.errors
             if isinstance(settled(graph[error.layer].layer), Fault)}  # fmt: skip
    used, bound = set(wrong), len(wrong)
    for error in before.roots:
        if graph[error.layer].layer.weights or error.layer in wrong:
            continue  # weights are made anew without an edit; wrong arguments are counted
        above = _above(graph, error.layer)
        if used.isdisjoint(above):
            used |= above
            bound += 1
    return bound


def _above(graph: Graph, name: str) -> set[str]:
    """A layer and those above it, each with the first call of a layer that is called again."""
    found = {name}
    stack = [name]
    while stack:
        for parent, _ in graph[stack.pop()].sources:
            if parent not in found:
                found.add(parent)
                stack.append(parent)
    return found | {graph[one].shares or one for one in found}


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
            costs = relaxed.unary(node.layer, inputs[0], rules, box, alone=alone, again=again)
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
