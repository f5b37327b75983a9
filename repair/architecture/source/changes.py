"""What differs between a network and its repair, in the terms of source: layers and connections."""

from collections.abc import Mapping
from dataclasses import dataclass

from repair.architecture.edits import Move
from repair.architecture.graph import Graph, Node, source
from repair.architecture.search.result import ArchitectureRepair
from repair.errors import InputError


class CannotWrite(InputError):  # noqa: N818  a reason, which is shown beside the repair
    """A repair that this source cannot be made to say."""


@dataclass(frozen=True)
class Connection:
    """New layers on the way to one input of a layer that stays.

    Args:
        target: the layer; None: what the network returns.
        position: which of its inputs or of the outputs.
        chain: the new layers, in order.
        start: the tensor that they start from.
        rewired: it is another tensor than before.
    """

    target: str | None
    position: int
    chain: tuple[Node, ...]
    start: str
    rewired: bool


@dataclass(frozen=True)
class Changes:
    """All that differs.

    Args:
        altered: layers with other arguments or another type, by name: before and after.
        removed: layers that are taken out of their place, the moved ones among them.
        connections: where layers are put in, or read from elsewhere.
    """

    altered: Mapping[str, tuple[Node, Node]]
    removed: frozenset[str]
    connections: tuple[Connection, ...]


def changes(before: Graph, repair: ArchitectureRepair) -> Changes:
    """The difference between a network and its repair.

    Raises:
        CannotWrite: a new layer of several inputs, or a layer with another number of inputs.
    """
    after = repair.graph
    moved = {edit.name for edit in repair.edits if isinstance(edit, Move)}
    removed = frozenset(n.name for n in before.nodes if n.name not in after) | moved
    added = {n.name for n in after.nodes if n.name not in before} | moved
    altered = {
        node.name: (before[node.name], node)
        for node in after.nodes
        if node.name in before and node.layer != before[node.name].layer
    }
    found = []
    for node in after.nodes:
        if node.name in added:
            continue
        old = before[node.name].inputs
        if len(old) != len(node.inputs):
            raise CannotWrite(f"{node.name!r} gets another number of inputs.")
        for position, (was, reference) in enumerate(zip(old, node.inputs, strict=True)):
            found.append(_connection(before, after, removed, added, node.name, position, was,
                                     reference))  # fmt: skip
    if len(before.outputs) != len(after.outputs):
        raise CannotWrite("the network returns another number of tensors.")
    for position, (was, reference) in enumerate(zip(before.outputs, after.outputs, strict=True)):
        found.append(_connection(before, after, removed, added, None, position, was, reference))
    connections = tuple(link for link in found if link.chain or link.rewired)
    return Changes(altered, removed, connections)


def _connection(
    before: Graph, after: Graph, removed: frozenset[str], added: set[str], target: str | None,
    position: int, was: str, reference: str,
) -> Connection:  # fmt: skip
    while source(was)[0] in removed:
        was = _only_input(before[source(was)[0]])
    chain: list[Node] = []
    while source(reference)[0] in added:
        node = after[source(reference)[0]]
        chain.insert(0, node)
        reference = _only_input(node)
    return Connection(target, position, tuple(chain), reference, reference != was)


def _only_input(node: Node) -> str:
    if len(node.inputs) != 1:
        raise CannotWrite(f"{node.name!r} has {len(node.inputs)} inputs: it cannot be moved.")
    return node.inputs[0]
