"""A lower bound on the edits of any repair: errors of which no two can have a cause in common."""

from repair.architecture.errors import Diagnostic
from repair.architecture.graph import Graph
from repair.architecture.layers import normal_arguments
from repair.architecture.trace import Trace


def roots_bound(graph: Graph, before: Trace) -> int:
    """Number of errors of which no two can have a cause in common.

    An edit mends a root error only if it stands above it or at it, or at another call of such a
    layer; roots whose ancestors are disjoint need an edit each. Arguments that are wrong for any
    input need one at their layer.
    """
    wrong = {
        graph[error.layer].shares or error.layer
        for error in before.errors
        if isinstance(normal_arguments(graph[error.layer].layer), Diagnostic)
    }
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
    above = {name}
    stack = [name]
    while stack:
        for parent, _ in graph[stack.pop()].sources:
            if parent not in above:
                above.add(parent)
                stack.append(parent)
    return above | {graph[one].shares or one for one in above}
