"""What an expression of a program stands for, as far as it can be known without running it."""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from repair.architecture.source.python.scopes import Scope

Value = object
"""A plain constant, a tuple, list or dictionary of values, or one of the classes below."""


@dataclass(frozen=True)
class QualifiedName:
    """Something imported or built in, by its full name: "keras.layers.Dense"."""

    path: str

    @property
    def last(self) -> str:
        """The last part of the name."""
        return self.path.rpartition(".")[2]


class ObjectValue:
    """An object that a framework gives its meaning, such as a layer, a tensor or a model.

    Attributes:
        mutators: the methods that change the object, each with what it does in words; a program
            of which it is not known whether it calls one of them is refused.
        has_methods: whether an attribute that has no value of its own is taken to be a method.
    """

    mutators: ClassVar[Mapping[str, str]] = {}
    has_methods: ClassVar[bool] = True

    def bound_to(self, name: str) -> None:
        """Tells the object that a variable of this name holds it."""

    def held_as(self, name: str) -> None:
        """Tells the object that an attribute of this name of another object holds it."""

    def becomes_part(self) -> None:
        """Tells the object that another one holds it, alone or in a list."""


def mutators_of(value: Value) -> Mapping[str, str]:
    """The methods that change a value of a framework, each with what it does in words."""
    return value.mutators if isinstance(value, ObjectValue) else {}


@dataclass(frozen=True)
class Unknown:
    """A value that only running the program would tell.

    Args:
        line: the line that it comes from.
        text: how it is written there.
        was: the object that it may be, where that matters.
    """

    line: int
    text: str
    was: Value = field(default=None, compare=False, repr=False)


def first_unknown(value: Value) -> Unknown | None:
    """The first piece of the program behind a value, or an entry of it, that is not known."""
    if isinstance(value, list | tuple):
        return next((lost for item in value if (lost := first_unknown(item))), None)
    return value if isinstance(value, Unknown) else None


@dataclass(eq=False)
class Function:
    """A function that the program defines.

    Args:
        node: its definition.
        scopes: the scopes whose names it sees, the nearest last.
        defaults: the values of its parameters that have one, from when it was defined.
        kind: how an object reads it: "plain" as a method, "class" as one of the class, "static",
            "property", "accessor" (a property that is also set), or "other": decorated otherwise.
        of: the class that defines it; None: none does.
    """

    node: ast.FunctionDef
    scopes: Sequence[Scope]
    defaults: Mapping[str, Value]
    kind: str = "plain"
    of: "Class | None" = None


@dataclass(eq=False)
class Class:
    """A class that the program defines.

    Args:
        node: its definition.
        framework: the name of the framework whose modules or models it extends; None: of none.
        bases: the classes of the program that it inherits from, the nearest first.
        plain: whether Python's own rules alone say what its objects hold and do.
        attributes: what its own body sets: methods, constants, and what is not known.
    """

    node: ast.ClassDef
    framework: str | None
    bases: tuple["Class", ...] = ()
    plain: bool = True
    attributes: dict[str, Value] = field(default_factory=dict)

    @property
    def followed(self) -> bool:
        """Whether what its body says of it is all there is to say."""
        return self.plain or self.framework is not None

    @property
    def line(self) -> tuple["Class", ...]:
        """The class and those that it inherits from, in the order in which names are looked up."""
        return (self, *self.bases)

    def find(self, name: str, after: "Class | None" = None) -> tuple[Value] | None:
        """What a name of the class stands for, in a tuple; None: the program sets none.

        Args:
            name: the name.
            after: the class behind which the search begins, as `super` does; None: at the class.
        """
        line = self.line
        if after is not None:
            line = line[line.index(after) + 1 :] if after in line else ()
        found = (kind.attributes[name] for kind in line if name in kind.attributes)
        return next(((value,) for value in found), None)

    @property
    def functions(self) -> Mapping[str, Function]:
        """Its methods and those that it inherits, by name."""
        every: dict[str, Value] = {}
        for kind in reversed(self.line):
            every |= kind.attributes
        return {name: value for name, value in every.items() if isinstance(value, Function)}

    @property
    def methods(self) -> Mapping[str, ast.FunctionDef]:
        """The definitions of its methods."""
        return {name: function.node for name, function in self.functions.items()}


@dataclass(eq=False)
class Instance(ObjectValue):
    """An object of a class that the program defines.

    Attributes:
        attributes: what is set on the object itself.
        opaque: whether its attributes may be set in ways that are not followed.
    """

    of: Class
    attributes: dict[str, Value] = field(default_factory=dict, kw_only=True)
    opaque: bool = field(default=False, kw_only=True)

    @property
    def followed(self) -> bool:
        """Whether what its class says of it is all there is to say."""
        return self.of.followed


@dataclass(frozen=True)
class Super:
    """What `super()` is: the names of an object or class behind those of one of its classes."""

    after: Class
    owner: Value


@dataclass(frozen=True)
class BoundMethod:
    """A method of an object, about to be called.

    Args:
        owner: the object.
        name: the name of the method.
        function: the function of the program that it is; None: it is one of a framework.
        first: what the function is given before its arguments.
    """

    owner: Value
    name: str
    function: Function | None = field(default=None, compare=False)
    first: Value = field(default=None, compare=False)


class Range(list[Value]):
    """The numbers of a `range`, which is no list."""


@dataclass(frozen=True, eq=False)
class Items:
    """What a loop takes from an iterator, such as `zip(...)` or `.items()`, right where it is made.

    Args:
        source: the items, read as they are taken.
        parts: the containers that they are read from.
    """

    source: Iterable[Value]
    parts: tuple[Value, ...]


@dataclass(frozen=True)
class Partial:
    """A `functools.partial` of something, with the call that fixes the arguments."""

    function: Value
    call: ast.Call


@dataclass(frozen=True)
class BoundCall:
    """The arguments of a call: values beside the expressions that they come from.

    Args:
        positional: the arguments by position, in their order.
        named: the arguments by name.
        unknown: *arguments or **arguments that cannot be read, which may be any others; None:
            there are none.
    """

    positional: tuple[tuple[Value, ast.expr], ...] = ()
    named: Mapping[str, tuple[Value, ast.expr]] = field(default_factory=dict)
    unknown: Unknown | None = None

    @property
    def values(self) -> list[Value]:
        """The values of the arguments by position."""
        return [value for value, _ in self.positional]

    def get(self, name: str, position: int | None, default: Value = None) -> Value:
        """The value of an argument by name or position."""
        if name in self.named:
            return self.named[name][0]
        if position is not None and position < len(self.positional):
            return self.positional[position][0]
        return default

    def expression(self, name: str, position: int | None) -> ast.expr | None:
        """The expression of an argument by name or position."""
        if name in self.named:
            return self.named[name][1]
        if position is not None and position < len(self.positional):
            return self.positional[position][1]
        return None
