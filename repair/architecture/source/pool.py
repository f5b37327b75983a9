"""The graph while a program is read: nodes, and for each the place in the source it comes from."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from repair.architecture.errors import Diagnostic
from repair.architecture.graph import MOST_NODES, Node, source
from repair.architecture.layer import LayerSpec, Shape, snake_case
from repair.architecture.layers import Outputs, infer
from repair.architecture.rules import KERAS3
from repair.architecture.source.values import Written
from repair.errors import InputError


@dataclass(frozen=True)
class Site:
    """Where a node comes from.

    Args:
        written: how its layer is written.
        use: the expression whose value is the node's output; the entry of a Sequential; the
            statement `model.add(...)`; None for an input that is stated elsewhere.
        reads: the expressions of its inputs, where they stand alone.
        statement: the statement around it.
        time: when the program came by.
        elements: the list it is an entry of.
    """

    written: Written
    use: ast.expr | ast.stmt | None = None
    reads: tuple[ast.expr | None, ...] = ()
    statement: ast.stmt | None = None
    time: int = 0
    elements: tuple[ast.expr, ...] | None = None

    @property
    def line(self) -> int | None:
        """Where a person finds the layer."""
        place = self.written.call or self.use
        return place.lineno if place else None

    @property
    def target(self) -> ast.expr | None:
        """The x of `x += y`, where that statement makes the node."""
        match self.statement, self.use:
            case ast.AugAssign(target=target), ast.BinOp(left=left) if left is target:
                return target
        return None


@dataclass
class Pool:
    """All nodes of a program so far, and the names that variables gave them."""

    nodes: dict[str, Node] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    shapes: dict[str, tuple[Shape, ...]] = field(default_factory=dict)
    bound: list[tuple[int, ast.stmt, str, object]] = field(default_factory=list)
    time: int = 0

    def tick(self) -> int:
        """The next moment."""
        self.time += 1
        return self.time

    def fresh(self, stem: str) -> str:
        """A name that no node has, as Keras counts: dense, dense_1, dense_2."""
        stem = stem.replace(":", "_")[:150] or "layer"
        name, number = stem, 0
        while name in self.nodes:
            number += 1
            name = f"{stem}_{number}"
        return name

    def add(
        self,
        layer: LayerSpec,
        inputs: Iterable[str],
        site: Site,
        name: str | None = None,
        shares: str | None = None,
    ) -> str:
        """Adds one call of a layer; returns the node's name.

        Raises:
            InputError: over 10,000 nodes.
        """
        if len(self.nodes) >= MOST_NODES:
            raise InputError(f"the network has over {MOST_NODES} layers: expected at most that.")
        name = self.fresh(name or snake_case(layer.type))
        node = Node(name, layer, tuple(inputs), shares)
        self.nodes[name], self.sites[name] = node, site
        given = [self.shape(reference) for reference in node.inputs]
        if None not in given:
            found = infer(layer, tuple(given), KERAS3.below_error)  # type: ignore[arg-type]
            if isinstance(found, Outputs):
                self.shapes[name] = found.shapes
            elif not isinstance(found, Diagnostic):
                self.shapes[name] = (found,)
            elif found.plausible is not None:
                self.shapes[name] = (found.plausible,)
        return name

    def shape(self, reference: str) -> Shape | None:
        """The shape of a tensor, batch first, as far as it is known while reading."""
        name, index = source(reference)
        shapes = self.shapes.get(name, ())
        return shapes[index] if index < len(shapes) else None

    def below(self, outputs: Iterable[str]) -> list[Node]:
        """The nodes that some tensors depend on, in the order of the program."""
        wanted: set[str] = set()
        waiting = [source(reference)[0] for reference in outputs]
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                waiting += [read for read, _ in self.nodes[name].sources]
        # a layer whose first call is not part of the model is not shared within it
        return [
            node if node.shares is None or node.shares in wanted
            else Node(node.name, node.layer, node.inputs)
            for name, node in self.nodes.items() if name in wanted
        ]  # fmt: skip
