"""The definition of a network: a graph of named calls of layers.

`Node` is one call of a layer, `Graph` all calls in topological order. Both are frozen; an edit
makes a new graph that shares the rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from repair.architecture.layer import LayerSpec
from repair.errors import InputError

MOST_NODES = 10_000
MOST_INPUTS = 1_000


def source(reference: str) -> tuple[str, int]:
    """Node name and output index: "lstm" is ("lstm", 0), "lstm:1" its second output."""
    name, colon, index = reference.rpartition(":")
    if colon and index.isdecimal() and len(index) < 5:
        return name, int(index)
    return reference, 0


@dataclass(frozen=True)
class Node:
    """One call of a layer.

    Args:
        name: unique in the graph; the layer's name at its first call.
        layer: the layer that is called.
        inputs: names of the nodes it reads, in order ("name:1" reads a second output).
        shares: the node whose layer, weights included, this one calls again; None for its own.
    """

    name: str
    layer: LayerSpec
    inputs: tuple[str, ...] = ()
    shares: str | None = None

    @cached_property
    def sources(self) -> tuple[tuple[str, int], ...]:
        """The inputs as (node name, output index)."""
        return tuple(source(reference) for reference in self.inputs)


@dataclass(frozen=True)
class Graph:
    """All nodes, each after those it reads, and what the network returns; made by `Graph.of`."""

    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    @classmethod
    def of(cls, nodes: Iterable[Node], outputs: Iterable[str] | None = None) -> "Graph":
        """Checks the nodes and puts them in order: the given one where that is possible.

        Args:
            nodes: in any order.
            outputs: what the network returns; None: the nodes that no other node reads.

        Raises:
            InputError: no node, too many, a name twice, a missing input, a cycle, a bad share.
        """
        nodes = tuple(nodes)
        by_name = _named(nodes)
        read = {name for node in nodes for name, _ in node.sources}
        if outputs is None:
            outputs = (node.name for node in nodes if node.name not in read)
        outputs = tuple(outputs)
        for reference in outputs:
            if source(reference)[0] not in by_name:
                raise InputError(f"the output {reference!r} does not exist. {_known(by_name)}")
        return cls(nodes if _ordered(nodes) else depth_first(nodes, outputs), outputs)

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def consumers(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the nodes that read each node."""
        readers: dict[str, list[str]] = {node.name: [] for node in self.nodes}
        for node in self.nodes:
            for name in dict.fromkeys(name for name, _ in node.sources):
                readers[name].append(node.name)
        return {name: tuple(names) for name, names in readers.items()}

    def __getitem__(self, name: str) -> Node:
        return self.by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self.by_name

    def __len__(self) -> int:
        return len(self.nodes)

    def with_layer(self, name: str, layer: LayerSpec) -> "Graph":
        """Another layer at a node and at every node that shares it."""
        owner = self.by_name[name].shares or name
        return replace(
            self,
            nodes=tuple(
                replace(node, layer=layer) if owner in (node.name, node.shares) else node
                for node in self.nodes
            ),
        )

    def without_stated_inputs(self) -> "Graph":
        """The same network without what models that are part of it state of their inputs."""
        given: dict[str, str] = {}
        kept = []
        for node in self.nodes:
            reads = tuple(given.get(reference, reference) for reference in node.inputs)
            if node.layer.type == "Input" and reads:
                given[node.name] = reads[0]
            else:
                kept.append(replace(node, inputs=reads))
        return Graph(tuple(kept), tuple(given.get(name, name) for name in self.outputs))

    def fresh(self, stem: str) -> str:
        """A name that no node has: the stem, or the stem with a number."""
        number, name = 1, stem
        while name in self.by_name:
            number, name = number + 1, f"{stem}_{number}"
        return name


def depth_first(nodes: Iterable[Node], outputs: Iterable[str]) -> tuple[Node, ...]:
    """The nodes as an evaluation from the outputs meets them; those it does not meet come last.

    Raises:
        InputError: a cycle.
    """
    by_name = {node.name: node for node in nodes}
    done: dict[str, Node] = {}
    for root in [*(source(reference)[0] for reference in outputs), *by_name]:
        path = {root: 0} if root not in done else {}
        while path:
            name = next(reversed(path))
            node = by_name[name]
            if path[name] == len(node.sources):
                path.popitem()
                done[name] = node
                continue
            child = node.sources[path[name]][0]
            path[name] += 1
            if child in path:
                names = list(path)
                cycle = [*names[names.index(child) :], child]
                shown = cycle if len(cycle) < 12 else [*cycle[:6], "...", *cycle[-5:]]
                raise InputError(
                    f"the layers read each other in a circle: {' <- '.join(shown)}. "
                    "Remove one of these inputs."
                )
            if child not in done:
                path[child] = 0
    return tuple(done.values())


def _named(nodes: tuple[Node, ...]) -> dict[str, Node]:
    if not 0 < len(nodes) <= MOST_NODES:
        raise InputError(f"the network has {len(nodes)} layers: expected 1 to {MOST_NODES}.")
    by_name: dict[str, Node] = {}
    for node in nodes:
        if node.name in by_name:
            raise InputError(f"two layers are named {node.name!r}: give each its own name.")
        if not node.name or source(node.name)[0] != node.name:
            raise InputError(f"the layer name {node.name!r} is empty or ends in ':' and digits.")
        by_name[node.name] = node
    for node in nodes:
        if len(node.inputs) > MOST_INPUTS:
            raise InputError(f"{node.name!r} has {len(node.inputs)} inputs, over {MOST_INPUTS}.")
        for name, _ in node.sources:
            if name not in by_name:
                raise InputError(
                    f"the layer {node.name!r} reads {name!r}, which does not exist. "
                    f"{_known(by_name)}"
                )
        owner = by_name.get(node.shares or "")
        if node.shares and (owner is None or owner.shares or owner.layer != node.layer):
            raise InputError(
                f"{node.name!r} shares the layer of {node.shares!r}, which is not the first call "
                "of an equal layer."
            )
    return by_name


def _known(names: Iterable[str]) -> str:
    shown = sorted(names)
    more = f" and {len(shown) - 20} more" if len(shown) > 20 else ""
    return f"Known: {', '.join(shown[:20])}{more}."


def _ordered(nodes: tuple[Node, ...]) -> bool:
    seen: set[str] = set()
    for node in nodes:
        if any(name not in seen for name, _ in node.sources):
            return False
        seen.add(node.name)
    return True
