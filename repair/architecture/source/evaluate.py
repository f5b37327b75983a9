"""What the expressions of a program stand for: constants, layers and tensors through names."""

import ast
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from repair.architecture.layers import ALIASES, LAYERS
from repair.architecture.source.folding import CannotFold, binary, compare, unary
from repair.architecture.source.pool import Pool
from repair.architecture.source.text import Source
from repair.architecture.source.values import (
    Array,
    Batch,
    Class,
    Dotted,
    Function,
    Functional,
    Given,
    Instance,
    Made,
    Method,
    Stack,
    Tensor,
    Tensors,
    Unread,
    Value,
)
from repair.errors import InputError

MOST_STEPS = 200_000
ANY = Tensor | Tensors
PLAIN = (bool, int, float, str, type(None))


class Words(Protocol):
    """What a framework's names mean; `walk` is the `Walk` that asks."""

    def call(self, walk: Any, function: Value, given: Given, node: ast.Call) -> Value:
        """The value of a call, NotImplemented where the name is not of this framework."""

    def combine(
        self, walk: Any, kind: type[ast.operator], left: Value, right: Value, node: ast.BinOp
    ) -> Value:
        """The value of an operator on tensors, NotImplemented where it is none."""


class Evaluator(ABC):
    """Values of names and expressions; `Walk` follows the statements.

    Args:
        source: the program.
        words: what the names of the frameworks mean, asked in order.
        defined: constants that the user gives for names that the program computes.
    """

    def __init__(self, source: Source, words: tuple[Words, ...], defined: Mapping[str, Value]):
        self.source, self.words, self.defined = source, words, defined
        self.pool = Pool()
        self.globals: dict[str, Value] = {}
        self.scopes: list[dict[str, Value]] = [self.globals]
        self.statement: ast.stmt | None = None
        self.depth = 0
        self.models: list[Stack | Functional | Instance] = []
        self.input_shapes: tuple[tuple[int | None, ...], ...] = ()
        self.steps = 0
        self.modules: list[Class] = []

    def bind(self, name: str, value: Value) -> None:
        """Gives a name a value; one that the user defined keeps the user's."""
        scope = self.scopes[-1]
        scope[name] = self.defined.get(name, value)
        if isinstance(value, Tensor | Tensors) and self.statement is not None:
            self.pool.bound.append((self.pool.tick(), self.statement, name, value))

    def assign(self, target: ast.expr, value: Value) -> None:
        """Follows an assignment to a name, an attribute of an own object, or a tuple of them."""
        match target:
            case ast.Name(id=name):
                self.bind(name, value)
                if isinstance(value, Made) and value.name is None:
                    value.name = name
                if isinstance(value, Stack | Functional | Instance) and "?" in value.name:
                    value.name = name
            case ast.Attribute(value=owner, attr=name):
                instance = self.value(owner)
                if isinstance(instance, Instance):
                    instance.attributes[name] = value
                    for part in value if isinstance(value, list | tuple) else [value]:
                        if isinstance(part, Stack | Functional | Instance):
                            part.used = True  # a part of another model
                    if isinstance(value, Made) and value.name is None:
                        value.name = name
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                values = self.several(value, len(targets))
                for position, inner in enumerate(targets):
                    known = values is not None and len(values) == len(targets)
                    unread = Unread(target.lineno, "a value that is unpacked")
                    self.assign(inner, values[position] if known and values else unread)

    def several(self, value: Value, count: int) -> list[Value] | None:
        """The values that unpacking one into `count` names gives."""
        if isinstance(value, list | tuple):
            return list(value)
        if isinstance(value, Tensors):
            tensors = [value.reference, *(f"{value.reference}:{k}" for k in range(1, count))]
            return [Tensor(reference) for reference in tensors]
        return None

    def lookup(self, name: str, line: int) -> Value:
        """The value of a name."""
        if name in self.defined:
            return self.defined[name]
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        if name in ("range", "len", "int", "float", "tuple", "list", "max", "min", "super"):
            return Dotted(f"builtins.{name}")
        starred = [key for key in self.globals if key.startswith("* ")]
        if starred and (name in LAYERS or name in ALIASES or name in ("Sequential", "Model")):
            return Dotted(f"{starred[-1][2:]}.{name}")
        return Unread(line, name)

    def count(self) -> None:
        """One more step; ends programs that unroll without end.

        Raises:
            InputError: over 200,000 steps.
        """
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise InputError(
                f"the program takes over {MOST_STEPS} steps to follow: give the part that defines "
                "the network."
            )

    def value(self, node: ast.expr) -> Value:
        """What an expression stands for."""
        self.count()
        found = self._value(node)
        return Unread(node.lineno, self.source.of_node(node)[:60]) if found is None else found[0]

    def _value(self, node: ast.expr) -> tuple[Value] | None:
        """The value in a tuple; None: not known."""
        match node:
            case ast.Constant(value=value):
                return (value,) if isinstance(value, PLAIN) else None
            case ast.Name(id=name):
                return (self.lookup(name, node.lineno),)
            case ast.Tuple(elts=items):
                return (tuple(self.items(items)),)
            case ast.List(elts=items):
                return (self.items(items),)
            case ast.Attribute(value=owner, attr=name):
                return self.attribute(self.value(owner), name, node)
            case ast.Subscript(value=owner, slice=index):
                return self.subscript(self.value(owner), index, node)
            case ast.Call():
                return (self.call(node),)
            case ast.BinOp(left=left, op=op, right=right):
                return self.combined(node, type(op), self.value(left), self.value(right))
            case ast.UnaryOp(op=op, operand=operand):
                return _folded(unary, type(op), self.value(operand))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return _folded(compare, type(op), self.value(left), self.value(right))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                truth = self.truth(test)
                return None if truth is None else (self.value(body if truth else orelse),)
            case ast.ListComp(elt=element, generators=[generator]) if not generator.ifs:
                return self.comprehension(element, generator)
        return None

    def items(self, nodes: list[ast.expr]) -> list[Value]:
        """The values of the entries of a list; a starred list gives its entries."""
        found: list[Value] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                inner = self.value(node.value)
                found += inner if isinstance(inner, list | tuple) else [inner]
            else:
                found.append(self.value(node))
        return found

    def comprehension(self, element: ast.expr, generator: ast.comprehension) -> tuple[Value] | None:
        """The list that a comprehension over known items makes."""
        items = self.value(generator.iter)
        if not isinstance(items, list | tuple):
            return None
        found = []
        for item in items:
            self.assign(generator.target, item)
            found.append(self.value(element))
        return (found,)

    def truth(self, test: ast.expr) -> bool | None:
        """Whether a condition holds; None: only running the program would tell."""
        if _is_main(test):
            return True
        value = self.value(test)
        return bool(value) if isinstance(value, (*PLAIN, list, tuple)) else None

    def attribute(self, owner: Value, name: str, node: ast.Attribute) -> tuple[Value] | None:
        """The value of owner.name."""
        if isinstance(owner, Dotted):
            return (Dotted(f"{owner.path}.{name}"),)
        if isinstance(owner, Instance) and name in owner.attributes:
            return (owner.attributes[name],)
        if isinstance(owner, Class) and name in owner.methods:
            return (Function(owner.methods[name], self.globals),)
        if isinstance(owner, Tensor | Tensors) and name == "shape":
            shape = self.pool.shape(owner.reference)
            return ((Batch(), *shape[1:]),) if shape else None
        if isinstance(owner, Array) and name == "shape":
            return (owner.shape,)
        if isinstance(owner, Functional) and name in ("input", "output", "inputs", "outputs"):
            references = owner.inputs if name.startswith("input") else owner.outputs
            tensors = [Tensor(reference) for reference in references]
            return (tensors[0] if len(tensors) == 1 and not name.endswith("s") else tensors,)
        if isinstance(owner, Made) and name in ("output", "input") and owner.first:
            return (Tensor(owner.first),)
        if isinstance(owner, Tensor | Tensors | Stack | Functional | Instance | Array):
            return (Method(owner, name),)
        return None

    def subscript(self, owner: Value, index: ast.expr, node: ast.Subscript) -> tuple[Value] | None:
        """The value of owner[index]."""
        if isinstance(owner, Tensor | Tensors):
            for words in self.words:
                picked = words.call(
                    self, Method(owner, "[]"), Given(((index, node.value),), {}),
                    ast.copy_location(ast.Call(node.value, [node.value], []), node),
                )  # fmt: skip
                if picked is not NotImplemented:
                    return (picked,)
            return None
        if not isinstance(owner, list | tuple):
            return None
        if isinstance(index, ast.Slice):
            ends = [None if e is None else self.value(e) for e in (index.lower, index.upper)]
            low, high = (e if e is None or isinstance(e, int) else "?" for e in ends)
            if index.step is None and not isinstance(low, str) and not isinstance(high, str):
                return (owner[low:high],)
            return None
        position = self.value(index)
        if isinstance(position, int) and -len(owner) <= position < len(owner):
            return (owner[position],)
        return None

    def combined(
        self, node: ast.BinOp, kind: type[ast.operator], left: Value, right: Value
    ) -> tuple[Value] | None:
        """The value of an operator: constants are folded, tensors are merged."""
        if isinstance(left, Tensor | Tensors) or isinstance(right, Tensor | Tensors):
            for words in self.words:
                merged = words.combine(self, kind, left, right, node)
                if merged is not NotImplemented:
                    return (merged,)
            return None
        return _folded(binary, kind, left, right)

    def given(self, node: ast.Call) -> Given:
        """The values of the arguments of a call."""
        positional: list[tuple[Value, ast.expr]] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                value = self.value(argument.value)
                spread = value if isinstance(value, list | tuple) else [value]
                positional += [(item, argument) for item in spread]
            else:
                positional.append((self.value(argument), argument))
        named = {
            keyword.arg: (self.value(keyword.value), keyword.value)
            for keyword in node.keywords
            if keyword.arg
        }
        return Given(tuple(positional), named)

    @abstractmethod
    def call(self, node: ast.Call) -> Value:
        """The value of a call."""


def _folded(function: Callable[..., object], *values: object) -> tuple[Value] | None:
    try:
        return (function(*values),)
    except CannotFold:
        return None


def _is_main(test: ast.expr) -> bool:
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
            return True
    return False
