"""How few edits any repair needs."""

from repair.architecture.graph import Graph
from repair.architecture.rules import Rules
from repair.architecture.trace import Trace


def lower_bound(graph: Graph, rules: Rules, before: Trace) -> int:
    """Number of errors of which no two can have a cause in common.

    An edit mends a root error only if it stands above it or at it; roots whose ancestors are
    disjoint need an edit each.

    Args:
        graph: the network.
        rules: the rule set.
        before: its trace.
    """
    used: set[str] = set()
    bound = 0
    for error in before.roots:
        if error.kind.startswith("Weight"):
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
