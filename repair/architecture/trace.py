"""Walks a network and infers every shape, and every independent error on the way."""

from collections.abc import Mapping
from dataclasses import dataclass

from repair.architecture.errors import Fault, LayerError
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import Shape
from repair.architecture.layers import Outputs, infer
from repair.architecture.rules import KERAS3, Rules

LONGEST_CHAIN = 50


@dataclass(frozen=True)
class Trace:
    """What a walk through a network found.

    Args:
        shapes: output shape of each node, batch first; below an error the most plausible one,
            None where there is no telling. Of a layer with several outputs, the first.
        errors: in the order of the nodes.
        outputs: all output shapes of the nodes that have several.
    """

    shapes: Mapping[str, Shape | None]
    errors: tuple[LayerError, ...]
    outputs: Mapping[str, tuple[Shape, ...]]

    @property
    def valid(self) -> bool:
        """No error at all."""
        return not self.errors

    @property
    def roots(self) -> tuple[LayerError, ...]:
        """Errors that no other error causes: a lower bound on what a repair must touch."""
        return tuple(error for error in self.errors if error.root)


def trace(graph: Graph, rules: Rules = KERAS3) -> Trace:
    """Shapes and errors of a network.

    Below a broken layer the walk goes on with the shape that was most likely meant, so that errors
    elsewhere are found too; what may only follow from an earlier error has `root` False.

    Args:
        graph: the network.
        rules: the rule set.

    Raises:
        InputError: a layer type that is not in the table.
    """
    shapes: dict[str, Shape | None] = {}
    several: dict[str, tuple[Shape, ...]] = {}
    tainted: set[str] = set()
    errors: list[LayerError] = []
    for node in graph.nodes:
        sources = node.sources
        given = tuple(
            [shapes[name] if not index else _further(several, name, index) for name, index in sources]
        )
        below = bool(tainted) and any(name in tainted for name, _ in sources)
        if below:
            tainted.add(node.name)
            if None in given:
                shapes[node.name] = None
                continue
        found = infer(node.layer, given, rules.below_error if below else rules)
        if type(found) is Fault:
            tainted.add(node.name)
            shapes[node.name] = found.plausible
            errors.append(_error(graph, node, found, given, not below, shapes))
        elif type(found) is Outputs:
            shapes[node.name] = found.shapes[0]
            several[node.name] = found.shapes
        else:
            shapes[node.name] = found
    return Trace(shapes, tuple(errors), several)
