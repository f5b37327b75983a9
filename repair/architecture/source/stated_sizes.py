"""Repair where layers state the size of their input, as in Flax NNX: that size is part of the text.

A size that is stated says what was meant: nnx.Linear(13 * 13 * 32, ...) on (batch, 13, 13, 32)
lacks a Flatten, and is not a layer for 32 channels. And another number in its place is an edit of
the definition like any other, which it is not where frameworks make weights themselves.
"""

from dataclasses import dataclass
from math import prod

from repair.architecture import cost
from repair.architecture.edits import Edit, Insert, MakeWeights, count
from repair.architecture.errors import ErrorKind
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import LayerSpec
from repair.architecture.rules import Rules
from repair.architecture.search import ArchitectureRepair, SearchResult, SearchStatus, repair
from repair.architecture.search.result import without_supersets
from repair.architecture.trace import trace


@dataclass(frozen=True)
class StatedRepair(ArchitectureRepair):
    """A repair in which other stated sizes count as edits."""

    @property
    def count(self) -> int:
        """Number of edits of the program."""
        return count(self.edits) + sum(isinstance(edit, MakeWeights) for edit in self.edits)


def repair_stated(
    graph: Graph, rules: Rules, *, alternatives: int = 3, time_limit: float = 10.0
) -> SearchResult:
    """As `search.repair`, for networks whose layers state the sizes of their inputs."""
    plain = repair(graph, rules, alternatives=alternatives, time_limit=time_limit)
    if plain.status is SearchStatus.VALID:
        return plain
    candidates = [(True, _stated(r)) for r in plain.repairs]  # whether without a Flatten first
    flat, inserted = flattened(graph, rules)
    seconds = plain.seconds
    if inserted:
        more = repair(flat, rules, alternatives=alternatives, time_limit=time_limit)
        seconds += more.seconds
        flatten_cost = len(inserted) * (cost.EDIT + cost.FLATTEN)
        candidates += [(False, _stated(r, inserted, flatten_cost)) for r in more.repairs]
    if not candidates:
        return plain
    candidates.sort(key=lambda pair: (pair[1].not_kept, pair[1].count, pair[0], pair[1].rank))
    ranked = without_supersets(r for _, r in candidates)[:alternatives]
    bound = max(plain.bound, 1)  # it is not valid as it stands
    proven = ranked[0].count <= bound and not ranked[0].not_kept
    return SearchResult(SearchStatus.REPAIRED, ranked, bound, proven, seconds)


def _stated(
    plain: ArchitectureRepair, inserted: tuple[Edit, ...] = (), inserted_cost: int = 0
) -> StatedRepair:
    edits = (*inserted, *plain.edits)
    cost = plain.cost + inserted_cost
    return StatedRepair(plain.graph, edits, cost, plain.size, plain.change, plain.disorder)


def flattened(graph: Graph, rules: Rules) -> tuple[Graph, tuple[Edit, ...]]:
    """The network with a Flatten before each Dense that is made for all values of its input."""
    nodes = {node.name: node for node in graph.nodes}
    edits: list[Edit] = []
    for error in trace(graph, rules).errors:
        node = nodes[error.layer]
        kernel = node.layer.weights.get("kernel", ())
        shape = error.given[0] if error.given else None
        if error.kind is not ErrorKind.WEIGHT_SHAPE or node.layer.type != "Dense" or not shape:
            continue
        sizes = [size for size in shape[1:] if size is not None]
        if len(sizes) < 2 or len(sizes) < len(shape) - 1 or prod(sizes) != kernel[0]:
            continue
        name = Graph(tuple(nodes.values()), graph.outputs).fresh("flatten")
        layer = LayerSpec("Flatten")
        edits.append(Insert(name, layer, node.inputs[0], node.name))
        nodes[name] = Node(name, layer, node.inputs)
        nodes[node.name] = Node(node.name, node.layer, (name,), node.shares)
    return (Graph.of(nodes.values(), graph.outputs) if edits else graph), tuple(edits)
