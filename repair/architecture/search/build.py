"""From choices to a repaired graph and the list of its edits."""

from collections.abc import Mapping
from dataclasses import replace

from repair.architecture.edits import (
    ABSENT,
    ChangeArgument,
    ChangeInner,
    ChangeType,
    Edit,
    Insert,
    MakeWeights,
    Remove,
)
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import Layer, snake_case
from repair.architecture.search.choice_table import Choice
from repair.architecture.search.choices.adapters import NOTHING


def build(graph: Graph, choice: Choice) -> tuple[Graph, tuple[Edit, ...]]:
    """The graph after the choices for all its nodes, and what was edited.

    Args:
        graph: the network before.
        choice: for its outputs, as the search made it.
    """
    chosen = _by_node(choice)
    taken = set(graph.by_name)
    nodes: list[Node] = []
    edits: list[Edit] = []
    moved: dict[str, str] = {}  # a layer that was taken out -> what it read
    for node in graph.nodes:
        made = chosen.get(node.name)
        if made is None or (made.layer == node.layer and not any(c.steps for c in made.chains)):
            nodes.append(_reading(node, moved))
            continue
        inputs = []
        chains = made.chains or (NOTHING,) * len(node.inputs)
        for reference, chain in zip(node.inputs, chains, strict=True):
            at = moved.get(reference, reference)
            for layer in chain.layers():
                name = _fresh(layer, taken)
                nodes.append(Node(name, layer, (at,)))
                edits.append(Insert(name, layer, at, node.name))
                at = name
            inputs.append(at)
        if made.layer is None:
            edits.append(Remove(node.name, node.layer))
            moved[node.name] = inputs[0]
            continue
        edits += compare(node.name, node.layer, made.layer)
        nodes.append(replace(node, layer=made.layer, inputs=tuple(inputs)))
    outputs = tuple(moved.get(reference, reference) for reference in graph.outputs)
    return Graph.of(nodes, outputs), tuple(edits)


def _reading(node: Node, moved: Mapping[str, str]) -> Node:
    if not any(reference in moved for reference in node.inputs):
        return node
    return replace(node, inputs=tuple(moved.get(r, r) for r in node.inputs))


def _by_node(choice: Choice) -> dict[str, Choice]:
    found: dict[str, Choice] = {}
    stack = [choice]
    while stack:
        at = stack.pop()
        if at.node:
            found[at.node] = at
        stack += at.above
    return found


def _fresh(layer: Layer, taken: set[str]) -> str:
    stem = snake_case(layer.type)
    number, name = 1, stem
    while name in taken:
        number, name = number + 1, f"{stem}_{number}"
    taken.add(name)
    return name


def compare(name: str, before: Layer, after: Layer) -> list[Edit]:
    """What was edited in one layer."""
    edits: list[Edit] = []
    if before.type != after.type:
        edits.append(ChangeType(name, before, after))
    else:
        written = dict.fromkeys([*before.arguments, *after.arguments])
        for argument in written:
            was, now = (layer.arguments.get(argument, ABSENT) for layer in (before, after))
            if repr(was) != repr(now):
                edits.append(ChangeArgument(name, argument, was, now))
        for old, new in zip(before.inner, after.inner, strict=True):
            same = (old.type, old.arguments) == (new.type, new.arguments)
            if old != new:
                edits += compare(name, old, new) if same else [ChangeInner(name, old, new)]
    if before.weights != after.weights:
        edits.append(MakeWeights(name, before.weights, after.weights))
    return edits
