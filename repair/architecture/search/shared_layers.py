"""Layers that are called more than once: repaired as if each call had its own, then shared again."""

from dataclasses import replace

from repair.architecture import cost
from repair.architecture.edits import (
    ChangeArgument,
    ChangeInner,
    ChangeType,
    Edit,
    MakeWeights,
    count,
)
from repair.architecture.graph import Graph
from repair.architecture.layer import Layer
from repair.architecture.search.build import compare
from repair.architecture.search.result import Repair

IN_PLACE = (ChangeArgument, ChangeInner, ChangeType, MakeWeights)


def apart(graph: Graph) -> Graph:
    """The network with a layer of its own for each call."""
    return Graph.of((replace(node, shares=None) for node in graph.nodes), graph.outputs)


def shared_again(graph: Graph, found: Repair) -> Repair | None:
    """A repair of the network taken apart as one of the network; it may no longer be valid.

    Edits in place of one call become edits of the layer, and count once.

    Args:
        graph: the network.
        found: a repair of `apart(graph)`.

    Returns:
        None where the first call of a layer that is called again is gone.
    """
    owners = {node.name: node.shares for node in graph.nodes if node.shares}
    groups = {name: owners.get(name, name) for name in (*owners, *owners.values())}
    changed: dict[str, Layer] = {}
    for name, owner in groups.items():
        if name in found.graph and found.graph[name].layer != graph[owner].layer:
            changed.setdefault(owner, found.graph[name].layer)
    nodes = []
    for node in found.graph.nodes:
        owner = groups.get(node.name, "")
        if owner and owner not in found.graph:
            return None
        layer = changed.get(owner, node.layer)
        nodes.append(replace(node, layer=layer, shares=owners.get(node.name)))
    edits: list[Edit] = [
        edit for edit in found.edits if not (isinstance(edit, IN_PLACE) and edit.layer in groups)
    ]
    for owner, layer in changed.items():
        edits += compare(owner, graph[owner].layer, layer)
    price = (cost.KEPT * found.not_kept + cost.EDIT * count(edits)
             + cost.drastic(found.cost))  # fmt: skip
    return replace(
        found, graph=Graph.of(nodes, found.graph.outputs), edits=tuple(edits), cost=price
    )
