"""A network that is read from a program."""

from dataclasses import dataclass

from repair.architecture.graph import Graph
from repair.architecture.source.network.builder import GraphBuilder, Site
from repair.architecture.source.network.values import ModuleInstance
from repair.architecture.source.text import SourceText


@dataclass(frozen=True)
class NetworkProgram:
    """A network and where it stands in a program.

    Args:
        source: the program.
        graph: the network.
        builder: all nodes of the program and the code that they come from.
        name: the name of the model's variable or class.
        framework: the name of its framework, a key of `FRAMEWORKS`.
        module: the object of a class that the network is; None: a model without a class.
        notes: what a person should know of how the program was read.
    """

    source: SourceText
    graph: Graph
    builder: GraphBuilder
    name: str
    framework: str
    module: ModuleInstance | None = None
    notes: tuple[str, ...] = ()

    def site(self, node: str) -> Site:
        """The code that a node comes from."""
        return self.builder.sites[node]
