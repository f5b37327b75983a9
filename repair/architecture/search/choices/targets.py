"""What the readers of a layer would take, and which layers stand behind the head."""

from collections.abc import Mapping

from repair.architecture.graph import Graph, source
from repair.architecture.layer import Layer, Shape
from repair.architecture.layers import entry_of
from repair.architecture.search.choices.lifts import lifts
from repair.architecture.search.choices.merges import ELEMENTWISE
from repair.architecture.trace import Trace

KEEPS_SHAPE = frozenset(
    "Activation ReLU LeakyReLU ELU PReLU ThresholdedReLU Softmax Dropout AlphaDropout "  # noqa: SIM905
    "GaussianDropout GaussianNoise BatchNormalization LayerNormalization GroupNormalization "
    "UnitNormalization Masking Identity Rescaling ActivityRegularization".split()
)


def wanted(graph: Graph, trace: Trace) -> Mapping[str, tuple[Shape, ...]]:
    """For each layer the output shapes with which its reader would be content.

    Those are the shapes of the other inputs of a merge, seen through layers that keep the shape.
    """
    found: dict[str, tuple[Shape, ...]] = {}
    for node in reversed(graph.nodes):
        shapes: dict[Shape, None] = {}
        for reader in graph.consumers[node.name]:
            after = graph[reader]
            if after.layer.type in (*ELEMENTWISE, "Concatenate", "Dot"):
                for name, _ in after.sources:
                    shape = trace.shapes.get(name)
                    if name != node.name and shape is not None and all(shape[1:]):
                        shapes[shape] = None
            elif after.layer.type in KEEPS_SHAPE:
                shapes |= dict.fromkeys(found.get(reader, ()))
            elif node.layer.type == "Reshape":
                shapes |= dict.fromkeys(_of_rank(trace.shapes[node.name], after.layer))
        found[node.name] = tuple(shape for shape in shapes if shape != trace.shapes[node.name])
    return found


def _of_rank(shape: Shape | None, reader: Layer) -> list[Shape]:
    """A shape with as many axes as its reader takes."""
    rank = entry_of(reader.type).rank
    if shape is None or rank is None or len(shape) == rank or None in shape[1:]:
        return []
    return [(shape[0], *sizes) for sizes in lifts(shape[1:], rank - 1)[:8]]  # type: ignore[arg-type]


def behind_head(graph: Graph) -> frozenset[str]:
    """Layers of one input between the last Dense layer and an output, which make up no new head."""
    found: set[str] = set()
    for reference in graph.outputs:
        path: list[str] = []
        node = graph[source(reference)[0]]
        while len(node.inputs) == 1 and not entry_of(node.layer.type).widths:
            path.append(node.name)
            node = graph[node.sources[0][0]]
        if node.layer.type == "Dense":
            found |= set(path)
    return frozenset(found)


def heads(graph: Graph, trace: Trace) -> Mapping[str, Shape]:
    """What the last Dense layer before an output yields, where no error stands above it."""
    below = {error.layer for error in trace.errors}
    for node in graph.nodes:
        if any(name in below for name, _ in node.sources):
            below.add(node.name)
    found, behind = {}, behind_head(graph)
    for node in graph.nodes:
        shape = trace.shapes[node.name]
        ends = set(graph.consumers[node.name]) <= behind
        if node.layer.type == "Dense" and ends and node.name not in below and shape is not None:
            found[node.name] = shape
    return found


def near_errors(graph: Graph, trace: Trace, steps: int) -> frozenset[str]:
    """Layers below an error, and those at most so many steps above one: where edits may help."""
    found = {error.layer for error in trace.errors}
    edge = {error.layer for error in trace.roots}
    for node in graph.nodes:
        if any(name in found for name, _ in node.sources):
            found.add(node.name)
    for _ in range(steps):
        if not edge:
            break
        edge = {name for reader in edge for name, _ in graph[reader].sources} - found
        found |= edge
    return frozenset(found)
