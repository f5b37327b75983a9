"""What differs between a network and its repair, in the terms of a program: layers, connections."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

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
        target: the layer that reads; None: what the network returns.
        position: the index of its input, or of the output.
        chain: the new layers, in order.
        start: the tensor that they start from.
        rewired: whether that is another tensor than before.
    """

    target: str | None
    position: int
    chain: tuple[Node, ...]
    start: str
    rewired: bool


@dataclass(frozen=True)
class Differences:
    """All that differs between a network and its repair.

    Args:
        altered: layers with other arguments or another type, by name: before and after.
        removed: layers that are taken out of their place, the moved ones among them.
        connections: where layers are put in, or read from elsewhere.
    """

    altered: Mapping[str, tuple[Node, Node]]
    removed: frozenset[str]
    connections: tuple[Connection, ...]


def differences(before: Graph, repair: ArchitectureRepair) -> Differences:
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
    joined = _Networks(before, after, removed, added)
    links = []
    for node in after.nodes:
        if node.name in added:
            continue
        old = before[node.name].inputs
        if len(old) != len(node.inputs):
            raise CannotWrite(f"{node.name!r} gets another number of inputs.")
        for position, (was, reference) in enumerate(zip(old, node.inputs, strict=True)):
            links.append(joined.connection(node.name, position, was, reference))
    if len(before.outputs) != len(after.outputs):
        raise CannotWrite("the network returns another number of tensors.")
    for position, (was, reference) in enumerate(zip(before.outputs, after.outputs, strict=True)):
        links.append(joined.connection(None, position, was, reference))
    connections = tuple(link for link in links if link.chain or link.rewired)
    return Differences(altered, removed, connections)


class _Networks(NamedTuple):
    """A network and its repair, with the layers that are only in one of them or moved."""

    before: Graph
    after: Graph
    removed: frozenset[str]
    added: set[str]

    def connection(self, target: str | None, position: int, was: str, reference: str) -> Connection:
        """What a layer read, and what it reads now through which new layers."""
        while source(was)[0] in self.removed:
            was = _only_input(self.before[source(was)[0]])
        chain: list[Node] = []
        while source(reference)[0] in self.added:
            node = self.after[source(reference)[0]]
            chain.insert(0, node)
            reference = _only_input(node)
        return Connection(target, position, tuple(chain), reference, reference != was)


def _only_input(node: Node) -> str:
    if len(node.inputs) != 1:
        raise CannotWrite(f"{node.name!r} has {len(node.inputs)} inputs: it cannot be moved.")
    return node.inputs[0]
