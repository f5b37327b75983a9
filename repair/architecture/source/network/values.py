"""What networks add to the values of a program: tensors, layers and models."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from repair.architecture.layer import Dim, LayerSpec, Shape
from repair.architecture.source.python.values import Instance, ObjectValue, Value


@dataclass(frozen=True)
class Array(ObjectValue):
    """An array of which the shape is known, such as jnp.ones((1, 28, 28, 1))."""

    shape: tuple[Dim, ...]


@dataclass(frozen=True)
class Tensor(ObjectValue):
    """What a node of the graph returns: "name" or "name:index"."""

    reference: str


@dataclass(frozen=True)
class LayerOutputs(ObjectValue):
    """All outputs of a node that may have several; the first where one is wanted."""

    reference: str


@dataclass(frozen=True)
class DrawnLayer(ObjectValue):
    """A layer of a model, as the model gives it by its name.

    Args:
        node: the node of its only call.
    """

    has_methods: ClassVar[bool] = False
    node: str


AnyTensor = Tensor | LayerOutputs


@dataclass(frozen=True)
class BatchSize:
    """The batch size of a tensor, x.shape[0]."""


@dataclass(frozen=True)
class Parameter:
    """How one Keras argument is written in a call.

    Args:
        name: the name of the parameter there.
        position: the position of the argument there; None: it is given by name only.
        spell: from the Keras value to the one that stands there.
    """

    name: str
    position: int | None = None
    spell: Callable[[object], object] = lambda value: value


@dataclass(frozen=True)
class WrittenLayer:
    """A layer as a program writes it.

    Args:
        call: the expression whose arguments say what the layer is.
        parameters: by Keras argument, how it stands there.
        inner: the layers that it wraps.
        renames: whether another layer type is another name of what is called.
        features: the parameter that states the size of the input's last axis, if any.
    """

    call: ast.Call | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    inner: tuple["WrittenLayer", ...] = ()
    renames: bool = True
    features: Parameter | None = None


@dataclass(eq=False)
class LayerInstance(ObjectValue):
    """A layer object: constructed, perhaps not yet called.

    Args:
        layer: what it computes.
        name: its own name or what the framework would call it; None: not yet known.
        written: where and how it is written.
        input_shape: the shape of its input without the batch, where the layer itself states it.
        first_call: the node of its first call; None: it is not called yet.
        code: of a layer that is code, what tells the shape of its output for the tensors that it
            reads; None where it does not know.
    """

    has_methods: ClassVar[bool] = False
    layer: LayerSpec
    name: str | None
    written: WrittenLayer
    input_shape: tuple[Dim, ...] | None = None
    first_call: str | None = None
    code: Callable[[Sequence[str]], Shape | None] | None = None

    def bound_to(self, name: str) -> None:
        """Takes the name of the variable where the layer has none."""
        self.name = self.name or name

    def held_as(self, name: str) -> None:
        """Takes the name of the attribute where the layer has none."""
        self.name = self.name or name


@dataclass(eq=False)
class SequentialEntry:
    """One entry of a sequential model and the code that put it there.

    Args:
        value: the layer or model.
        written: an element of the list, or the statement `model.add(...)`.
        elements: all elements of that list.
    """

    value: Value
    written: ast.expr | ast.stmt
    elements: tuple[ast.expr, ...] | None = None


@dataclass(eq=False)
class Model(ObjectValue):
    """A model that is made of layers.

    Args:
        name: its own name; one that ends in "?" is not said by the program.
        line: the line where it is constructed.
        framework: the name of the framework that it is a model of.
        used: whether it is part of another model, or called on a tensor.
        variables: the variables that have held it.
    """

    name: str
    line: int
    framework: str
    used: bool = field(default=False, kw_only=True)
    variables: list[str] = field(default_factory=list, kw_only=True)

    @property
    def title(self) -> str:
        """The name by which a person knows the model."""
        return self.name.rstrip("?")

    def bound_to(self, name: str) -> None:
        """Takes the name of the variable where the program says no other."""
        self.variables.append(name)
        if "?" in self.name:
            self.name = name

    def becomes_part(self) -> None:
        """Notes that the model is part of another one."""
        self.used = True


@dataclass(eq=False)
class SequentialModel(Model):
    """A model of layers one after the other.

    Args:
        entries: its layers and models, in order.
        input_shape: the shape of its input without the batch, where the program states it.
    """

    mutators: ClassVar[Mapping[str, str]] = {
        "add": "layers are added",
        "pop": "layers are added",
    }
    entries: list[SequentialEntry]
    input_shape: tuple[Dim, ...] | None = None


@dataclass(eq=False)
class FunctionalModel(Model):
    """A functional model: the tensors that it takes and returns."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(eq=False)
class ModuleInstance(Instance, Model):
    """An object of a class of the program that is a module of a framework."""

    input_shapes: tuple[tuple[Dim, ...], ...] = ()
