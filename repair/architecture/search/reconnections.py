"""Repairs that change connections: a layer moved down the network, an input read from elsewhere.

They are tried one by one, with a trace of the whole network each, and stand among the alternatives.
A rewiring counts as something that is not kept, unless what was read does not exist.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from repair.architecture import cost
from repair.architecture.edits import Edit, Move, Rewire
from repair.architecture.errors import Diagnostic
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layers import infer
from repair.architecture.rules import Rules
from repair.architecture.search.broken_network import BrokenNetwork
from repair.architecture.search.choices.options import removable
from repair.architecture.search.result import ArchitectureRepair
from repair.architecture.trace import Trace

MOST = 60
"""Most candidates that are traced."""
REACH = 8
"""So many layers up a layer to move is looked for, and so many down where to put it."""


def reconnections(network: BrokenNetwork) -> tuple[ArchitectureRepair, ...]:
    """Valid networks with one layer moved or one input rewired, the best first."""
    candidates = islice(_candidates(network.graph, network.rules, network.trace), MOST)
    repairs = (network.measured(graph, (edit,), total) for graph, edit, total in candidates)
    return tuple(sorted(filter(None, repairs), key=lambda repair: repair.rank))


Candidate = tuple[Graph, Edit, int]
"""A network, the edit that leads to it, and its packed cost."""


def _candidates(graph: Graph, rules: Rules, before: Trace) -> Iterator[Candidate]:
    for error in before.roots:
        yield from _existing(graph, graph[error.layer], before)
        yield from _rewired(graph, graph[error.layer], rules, before)
        yield from _moved(graph, error.layer)


def _existing(graph: Graph, node: Node, before: Trace) -> Iterator[Candidate]:
    """The first output, where one is read that the layer does not have."""
    for position, (name, index) in enumerate(node.sources):
        if index and index >= len(before.outputs.get(name, ((),))):
            edit = Rewire(node.name, position, node.inputs[position], name)
            yield _reading(graph, node, position, name), edit, cost.EDIT + cost.REWIRE


def _rewired(graph: Graph, node: Node, rules: Rules, before: Trace) -> Iterator[Candidate]:
    """Another layer above in place of an input that others read too, so that nothing is lost."""
    if len(node.inputs) < 2:
        return
    earlier = graph.nodes[: graph.nodes.index(node)][-REACH:]
    for position, (name, _) in enumerate(node.sources):
        if len(graph.consumers[name]) < 2:
            continue
        for other in reversed(earlier):
            given = [before.shapes[n] for n, _ in node.sources]
            given[position] = before.shapes[other.name]
            if other.name in node.inputs or None in given:
                continue
            if isinstance(infer(node.layer, tuple(given), rules), Diagnostic):  # type: ignore[arg-type]
                continue
            edit = Rewire(node.name, position, node.inputs[position], other.name)
            total = cost.KEPT + cost.EDIT + cost.REWIRE
            yield _reading(graph, node, position, other.name), edit, total


def _reading(graph: Graph, node: Node, position: int, reference: str) -> Graph:
    inputs = (*node.inputs[:position], reference, *node.inputs[position + 1 :])
    nodes = (replace(n, inputs=inputs) if n is node else n for n in graph.nodes)
    return Graph.of(nodes, graph.outputs)


def _moved(graph: Graph, broken: str) -> Iterator[Candidate]:
    """A layer at or above the broken one, put in further down."""
    name: str | None = broken
    for _ in range(REACH):
        node = graph[name] if name else None
        if node is None or len(node.inputs) != 1:
            return
        if removable(node.layer) and node.shares is None:
            for source_name in _below(graph, node.name):
                readers = graph.consumers[source_name]
                edit = Move(node.name, source_name, readers[0] if readers else None)
                yield _put_after(graph, node, source_name), edit, 2 * cost.EDIT + cost.MOVE
        name = node.sources[0][0]


def _below(graph: Graph, name: str) -> Iterator[str]:
    """The layers below, as long as one reads the other."""
    for _ in range(REACH):
        readers = graph.consumers[name]
        if len(readers) != 1 or len(graph[readers[0]].inputs) != 1:
            return
        name = readers[0]
        yield name


def _put_after(graph: Graph, node: Node, source_name: str) -> Graph:
    """The graph with a layer taken out and put in after another."""
    above = node.inputs[0]

    def read(reference: str, reader: str) -> str:
        if source(reference)[0] == node.name:
            return above
        return node.name if reference == source_name and reader != node.name else reference

    nodes = [
        replace(n, inputs=(source_name,))
        if n is node
        else replace(n, inputs=tuple(read(reference, n.name) for reference in n.inputs))
        for n in graph.nodes
    ]
    return Graph.of(nodes, tuple(read(reference, "") for reference in graph.outputs))
