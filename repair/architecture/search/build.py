"""From the choices of a search to the repaired graph and the list of its edits."""

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
from repair.architecture.layer import LayerSpec, snake_case
from repair.architecture.search.choice_table import Choice
from repair.architecture.search.choices.adapters import NO_ADAPTERS


def repaired_graph(graph: Graph, choice: Choice) -> tuple[Graph, tuple[Edit, ...]]:
    """The graph after the choices for all its nodes, and what was edited.

    Args:
        graph: the network before.
        choice: for its outputs, as the search made it.
    """
    choices = _by_node(choice)
    taken = set(graph.by_name)
    nodes: list[Node] = []
    edits: list[Edit] = []
    bypassed: dict[str, str] = {}  # a layer that was taken out -> what it read
    for node in graph.nodes:
        chosen = choices.get(node.name)
        if chosen is None or _keeps(chosen, node):
            nodes.append(_reading(node, bypassed))
            continue
        inputs = []
        chains = chosen.chains or (NO_ADAPTERS,) * len(node.inputs)
        for reference, chain in zip(node.inputs, chains, strict=True):
            start = bypassed.get(reference, reference)
            for layer in chain.layers():
                name = _fresh_name(layer, taken)
                nodes.append(Node(name, layer, (start,)))
                edits.append(Insert(name, layer, start, node.name))
                start = name
            inputs.append(start)
        if chosen.layer is None:
            edits.append(Remove(node.name, node.layer))
            bypassed[node.name] = inputs[0]
            continue
        edits += edits_of_layer(node.name, node.layer, chosen.layer)
        nodes.append(replace(node, layer=chosen.layer, inputs=tuple(inputs)))
    outputs = tuple(bypassed.get(reference, reference) for reference in graph.outputs)
    return Graph.of(nodes, outputs), tuple(edits)


def _reading(node: Node, bypassed: Mapping[str, str]) -> Node:
    if not any(reference in bypassed for reference in node.inputs):
        return node
    return replace(node, inputs=tuple(bypassed.get(r, r) for r in node.inputs))


def _keeps(choice: Choice, node: Node) -> bool:
    """Whether a choice leaves a node as it is."""
    return choice.layer == node.layer and not any(chain.steps for chain in choice.chains)


def _by_node(choice: Choice) -> dict[str, Choice]:
    choices: dict[str, Choice] = {}
    stack = [choice]
    while stack:
        choice = stack.pop()
        if choice.node:
            choices[choice.node] = choice
        stack += choice.above
    return choices


def _fresh_name(layer: LayerSpec, taken: set[str]) -> str:
    stem = snake_case(layer.type)
    number, name = 1, stem
    while name in taken:
        number, name = number + 1, f"{stem}_{number}"
    taken.add(name)
    return name


def edits_of_layer(name: str, before: LayerSpec, after: LayerSpec) -> list[Edit]:
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
                edits += edits_of_layer(name, old, new) if same else [ChangeInner(name, old, new)]
    if before.weights != after.weights:
        edits.append(MakeWeights(name, before.weights, after.weights))
    return edits
