"""What an expression of a program stands for, as far as it can be known without running it."""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from repair.architecture.layer import Dim, LayerSpec

if TYPE_CHECKING:
    from repair.architecture.source.scopes import Scope

Value = object
"""A plain constant, a tuple, list or dictionary of values, or one of the classes below."""


@dataclass(frozen=True)
class Dotted:
    """Something imported or built in, by its full name: "keras.layers.Dense"."""

    path: str

    @property
    def last(self) -> str:
        """The last part of the name."""
        return self.path.rpartition(".")[2]


@dataclass(frozen=True)
class Unread:
    """A value that only running the program would tell.

    Args:
        line: where it comes from.
        text: how it is written there.
        was: a model that it may be.
    """

    line: int
    text: str
    was: Value = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Array:
    """An array of which the shape is known, such as jnp.ones((1, 28, 28, 1))."""

    shape: tuple[Dim, ...]


@dataclass(frozen=True)
class Tensor:
    """What a node of the graph returns: "name" or "name:index"."""

    reference: str


@dataclass(frozen=True)
class Tensors:
    """All outputs of a node that may have several; the first where one is wanted."""

    reference: str


@dataclass(frozen=True)
class Batch:
    """The batch size of a tensor, x.shape[0]."""


@dataclass(frozen=True)
class Parameter:
    """How one Keras argument is written in a call.

    Args:
        name: of the parameter there.
        position: of the positional argument; None: by name only.
        spell: from the Keras value to the one that stands there.
    """

    name: str
    position: int | None = None
    spell: Callable[[object], object] = lambda value: value


@dataclass(frozen=True)
class Written:
    """A layer as a program writes it.

    Args:
        call: the expression whose arguments say what the layer is.
        parameters: by Keras argument, how it stands there.
        inner: the layers that it wraps.
        renames: whether another layer type is another name of what is called.
        features: the parameter that states the size of the input's last axis, if any.
    """

    call: ast.Call | None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    inner: tuple["Written", ...] = ()
    renames: bool = True
    features: Parameter | None = None


@dataclass(eq=False)
class Made:
    """A layer object: constructed, perhaps not yet called.

    Args:
        layer: what it computes.
        name: its own name or what the framework would call it; None: not yet known.
        written: where and how it is written.
        input_shape: without the batch, where the layer itself says it.
        first: the node of its first call.
    """

    layer: LayerSpec
    name: str | None
    written: Written
    input_shape: tuple[Dim, ...] | None = None
    first: str | None = None


@dataclass(eq=False)
class Item:
    """One entry of a Sequential and the code that put it there: a list element or `.add(...)`."""

    value: Value
    place: ast.expr | ast.stmt
    elements: tuple[ast.expr, ...] | None = None


@dataclass(eq=False)
class Stack:
    """A Sequential model."""

    name: str
    items: list[Item]
    line: int
    literal: ast.List | ast.Tuple | ast.Call | None = None
    input_shape: tuple[Dim, ...] | None = None
    used: bool = False
    calls: int = 0
    first: tuple[str, ...] = ()


@dataclass(eq=False)
class Functional:
    """A functional model: the tensors it takes and returns."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    line: int
    used: bool = False
    nodes: Mapping[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class Function:
    """A function that the program defines.

    Args:
        node: its definition.
        scopes: where the names are that it sees, the nearest last.
        defaults: the values of its parameters that have one, from when it was defined.
    """

    node: ast.FunctionDef
    scopes: Sequence["Scope"]
    defaults: Mapping[str, Value]


@dataclass(eq=False)
class Class:
    """A class that the program defines; `kind` is "nnx" or "keras" for modules, else None."""

    node: ast.ClassDef
    kind: str | None
    functions: Mapping[str, Function]

    @property
    def methods(self) -> Mapping[str, ast.FunctionDef]:
        """The definitions of its methods."""
        return {name: function.node for name, function in self.functions.items()}


@dataclass(eq=False)
class Instance:
    """An object of such a class."""

    of: Class
    name: str
    line: int
    attributes: dict[str, Value] = field(default_factory=dict)
    input_shapes: tuple[tuple[Dim, ...], ...] = ()
    used: bool = False


@dataclass(frozen=True)
class Method:
    """A method that is about to be called: of a tensor, a model or an object."""

    owner: Value
    name: str


@dataclass(frozen=True)
class Partial:
    """functools.partial of something, with the call that fixes the arguments."""

    function: Value
    call: ast.Call


@dataclass(frozen=True)
class Given:
    """The arguments of a call: values beside the expressions that they come from.

    Args:
        positional: in their order.
        named: by name.
        open: the text of *arguments or **arguments that cannot be read: there may be any others.
    """

    positional: tuple[tuple[Value, ast.expr], ...]
    named: Mapping[str, tuple[Value, ast.expr]]
    open: str | None = None

    def get(self, name: str, position: int | None, default: Value = None) -> Value:
        """The value of an argument by name or position."""
        if name in self.named:
            return self.named[name][0]
        if position is not None and position < len(self.positional):
            return self.positional[position][0]
        return default

    def written(self, name: str, position: int | None) -> ast.expr | None:
        """The expression of an argument."""
        if name in self.named:
            return self.named[name][1]
        if position is not None and position < len(self.positional):
            return self.positional[position][1]
        return None
