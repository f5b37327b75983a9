"""Which tensors of a network have an axis of time steps."""

from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import entry_of
from repair.architecture.layers.table import no_weights
from repair.architecture.meaning.axes import keeps_first_axis
from repair.architecture.trace import Trace


def walks_along_steps(layer: LayerSpec) -> bool:
    """Whether a layer takes the first axis after the batch for steps: recurrent ones and those over 1D."""
    entry = entry_of(layer.type)
    if "return_sequences" in entry.arguments or layer.type == "TimeDistributed":
        return True
    if layer.type == "Bidirectional":
        return True
    return entry.rank == 3 and bool(entry.variants)


def inputs_with_steps(graph: Graph, trace: Trace) -> frozenset[str]:
    """Inputs of (batch, steps, ...) that are read as sequences, at once or behind layers that keep the axis.

    Args:
        graph: the network as its author wrote it, valid or not.
        trace: its shapes.
    """
    found: set[str] = set()
    for node in graph.nodes:
        if not node.sources or not walks_along_steps(node.layer):
            continue
        name = node.sources[0][0]
        while graph[name].sources and _keeps(graph[name], trace):
            name = graph[name].sources[0][0]
        if not graph[name].sources and len(trace.shapes[name] or ()) >= 3:
            found.add(name)
    return frozenset(found)


def tensors_with_steps(graph: Graph, trace: Trace, inputs: frozenset[str]) -> frozenset[str]:
    """Nodes whose output is (batch, steps, ...).

    Args:
        graph: a network.
        trace: its shapes.
        inputs: those of its inputs that have steps.
    """
    found = set(inputs)
    for node in graph.nodes:
        shape = trace.shapes[node.name]
        if not node.sources or shape is None or len(shape) < 3:
            continue
        carried = any(name in found and _keeps(node, trace, name) for name, _ in node.sources)
        if carried or walks_along_steps(node.layer):
            found.add(node.name)
    return frozenset(found)


def made_by_layers(node: Node, graph: Graph, trace: Trace) -> bool:
    """Whether what a node reads was computed with weights or over axes, and is no input as it came."""
    above = graph[node.sources[0][0]]
    while above.sources and entry_of(above.layer.type).weights is no_weights:
        name = above.sources[0][0]
        if above.layer.inner or trace.shapes[name] != trace.shapes[above.name]:
            return True
        above = graph[name]
    return bool(above.sources)


def _keeps(node: Node, trace: Trace, source: str | None = None) -> bool:
    """Whether a node's first axis is that of one of its inputs, the first if none is named."""
    given: Shape | None = trace.shapes[source or node.sources[0][0]]
    output = trace.shapes[node.name]
    return given is not None and output is not None and keeps_first_axis(node.layer, given, output)
