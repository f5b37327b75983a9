"""What the expressions of a program stand for: constants, and objects of frameworks, through names."""

import ast
from abc import abstractmethod
from collections.abc import Mapping, Sequence

from repair.architecture.source.python.builtins.semantics import BUILTINS
from repair.architecture.source.python.displays import (
    boolean,
    comparison,
    comprehension,
    dictionary,
    entries,
    folded,
    joined,
    mapping,
)
from repair.architecture.source.python.folding import PLAIN, binary, truth_of, unary
from repair.architecture.source.python.formatting import percent
from repair.architecture.source.python.members import member
from repair.architecture.source.python.scopes import Scope
from repair.architecture.source.python.semantics import Interpreter, Semantics
from repair.architecture.source.python.values import (
    BoundMethod,
    Class,
    Function,
    Instance,
    Items,
    ObjectValue,
    QualifiedName,
    Range,
    Super,
    Unknown,
    Value,
    mutators_of,
)
from repair.architecture.source.text import SourceText
from repair.errors import InputError

MOST_STEPS = 200_000
MOST_SHOWN = 60
"""Most characters of the program that a message shows."""


STARRING = ("numpy", "ops", "backend", "tensorflow", "pylab", "torch", "functional")
STARRED = ("abs", "all", "any", "max", "min", "range", "round", "sum", "sorted", "print")
"""Builtin names that these modules bring with a star, with another meaning."""


class Evaluator(Interpreter):
    """Values of names and expressions; `StaticInterpreter` follows the statements.

    Args:
        source: the program.
        semantics: what the names of the frameworks mean, asked in order.
        defined: constants that the user gives for names that the program computes.
    """

    def __init__(
        self, source: SourceText, semantics: Sequence[Semantics], defined: Mapping[str, Value]
    ) -> None:
        self.source, self.semantics, self.defined = source, tuple(semantics), defined
        self.globals = Scope()
        self.scopes: list[Scope] = [self.globals]
        self.statement: ast.stmt | None = None
        self.classes: list[Class] = []
        self.depth = 0
        self.steps = 0
        self.lost: dict[int, tuple[Value, Unknown]] = {}

    def bind(self, name: str, value: Value, *, inner: bool = True) -> None:
        """Gives a name a value; one that the user defined keeps the user's.

        Args:
            name: the name.
            value: what it stands for.
            inner: also in the scope of a comprehension; else in that of the function around it.
        """
        scope = next(scope for scope in reversed(self.scopes) if inner or not scope.inner)
        scope.set(name, self.defined.get(name, value))
        if self.statement and not scope.inner:
            for semantics in self.semantics:
                semantics.variable_bound(self, name, value)

    def lookup(self, name: str, line: int) -> Value:
        """The value of a name."""
        if name in self.defined:
            return self.defined[name]
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        if name in BUILTINS and not self._shadowed(name):
            return QualifiedName(f"builtins.{name}")
        module = self._star_module()
        if module and any(semantics.provides(name) for semantics in self.semantics):
            return QualifiedName(f"{module}.{name}")
        return Unknown(line, name)

    def _shadowed(self, name: str) -> bool:
        """Whether `from module import *` may bring its own function of a builtin name."""
        starred = (key[2:].rpartition(".")[2] for key in self.globals if key.startswith("* "))
        return name in STARRED and any(module in STARRING for module in starred)

    def _star_module(self) -> str | None:
        """The last module of which all names are imported, if possible one of a framework."""
        starred = [key[2:] for key in self.globals if key.startswith("* ")]
        packages = frozenset().union(*(semantics.packages for semantics in self.semantics))
        known = [module for module in starred if not packages.isdisjoint(module.split("."))]
        return next(reversed(known or starred), None)

    def count(self) -> None:
        """Counts one more step; ends programs that unroll without end.

        Raises:
            InputError: over 200,000 steps.
        """
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise InputError(
                f"the program takes over {MOST_STEPS} steps to follow: give the part that defines "
                "the network."
            )

    def unknown(self, node: ast.expr | ast.stmt) -> Unknown:
        """A piece of the program as a value that only running it would tell."""
        return Unknown(node.lineno, self.source.text_of(node)[:MOST_SHOWN])

    def value(self, node: ast.expr) -> Value:
        """What an expression stands for."""
        found = self.raw(node)
        return self.unknown(node) if isinstance(found, Items) else found

    def raw(self, node: ast.expr) -> Value:
        """What an expression stands for; `Items` where an iterator is made that is used at once."""
        self.count()
        known = self._value(node)
        if known is None:
            return self.unknown(node)
        return self.lost[id(known[0])][1] if id(known[0]) in self.lost else known[0]

    def _value(self, node: ast.expr) -> tuple[Value] | None:
        """The value in a tuple; None: not known."""
        match node:
            case ast.Constant(value=constant):
                return (constant,) if isinstance(constant, PLAIN) else None
            case ast.Name(id=name):
                return (self.lookup(name, node.lineno),)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                inside = entries(self, elements)
                if inside is None:
                    return None
                return (tuple(inside[0]) if isinstance(node, ast.Tuple) else inside[0],)
            case ast.Dict(keys=keys, values=values):
                return dictionary(self, keys, values)
            case ast.Attribute(value=owner):
                return self.attribute(self.value(owner), node)
            case ast.Subscript(value=owner):
                return self.subscript(self.value(owner), node)
            case ast.Call():
                return (self.call(node),)
            case ast.BinOp(left=left, right=right):
                return self.operator(node, self.value(left), self.value(right))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                truth = self.truth(operand)
                return None if truth is None else (not truth,)
            case ast.UnaryOp(op=op, operand=operand):
                return folded(unary, type(op), self.value(operand))
            case ast.Compare(left=left, ops=ops, comparators=rights):
                return comparison(self, left, ops, rights)
            case ast.BoolOp(op=op, values=operands):
                return boolean(self, isinstance(op, ast.Or), operands)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                truth = self.truth(test)
                if truth is None:
                    self.forget(body, orelse)
                    return None
                return (self.value(body if truth else orelse),)
            case ast.NamedExpr(target=ast.Name(id=name), value=inner):
                value = self.value(inner)
                self.bind(name, value, inner=False)
                return (value,)
            case ast.Lambda():
                return (self.function(node),)
            case ast.JoinedStr(values=parts):
                return joined(self, parts)
            case ast.DictComp():
                return mapping(self, node)
            case ast.ListComp(elt=element, generators=generators):
                return comprehension(self, element, generators)
        self.forget(node)
        return None

    def truth(self, test: ast.expr) -> bool | None:
        """Whether a condition holds; None: only running the program would tell."""
        if _is_main(test):
            return True
        return truth_of(self.value(test))

    def attribute(self, owner: Value, node: ast.Attribute) -> tuple[Value] | None:
        """The value of owner.name in a tuple; None: not known."""
        name = node.attr
        if isinstance(owner, QualifiedName):
            return (QualifiedName(f"{owner.path}.{name}"),)
        if isinstance(owner, Instance | Class | Super):
            known = member(self, owner, name)
            if known is not None:
                return known
            if isinstance(owner, Instance) and not owner.of.framework:
                return None
        for semantics in self.semantics:
            value = semantics.attribute(self, owner, node)
            if value is not NotImplemented:
                return (value,)
        if isinstance(owner, list | dict | str) or (
            isinstance(owner, ObjectValue) and owner.has_methods
        ):
            return (BoundMethod(owner, name),)
        if isinstance(owner, Unknown) and name in mutators_of(owner.was):
            raise InputError(
                f"line {node.lineno}: .{name}(...) of {owner.text}, of which only running the "
                "program would tell whether it is the model of before. Write the layers out."
            )
        return None

    def subscript(self, owner: Value, node: ast.Subscript) -> tuple[Value] | None:
        """The value of owner[index] in a tuple; None: not known."""
        for semantics in self.semantics:
            value = semantics.subscript(self, owner, node)
            if value is not NotImplemented:
                return (value,)
        index = node.slice
        if isinstance(owner, list | tuple) and isinstance(index, ast.Slice):
            parts = (index.lower, index.upper, index.step)
            ends = [None if part is None else self.value(part) for part in parts]
            whole = [end for end in ends if end is None or isinstance(end, int)]
            if len(whole) < 3 or whole[2] == 0:
                return None
            part = owner[slice(*whole)]
            return (Range(part) if isinstance(owner, Range) else part,)
        position = self.value(index)
        if isinstance(owner, list | tuple) and isinstance(position, int):
            return (owner[position],) if -len(owner) <= position < len(owner) else None
        if isinstance(owner, dict) and isinstance(position, PLAIN) and position in owner:
            return (owner[position],)
        return None

    def operator(self, node: ast.BinOp, left: Value, right: Value) -> tuple[Value] | None:
        """The value of left op right in a tuple: constants are folded; None: not known."""
        for semantics in self.semantics:
            value = semantics.operator(self, type(node.op), (left, right), node)
            if value is not NotImplemented:
                return (value,)
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            return folded(percent, left, right)
        return folded(binary, type(node.op), left, right)

    @abstractmethod
    def function(self, node: ast.FunctionDef | ast.Lambda) -> Function:
        """The function that a definition makes."""

    @abstractmethod
    def call(self, node: ast.Call) -> Value:
        """The value of a call."""


def _is_main(test: ast.expr) -> bool:
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
            return True
    return False
