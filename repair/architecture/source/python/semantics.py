"""The protocol between the interpreter of Python and what gives the names of a framework a meaning.

A framework is a `Semantics`: a class that says what its names, operators, attributes and base
classes mean, in values of its own. What it may ask in return is an `Interpreter`.
"""

import ast
from abc import abstractmethod
from enum import Enum, auto
from typing import Protocol

from repair.architecture.source.python.scopes import Scope
from repair.architecture.source.python.values import BoundCall, Function, Unknown, Value
from repair.architecture.source.text import SourceText


class Interpreter(Protocol):
    """What the interpreter of a program does for those who give it semantics.

    Attributes:
        source: the program.
        scopes: the scopes whose names are seen, the nearest last.
        statement: the statement that is followed.
        lost: by identity, the lists and dictionaries of which it is not known what they hold.
    """

    source: SourceText
    scopes: list[Scope]
    statement: ast.stmt | None
    lost: dict[int, tuple[Value, Unknown]]

    @abstractmethod
    def value(self, node: ast.expr) -> Value:
        """What an expression stands for."""

    @abstractmethod
    def raw(self, node: ast.expr) -> Value:
        """What an expression stands for; `Items` where an iterator is made that is used at once."""

    @abstractmethod
    def attribute(self, owner: Value, node: ast.Attribute) -> tuple[Value] | None:
        """The value of owner.name in a tuple; None: not known."""

    @abstractmethod
    def truth(self, test: ast.expr) -> bool | None:
        """Whether a condition holds; None: only running the program would tell."""

    @abstractmethod
    def arguments(self, node: ast.Call) -> BoundCall:
        """The values of the arguments of a call."""

    @abstractmethod
    def unknown(self, node: ast.expr | ast.stmt) -> Unknown:
        """A piece of the program as a value that only running it would tell."""

    @abstractmethod
    def assign(self, target: ast.expr, value: Value) -> None:
        """Follows an assignment."""

    @abstractmethod
    def forget(self, *nodes: ast.AST) -> None:
        """Makes unknown what code that is not followed may change."""

    @abstractmethod
    def forget_function(self, function: Function, call: BoundCall, first: Value) -> None:
        """Makes unknown what the body of a function may change."""

    @abstractmethod
    def lose(self, container: Value, unknown: Unknown) -> None:
        """Makes unknown what a list or dictionary holds, whoever has it."""

    @abstractmethod
    def meaning(self, function: Value, call: BoundCall, node: ast.Call) -> Value:
        """The value of a call by the semantics alone; NotImplemented where none has the name."""

    @abstractmethod
    def enter(self, function: Function, call: BoundCall, first: Value) -> Value:
        """Follows a call of a function of the program; `first` is bound to `self` if not None."""


class WithoutAll(Enum):
    """What becomes of a call of which *arguments or **arguments are not known."""

    UNREAD = auto()
    """Its value is not known."""
    FOLLOWED = auto()
    """It means something without them: whoever gives it a meaning looks at `BoundCall.unknown`."""
    REFUSED = auto()
    """The program cannot be read: a part of the network would be missing or another one."""


class Semantics:
    """What the names of a framework mean; by default nothing.

    Attributes:
        packages: the names of its packages, by which a star import is told to be of it.
    """

    packages: frozenset[str] = frozenset()

    def call(
        self, interpreter: Interpreter, function: Value, call: BoundCall, node: ast.Call
    ) -> Value:
        """The value of a call; NotImplemented where what is called is not of this framework."""
        return NotImplemented

    def without_all(self, function: Value) -> WithoutAll:
        """What becomes of a call of a function when not all of its arguments are known."""
        return WithoutAll.UNREAD

    def operator(
        self,
        interpreter: Interpreter,
        kind: type[ast.operator],
        operands: tuple[Value, Value],
        node: ast.BinOp,
    ) -> Value:
        """The value of an operator; NotImplemented where the operands are not of this framework."""
        return NotImplemented

    def attribute(self, interpreter: Interpreter, owner: Value, node: ast.Attribute) -> Value:
        """The value of owner.name, which `node` reads; NotImplemented where it is not known here."""
        return NotImplemented

    def subscript(self, interpreter: Interpreter, owner: Value, node: ast.Subscript) -> Value:
        """The value of owner[index], which `node` reads; NotImplemented where it is not known here."""
        return NotImplemented

    def unpacked(self, value: Value, count: int | None) -> list[Value] | None:
        """The parts of a value that is unpacked into `count` targets (None: into any number).

        None where the value is not of this framework.
        """
        return None

    def variable_bound(self, interpreter: Interpreter, name: str, value: Value) -> None:
        """Tells that a variable of the program, outside comprehensions, is set to a value."""

    def provides(self, name: str) -> bool:
        """Whether `from package import *` brings this name."""
        return False

    def extends(self, base: Value) -> str | None:
        """The framework whose modules a class with this base belongs to; None: of none here."""
        return None
