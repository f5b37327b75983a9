"""A network to repair, and what repairs of it are measured against."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from repair.architecture.edits import Edit
from repair.architecture.graph import Graph
from repair.architecture.meaning.kinds import Kind
from repair.architecture.meaning.rearrangements import rearrangements
from repair.architecture.rules import Rules
from repair.architecture.search.result import ArchitectureRepair
from repair.architecture.size import Size, layer_sizes, size_change, total_size
from repair.architecture.trace import Trace, trace


@dataclass(frozen=True)
class BrokenNetwork:
    """A network that is not valid.

    Args:
        graph: the network.
        rules: the rule set under which it shall be valid.
        trace: the shapes and errors of the network under the rules.
    """

    graph: Graph
    rules: Rules
    trace: Trace

    @classmethod
    def of(cls, graph: Graph, rules: Rules) -> "BrokenNetwork":
        """The network with its trace."""
        return cls(graph, rules, trace(graph, rules))

    @cached_property
    def _layer_sizes(self) -> Mapping[str, Size]:
        return layer_sizes(self.graph, self.trace, self.rules)

    def measured(
        self, graph: Graph, edits: tuple[Edit, ...], cost: int
    ) -> ArchitectureRepair | None:
        """The repair that makes a graph of the network; None where the graph is not valid.

        Args:
            graph: the network after the edits.
            edits: what was changed.
            cost: the packed cost, see `repair.architecture.cost`.
        """
        after = trace(graph, self.rules)
        if not after.valid:
            return None
        sizes = layer_sizes(graph, after, self.rules)
        change = size_change(self._layer_sizes, sizes)
        kinds = [one.kind for one in rearrangements(self.graph, self.trace, graph, after, edits)]
        disorder = (kinds.count(Kind.MIXES_TIME_STEPS), kinds.count(Kind.GLUES_AXES))
        return ArchitectureRepair(graph, edits, cost, total_size(sizes.values()), change, disorder)
