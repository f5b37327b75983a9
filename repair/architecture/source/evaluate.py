"""What the expressions of a program stand for: constants, layers and tensors through names."""

import ast
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol

from repair.architecture.layers import ALIASES, LAYERS
from repair.architecture.source.displays import (
    PLAIN,
    compared,
    comprehension,
    dictionary,
    either,
    folded,
    items,
    truth_of,
)
from repair.architecture.source.folding import binary, is_number, unary
from repair.architecture.source.pool import Pool
from repair.architecture.source.scopes import Scope
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
CHANGES = ("add", "pop")
"""Methods of Sequential that change it."""
FRAMEWORKS = frozenset(("keras", "tf_keras", "tensorflow", "flax"))


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
        self.globals = Scope()
        self.scopes: list[Scope] = [self.globals]
        self.statement: ast.stmt | None = None
        self.depth = 0
        self.models: list[Stack | Functional | Instance] = []
        self.input_shapes: tuple[tuple[int | None, ...], ...] = ()
        self.steps = 0
        self.modules: list[Class] = []
        self.lost: dict[int, tuple[Value, Unread]] = {}

    def bind(self, name: str, value: Value, *, inner: bool = True) -> None:
        """Gives a name a value; one that the user defined keeps the user's.

        Args:
            name: it.
            value: what it stands for.
            inner: also in the scope of a comprehension; else in that of the function around it.
        """
        scope = next(scope for scope in reversed(self.scopes) if inner or not scope.inner)
        scope.set(name, self.defined.get(name, value))
        if isinstance(value, Tensor | Tensors) and self.statement and not scope.inner:
            self.pool.bound.append((self.pool.tick(), self.statement, name, value))

    def lookup(self, name: str, line: int) -> Value:
        """The value of a name."""
        if name in self.defined:
            return self.defined[name]
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        if name in ("range", "len", "int", "float", "tuple", "list", "max", "min", "super", "dict"):
            return Dotted(f"builtins.{name}")
        starred = [key[2:] for key in self.globals if key.startswith("* ")]
        starred.sort(key=lambda module: not FRAMEWORKS.isdisjoint(module.split(".")))
        if starred and (name in LAYERS or name in ALIASES or name in ("Sequential", "Model")):
            return Dotted(f"{starred[-1]}.{name}")
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
        if found is None:
            return Unread(node.lineno, self.source.of_node(node)[:60])
        return self.lost[id(found[0])][1] if id(found[0]) in self.lost else found[0]

    def _value(self, node: ast.expr) -> tuple[Value] | None:
        """The value in a tuple; None: not known."""
        match node:
            case ast.Constant(value=value):
                return (value,) if isinstance(value, PLAIN) else None
            case ast.Name(id=name):
                return (self.lookup(name, node.lineno),)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                inside = items(self, elements)
                if inside is None:
                    return None
                return (tuple(inside[0]) if isinstance(node, ast.Tuple) else inside[0],)
            case ast.Dict(keys=keys, values=values):
                return dictionary(self, keys, values)
            case ast.Attribute(value=owner, attr=name):
                return self.attribute(self.value(owner), name, node)
            case ast.Subscript(value=owner, slice=index):
                return self.subscript(self.value(owner), index, node)
            case ast.Call():
                return (self.call(node),)
            case ast.BinOp(left=left, op=op, right=right):
                return self.combined(node, type(op), self.value(left), self.value(right))
            case ast.UnaryOp(op=op, operand=operand):
                return folded(unary, type(op), self.value(operand))
            case ast.Compare(left=left, ops=ops, comparators=rights):
                return compared(self, left, ops, rights)
            case ast.BoolOp(op=op, values=operands):
                return either(self, isinstance(op, ast.Or), operands)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                truth = self.truth(test)
                if truth is None:
                    self.forget(body, orelse)
                    return None
                return (self.value(body if truth else orelse),)
            case ast.NamedExpr(target=ast.Name(id=name), value=given):
                found = self.value(given)
                self.bind(name, found, inner=False)
                return (found,)
            case ast.Lambda():
                return (self.function(node),)
            case ast.ListComp(elt=element, generators=generators):
                return comprehension(self, element, generators)
        self.forget(node)
        return None

    def truth(self, test: ast.expr) -> bool | None:
        """Whether a condition holds; None: only running the program would tell."""
        if _is_main(test):
            return True
        return truth_of(self.value(test))

    def attribute(self, owner: Value, name: str, node: ast.Attribute) -> tuple[Value] | None:
        """The value of owner.name."""
        if isinstance(owner, Dotted):
            return (Dotted(f"{owner.path}.{name}"),)
        if isinstance(owner, Instance) and name in owner.attributes:
            return (owner.attributes[name],)
        if isinstance(owner, Class) and name in owner.functions:
            return (owner.functions[name],)
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
        if isinstance(
            owner, Tensor | Tensors | Stack | Functional | Instance | Array | list | dict
        ):
            return (Method(owner, name),)
        if isinstance(owner, Unread) and isinstance(owner.was, Stack) and name in CHANGES:
            raise InputError(
                f"line {node.lineno}: .{name}(...) of {owner.text}, of which only running the "
                "program would tell whether it is the model of before. Write the layers out."
            )
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
        if isinstance(owner, list | tuple) and isinstance(index, ast.Slice):
            parts = (index.lower, index.upper, index.step)
            ends = [None if part is None else self.value(part) for part in parts]
            whole = [end for end in ends if end is None or isinstance(end, int)]
            return (owner[slice(*whole)],) if len(whole) == 3 and whole[2] != 0 else None
        position = self.value(index)
        if isinstance(owner, list | tuple) and isinstance(position, int):
            return (owner[position],) if -len(owner) <= position < len(owner) else None
        if isinstance(owner, dict) and isinstance(position, str) and position in owner:
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
        if kind is not ast.MatMult and isinstance(left, Array) and is_number(right):
            return (left,)
        if kind is not ast.MatMult and isinstance(right, Array) and is_number(left):
            return (right,)
        return folded(binary, kind, left, right)

    def given(self, node: ast.Call) -> Given:
        """The values of the arguments of a call."""
        positional: list[tuple[Value, ast.expr]] = []
        named: dict[str, tuple[Value, ast.expr]] = {}
        unknown: str | None = None
        for argument in node.args:
            starred = isinstance(argument, ast.Starred)
            value = self.value(argument.value if isinstance(argument, ast.Starred) else argument)
            if starred and not isinstance(value, list | tuple):
                unknown = self.source.of_node(argument)[:60]
            spread = value if starred and isinstance(value, list | tuple) else [value]
            positional += [(item, argument) for item in spread]
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg or isinstance(value, dict):
                given = {keyword.arg: value} if keyword.arg else value
                twice = [name for name in given if name in named]  # type: ignore[attr-defined]
                if twice:
                    raise InputError(f"line {node.lineno}: {twice[0]} is given twice.")
                named |= {name: (item, keyword.value) for name, item in given.items()}  # type: ignore
            else:
                unknown = f"**{self.source.of_node(keyword.value)[:58]}"
        return Given(tuple(positional), named, unknown)

    @abstractmethod
    def assign(self, target: ast.expr, value: Value) -> None:
        """Follows an assignment."""

    @abstractmethod
    def forget(self, *nodes: ast.AST) -> None:
        """What code that is not followed may change is not known after it."""

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
