"""Walks a network and infers every shape, and every independent error on the way."""

from collections.abc import Mapping
from dataclasses import dataclass

from repair.architecture.errors import Diagnostic, ErrorKind, LayerError, shape_text
from repair.architecture.graph import Graph, Node
from repair.architecture.layer import Shape
from repair.architecture.layers import Inferred, Outputs, entry_of, infer, normal_arguments
from repair.architecture.rules import KERAS3, Rules

LONGEST_CHAIN = 50


@dataclass(frozen=True)
class Trace:
    """The shapes and errors of a network.

    Args:
        shapes: output shape of each node, batch first; below an error the most plausible one,
            None where there is no telling. Of a layer with several outputs, the first.
        errors: the errors in the order of the nodes.
        outputs: all output shapes of the nodes that have several.
    """

    shapes: Mapping[str, Shape | None]
    errors: tuple[LayerError, ...]
    outputs: Mapping[str, tuple[Shape, ...]]

    def shape_of(self, name: str, index: int) -> Shape | None:
        """The shape of one output of a node; None where there is none or it is not known."""
        if not index:
            return self.shapes[name]
        shapes = self.outputs.get(name, ())
        return shapes[index] if index < len(shapes) else None

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
        given = tuple(
            [
                shapes[name] if index == 0 else _further(several, name, index)
                for name, index in node.sources
            ]
        )
        below = bool(tainted) and any(name in tainted for name, _ in node.sources)
        inferred: Inferred | None
        if None in given:
            inferred = _of_unknown_input(node, given, below)
        else:
            inferred = infer(node.layer, given, rules.below_error if below else rules)  # type: ignore
            # A first call that is wrong made no weights to keep.
            keeps_weights = node.shares and all(error.layer != node.shares for error in errors)
            if keeps_weights and not isinstance(inferred, Diagnostic):
                inferred = _shared(graph, node, shapes) or inferred
        if below:
            tainted.add(node.name)
        if type(inferred) is Diagnostic:
            tainted.add(node.name)
            shapes[node.name] = inferred.plausible
            chain = _chain(graph, node, shapes)
            root = not below or isinstance(normal_arguments(node.layer), Diagnostic)
            errors.append(
                LayerError(node.name, node.layer.type, given, inferred, root=root, chain=chain)
            )
        elif type(inferred) is Outputs:
            shapes[node.name] = inferred.shapes[0]
            several[node.name] = inferred.shapes
        else:
            shapes[node.name] = inferred  # type: ignore[assignment]
    return Trace(shapes, tuple(errors), several)


def _further(several: Mapping[str, tuple[Shape, ...]], name: str, index: int) -> Shape | None:
    shapes = several.get(name, ())
    return shapes[index] if index < len(shapes) else None


def _of_unknown_input(
    node: Node, given: tuple[Shape | None, ...], below: bool
) -> Diagnostic | None:
    """What is wrong with a layer of which an input is not known; `below` says: for an error above."""
    arguments = normal_arguments(node.layer)
    if isinstance(arguments, Diagnostic):
        return arguments
    return None if below else _missing(node, given)


def _missing(node: Node, given: tuple[Shape | None, ...]) -> Diagnostic:
    reference = node.inputs[given.index(None)]
    return Diagnostic(
        ErrorKind.TYPE,
        f"reads {reference!r}, an output that its layer does not have",
        "an output that exists, or return_state=True",
    )


def _shared(graph: Graph, node: Node, shapes: Mapping[str, Shape | None]) -> Diagnostic | None:
    """The diagnostic of a second call whose input needs weights of other shapes than the first."""
    entry, arguments = entry_of(node.layer.type), normal_arguments(node.layer)
    owner = graph[node.shares or ""]
    calls = [tuple(shapes.get(name) for name, _ in call.sources) for call in (owner, node)]
    if isinstance(arguments, Diagnostic) or None in calls[0] or None in calls[1]:
        return None
    first, second = (entry.weights(arguments, call) for call in calls)  # type: ignore[arg-type]
    for name, shape in first.items():
        if len(shape) != len(second[name]) or any(
            a != b and None not in (a, b) for a, b in zip(shape, second[name], strict=True)
        ):
            return Diagnostic(
                ErrorKind.WEIGHT_SHAPE,
                f"calls the layer of {owner.name!r} again with {shape_text(calls[1][0])}, but its "
                f"weights were made for {shape_text(calls[0][0])}",
                f"an input like {shape_text(calls[0][0])}",
                shapes[owner.name],
            )
    return None


def _chain(
    graph: Graph, node: Node, shapes: Mapping[str, Shape | None]
) -> tuple[tuple[str, Shape | None], ...]:
    """The shapes along the first inputs, from the network's input to the layer's input."""
    links: list[tuple[str, Shape | None]] = []
    while node.sources and len(links) < LONGEST_CHAIN:
        node = graph[node.sources[0][0]]
        links.append((node.name, shapes.get(node.name)))
    return tuple(reversed(links))
