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
from repair.architecture.layer import LayerSpec
from repair.architecture.search.build import edits_of_layer
from repair.architecture.search.result import ArchitectureRepair

IN_PLACE = (ChangeArgument, ChangeInner, ChangeType, MakeWeights)


def with_own_layers(graph: Graph) -> Graph:
    """The network with a layer of its own for each call."""
    return Graph.of((replace(node, shares=None) for node in graph.nodes), graph.outputs)


def with_shared_layers(graph: Graph, apart: ArchitectureRepair) -> ArchitectureRepair | None:
    """A repair of the network taken apart as one of the network; it may no longer be valid.

    Edits in place of one call become edits of the layer, and count once.

    Args:
        graph: the network.
        apart: a repair of `with_own_layers(graph)`.

    Returns:
        None where the first call of a layer that is called again is gone.
    """
    owners = {node.name: node.shares for node in graph.nodes if node.shares}
    groups = {name: owners.get(name, name) for name in (*owners, *owners.values())}
    changed: dict[str, LayerSpec] = {}
    for name, owner in groups.items():
        if name in apart.graph and apart.graph[name].layer != graph[owner].layer:
            changed.setdefault(owner, apart.graph[name].layer)
    nodes = []
    for node in apart.graph.nodes:
        owner = groups.get(node.name, "")
        if owner and owner not in apart.graph:
            return None
        layer = changed.get(owner, node.layer)
        nodes.append(replace(node, layer=layer, shares=owners.get(node.name)))
    edits: list[Edit] = [
        edit for edit in apart.edits if not (isinstance(edit, IN_PLACE) and edit.layer in groups)
    ]
    for owner, layer in changed.items():
        edits += edits_of_layer(owner, graph[owner].layer, layer)
    total = cost.KEPT * apart.not_kept + cost.EDIT * count(edits) + cost.drastic(apart.cost)
    return replace(
        apart, graph=Graph.of(nodes, apart.graph.outputs), edits=tuple(edits), cost=total
    )
