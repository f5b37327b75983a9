"""What a search aims at and keeps: target shapes of each layer, the head, layers near an error."""

from collections.abc import Mapping

from repair.architecture.graph import Graph, source
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import entry_of
from repair.architecture.search.choices.merges import ELEMENTWISE
from repair.architecture.search.choices.other_ranks import shapes_of_rank
from repair.architecture.trace import Trace

KEEPS_SHAPE = frozenset(
    "Activation ReLU LeakyReLU ELU PReLU ThresholdedReLU Softmax Dropout AlphaDropout "  # noqa: SIM905
    "GaussianDropout GaussianNoise BatchNormalization LayerNormalization GroupNormalization "
    "UnitNormalization Masking Identity Rescaling ActivityRegularization".split()
)


def target_shapes(graph: Graph, trace: Trace) -> Mapping[str, tuple[Shape, ...]]:
    """For each layer the output shapes that its reader would take.

    Those are the shapes of the other inputs of a merge, seen through layers that keep the shape.
    """
    targets: dict[str, tuple[Shape, ...]] = {}
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
                shapes |= dict.fromkeys(targets.get(reader, ()))
            elif node.layer.type == "Reshape":
                shapes |= dict.fromkeys(_of_rank(trace.shapes[node.name], after.layer))
        targets[node.name] = tuple(shape for shape in shapes if shape != trace.shapes[node.name])
    return targets


def _of_rank(shape: Shape | None, reader: LayerSpec) -> list[Shape]:
    """A shape with as many axes as its reader takes."""
    rank = entry_of(reader.type).rank
    if shape is None or rank is None or len(shape) == rank or None in shape[1:]:
        return []
    return [(shape[0], *sizes) for sizes in shapes_of_rank(shape[1:], rank - 1)[:8]]  # type: ignore[arg-type]


def layers_behind_head(graph: Graph) -> frozenset[str]:
    """Layers of one input between the last Dense layer and an output, which make up no new head."""
    behind: set[str] = set()
    for reference in graph.outputs:
        path: list[str] = []
        node = graph[source(reference)[0]]
        while len(node.inputs) == 1 and not entry_of(node.layer.type).widths:
            path.append(node.name)
            node = graph[node.sources[0][0]]
        if node.layer.type == "Dense":
            behind |= set(path)
    return frozenset(behind)


def head_shapes(graph: Graph, trace: Trace) -> Mapping[str, Shape]:
    """What the last Dense layer before an output yields, where no error stands above it."""
    below = {error.layer for error in trace.errors}
    for node in graph.nodes:
        if any(name in below for name, _ in node.sources):
            below.add(node.name)
    shapes, behind_head = {}, layers_behind_head(graph)
    for node in graph.nodes:
        shape = trace.shapes[node.name]
        ends = set(graph.consumers[node.name]) <= behind_head
        if node.layer.type == "Dense" and ends and node.name not in below and shape is not None:
            shapes[node.name] = shape
    return shapes


def layers_near_errors(graph: Graph, trace: Trace, steps: int) -> frozenset[str]:
    """Layers below an error, and those at most so many steps above one: where edits may help."""
    near = {error.layer for error in trace.errors}
    edge = {error.layer for error in trace.roots}
    for node in graph.nodes:
        if any(name in near for name, _ in node.sources):
            near.add(node.name)
    for _ in range(steps):
        if not edge:
            break
        edge = {name for reader in edge for name, _ in graph[reader].sources} - near
        near |= edge
    return frozenset(near)
