"""The graph while a program is read: its nodes, and for each the code that it comes from."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from repair.architecture.errors import Diagnostic
from repair.architecture.graph import MOST_NODES, Node, source
from repair.architecture.layer import Dim, LayerSpec, Shape, snake_case
from repair.architecture.layers import Outputs, infer
from repair.architecture.rules import KERAS3
from repair.architecture.source.network.values import (
    AnyTensor,
    LayerInstance,
    LayerOutputs,
    Model,
    Tensor,
    WrittenLayer,
)
from repair.errors import InputError


@dataclass(frozen=True)
class Site:
    """The code that a node comes from.

    Args:
        written: how its layer is written.
        use: the expression whose value is the node's output; the entry of a sequential model; the
            statement `model.add(...)`; None for an input that is stated elsewhere.
        reads: the expressions of its inputs, where they stand alone.
        statement: the statement around it.
        time: the moment at which the program came by.
        elements: all elements of the list that it is an entry of.
    """

    written: WrittenLayer = field(default_factory=WrittenLayer)
    use: ast.expr | ast.stmt | None = None
    reads: tuple[ast.expr | None, ...] = ()
    statement: ast.stmt | None = None
    time: int = 0
    elements: tuple[ast.expr, ...] | None = None

    @property
    def line(self) -> int | None:
        """The line where a person finds the layer."""
        code = self.written.call or self.use
        return code.lineno if code else None

    @property
    def target(self) -> ast.expr | None:
        """The x of `x += y`, where that statement makes the node."""
        match self.statement, self.use:
            case ast.AugAssign(target=target), ast.BinOp(left=left) if left is target:
                return target
        return None


@dataclass(frozen=True)
class VariableBinding:
    """A moment at which the program set a variable to a tensor."""

    time: int
    name: str
    tensor: Tensor | LayerOutputs


@dataclass
class GraphBuilder:
    """All nodes of a program so far, and what it makes of them.

    Args:
        input_shapes: the shapes of inputs, without the batch, that the user gives.
        overriding: by the name of an input, the shape that the user gives in place of the stated.

    Attributes:
        nodes: the nodes by name, in the order of the program.
        sites: for each node the code that it comes from.
        shapes: the shapes of the outputs of each node, batch first, as far as they are known.
        bindings: the variables that held tensors, in the order of the program.
        models: the models that the program constructs.
        code: the nodes that are code, each with its layer object.
        first_calls: the layer objects that are called, in the order of their first calls.
        notes: what a person should know of how the program was read.
        time: the number of moments so far.
    """

    input_shapes: tuple[tuple[Dim, ...], ...] = ()
    overriding: Mapping[str, tuple[Dim, ...]] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    sites: dict[str, Site] = field(default_factory=dict)
    shapes: dict[str, tuple[Shape, ...]] = field(default_factory=dict)
    bindings: list[VariableBinding] = field(default_factory=list)
    models: list[Model] = field(default_factory=list)
    code: dict[str, LayerInstance] = field(default_factory=dict)
    first_calls: list[LayerInstance] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    time: int = 0

    def tick(self) -> int:
        """The next moment."""
        self.time += 1
        return self.time

    def bound(self, name: str, value: object) -> None:
        """Notes that a variable is set to a value, where that is a tensor."""
        if isinstance(value, AnyTensor):
            self.bindings.append(VariableBinding(self.tick(), name, value))

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

        Args:
            layer: what the node computes.
            inputs: the tensors that it reads.
            site: the code that it comes from.
            name: the name that it should have; None: that of its type.
            shares: the node of the first call of the same layer object, if this is another.

        Raises:
            InputError: over 10,000 nodes, or what code gives of which the shape is not known.
        """
        inputs = tuple(inputs)
        self._refuse_free_shapes(inputs)
        if len(self.nodes) >= MOST_NODES:
            raise InputError(f"the network has over {MOST_NODES} layers: expected at most that.")
        name = self.fresh(name or snake_case(layer.type))
        if layer.type == "Input" and not inputs and name in self.overriding:
            layer = self._overridden(name, layer, site)
        node = Node(name, layer, inputs, shares)
        self.nodes[name], self.sites[name] = node, site
        shapes = [self.shape(reference) for reference in node.inputs]
        if None not in shapes:
            inferred = infer(layer, tuple(shapes), KERAS3.below_error)  # type: ignore[arg-type]
            if isinstance(inferred, Outputs):
                self.shapes[name] = inferred.shapes
            elif not isinstance(inferred, Diagnostic):
                self.shapes[name] = (inferred,)
            elif inferred.plausible is not None:
                self.shapes[name] = (inferred.plausible,)
        return name

    def _overridden(self, name: str, layer: LayerSpec, site: Site) -> LayerSpec:
        """An input of the shape that the user gives, which the answer says."""
        line = f"line {site.line}: " if site.line else ""
        stated, given = layer.arguments["shape"], self.overriding[name]
        self.notes.append(
            f"{line}the program states the shape {stated} for {name!r}; --input-shape overrides it "
            f"with {given}."
        )
        return layer.change(shape=given)

    def add_input(self, shape: object, name: str | None = None) -> str:
        """Adds an input that the program does not write; returns the node's name."""
        return self.add(LayerSpec("Input", {"shape": shape}), (), Site(), name)  # type: ignore

    def apply(self, instance: LayerInstance, inputs: Iterable[str], site: Site) -> str:
        """Adds one call of a layer object, whose weights all its calls share; returns the name."""
        inputs = tuple(inputs)
        layer = self.layer_of(instance, inputs)
        name = self.add(layer, inputs, site, instance.name, instance.first_call)
        if instance.code is not None:
            self.code[name] = instance
        if instance.first_call is None:
            instance.first_call = name
            self.first_calls.append(instance)
        return name

    def layer_of(self, instance: LayerInstance, inputs: tuple[str, ...]) -> LayerSpec:
        """What a layer object computes; of code, with the output shape that it has for its inputs."""
        if instance.code is None:
            return instance.layer
        self._refuse_free_shapes(inputs)
        shape = instance.code(inputs)
        return instance.layer if shape is None else instance.layer.change(output_shape=shape[1:])

    def has_free_shape(self, reference: str) -> bool:
        """Whether a tensor is what code gives that is not understood: of any shape."""
        name, _ = source(reference)
        return name in self.code and self.nodes[name].layer.arguments.get("output_shape") is None

    def _refuse_free_shapes(self, inputs: Iterable[str]) -> None:
        for reference in filter(self.has_free_shape, inputs):
            name, _ = source(reference)
            layer, line = self.nodes[name].layer, self.sites[name].line
            raise InputError(
                f"line {line}: the shape of what {layer.type} {name!r} gives "
                f"({layer.arguments.get('function')}) cannot be read without running the program, "
                "and other layers depend on it: declare it, such as output_shape=(28, 28, 1)."
            )

    @contextmanager
    def draft(self) -> Iterator[None]:
        """Nodes that are drawn within leave nothing behind."""
        kept = self.nodes, self.sites, self.shapes, self.code
        self.nodes, self.sites, self.shapes, self.code = (dict(part) for part in kept)  # type: ignore
        counts = len(self.bindings), len(self.models), len(self.notes), len(self.first_calls)
        try:
            yield
        finally:
            self.nodes, self.sites, self.shapes, self.code = kept
            for instance in self.first_calls[counts[3] :]:
                instance.first_call = None
            for items, count in zip(
                (self.bindings, self.models, self.notes, self.first_calls), counts, strict=True
            ):
                del items[count:]  # type: ignore[attr-defined]

    def shape(self, reference: str) -> Shape | None:
        """The shape of a tensor, batch first, as far as it is known while reading."""
        name, index = source(reference)
        shapes = self.shapes.get(name, ())
        return shapes[index] if index < len(shapes) else None

    def nodes_of(self, outputs: Iterable[str]) -> list[Node]:
        """The nodes that some tensors depend on, in the order of the program."""
        needed: set[str] = set()
        waiting = [source(reference)[0] for reference in outputs]
        while waiting:
            name = waiting.pop()
            if name not in needed:
                needed.add(name)
                waiting += [read for read, _ in self.nodes[name].sources]
        # a layer whose first call is not part of the model is not shared within it
        return [
            replace(node, shares=node.shares if node.shares in needed else None)
            for name, node in self.nodes.items()
            if name in needed
        ]
