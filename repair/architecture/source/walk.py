"""Follows a program without running it: constants, layers and tensors through names and calls."""

import ast
from collections.abc import Mapping
from typing import Protocol

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
    Partial,
    Stack,
    Tensor,
    Tensors,
    Unread,
    Value,
)
from repair.errors import InputError

MOST_STEPS = 200_000
MOST_CALLS = 12
"""Depth of calls of the program's own functions."""
TRANSPARENT = (ast.With, ast.AsyncWith)


class Words(Protocol):
    """What a framework's names mean."""

    def call(self, walk: "Walk", function: Value, given: Given, node: ast.Call) -> Value:
        """The value of a call, NotImplemented where the name is not of this framework."""

    def combine(
        self, walk: "Walk", kind: type[ast.operator], left: Value, right: Value, node: ast.BinOp
    ) -> Value:
        """The value of an operator on tensors, NotImplemented where it is none."""


class Returned(Exception):  # noqa: N818  control flow of the program that is read
    """The program returned from a function."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Walk:
    """One pass over a program.

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
        self.statements: list[ast.stmt] = []
        self.models: list[Stack | Functional | Instance | Class] = []
        self.input_shapes: tuple[tuple[int | None, ...], ...] = ()
        self.steps = 0
        self.modules: list[Class] = []

    # statements

    def program(self) -> None:
        """Follows the whole module."""
        self.block(self.source.tree.body)

    def block(self, body: list[ast.stmt]) -> None:
        """Follows statements one after the other."""
        for statement in body:
            self.count()
            outer, self.statement = self.statement, statement
            self.follow(statement)
            self.statement = outer

    def follow(self, node: ast.stmt) -> None:
        """Follows one statement."""
        match node:
            case ast.Import() | ast.ImportFrom():
                self.imported(node)
            case ast.Assign(targets=targets, value=value):
                found = self.value(value)
                for target in targets:
                    self.assign(target, found)
            case ast.AnnAssign(target=target, value=value) if value is not None:
                self.assign(target, self.value(value))
            case ast.AugAssign(target=ast.Name() as target, op=op, value=value):
                whole = ast.BinOp(ast.Name(target.id, ast.Load()), op, value)
                self.assign(target, self.value(ast.copy_location(whole, value)))
            case ast.Expr(value=value) | ast.Assert(test=value):
                self.value(value)
            case ast.FunctionDef():
                self.bind(node.name, Function(node, self.scopes[-1]))
            case ast.ClassDef():
                self.defined_class(node)
            case ast.Return(value=value):
                raise Returned(None if value is None else self.value(value))
            case ast.If(test=test, body=body, orelse=orelse):
                self.branch(node, self.truth(test), body, orelse)
            case ast.For(target=target, iter=iterator, body=body):
                self.loop(node, target, self.value(iterator), body)
            case ast.With(body=body):
                self.block(body)
            case ast.Try(body=body, finalbody=final):
                self.block(body)
                self.block(final)
            case ast.While():
                self.forget(node)

    def branch(
        self, node: ast.If, test: bool | None, body: list[ast.stmt], orelse: list[ast.stmt]
    ) -> None:
        if test is None:
            self.forget(node)
        else:
            self.block(body if test else orelse)

    def loop(self, node: ast.For, target: ast.expr, items: Value, body: list[ast.stmt]) -> None:
        if not isinstance(items, list | tuple):
            self.forget(node)
            return
        for item in items:
            self.assign(target, item)
            self.block(body)

    def forget(self, node: ast.stmt) -> None:
        """What a statement that cannot be followed assigns is not known after it."""
        text = f"the {type(node).__name__.lower()} statement"
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                self.bind(inner.id, Unread(node.lineno, f"{inner.id} (set in {text})"))
            called = inner.func if isinstance(inner, ast.Call) else None
            if isinstance(called, ast.Attribute) and called.attr == "add":
                owner = self.value(called.value)
                if isinstance(owner, Stack):
                    raise InputError(
                        f"line {inner.lineno}: layers are added in {text} of line {node.lineno}, "
                        "whose course only running the program would tell. Write them out."
                    )
            if isinstance(inner, ast.Return):
                raise Returned(Unread(inner.lineno, f"what is returned in {text}"))

    def imported(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.asname or alias.name.partition(".")[0]
                self.bind(name, Dotted(alias.name if alias.asname else name))
            elif alias.name == "*":
                self.globals[f"* {node.module}"] = Dotted(node.module or "")
            else:
                path = f"{node.module}.{alias.name}" if node.module else alias.name
                self.bind(alias.asname or alias.name, Dotted(path))

    def defined_class(self, node: ast.ClassDef) -> None:
        methods = {item.name: item for item in node.body if isinstance(item, ast.FunctionDef)}
        kind = None
        for base in node.bases:
            value = self.value(base)
            if isinstance(value, Class):
                kind, methods = value.kind, {**value.methods, **methods}
            if isinstance(value, Dotted) and value.last == "Module":
                kind = "nnx"
            elif isinstance(value, Dotted) and value.last in ("Model", "Layer"):
                kind = "keras"
        made = Class(node, kind, methods)
        if kind:
            self.modules.append(made)
        self.bind(node.name, made)

    # names

    def bind(self, name: str, value: Value) -> None:
        """Gives a name a value; one that the user defined keeps the user's."""
        scope = self.scopes[-1]
        scope[name] = self.defined[name] if name in self.defined else value
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
        if starred:
            return Dotted(f"{starred[-1][2:]}.{name}")
        return Unread(line, name)

    # expressions

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
                plain = value is None or isinstance(value, bool | int | float | str)
                return (value,) if plain else None
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
        plain = value is None or isinstance(value, bool | int | float | str | list | tuple)
        return bool(value) if plain else None

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
            if index.step is None and all(e is None or type(e) is int for e in ends):
                return (owner[slice(*ends)],)
            return None
        position = self.value(index)
        known = type(position) is int and -len(owner) <= position < len(owner)
        return (owner[position],) if known else None  # type: ignore[index]

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

    def call(self, node: ast.Call) -> Value:
        """The value of a call."""
        function = self.value(node.func)
        given = self.given(node)
        if isinstance(function, Dotted) and function.last == "partial" and node.args:
            return Partial(given.positional[0][0], node)
        if isinstance(function, Dotted) and function.path.startswith("builtins."):
            return _builtin(function.last, given, node)
        for words in self.words:
            found = words.call(self, function, given, node)
            if found is not NotImplemented:
                return found
        if isinstance(function, Function):
            return self.enter(function, given, None)
        if isinstance(function, Class) and function.kind is None:
            return Unread(node.lineno, self.source.of_node(node)[:60])
        self.escapes(given, node)
        return Unread(node.lineno, self.source.of_node(node)[:60])

    def escapes(self, given: Given, node: ast.Call) -> None:
        """Hook for calls that are not read: their arguments are seen, no more."""

    def enter(self, function: Function, given: Given, first: Value) -> Value:
        """Follows a call of a function of the program; `first` is bound to `self` if not None."""
        if len(self.statements) >= MOST_CALLS:
            raise InputError(
                f"line {function.node.lineno}: {function.node.name} is called over {MOST_CALLS} "
                "deep: unroll the recursion."
            )
        scope = parameters(self, function.node, given, first)
        self.statements.append(function.node)
        self.scopes.append(scope)
        outer = self.statement
        try:
            self.block(function.node.body)
        except Returned as returned:
            return returned.value
        finally:
            self.statement = outer
            self.scopes.pop()
            self.statements.pop()
        return None


def parameters(walk: Walk, node: ast.FunctionDef, given: Given, first: Value) -> dict[str, Value]:
    """The names that a function starts with: arguments, defaults, unread where neither is there."""
    signature = node.args
    names = [argument.arg for argument in (*signature.posonlyargs, *signature.args)]
    scope: dict[str, Value] = {}
    every = [*names, *(argument.arg for argument in signature.kwonlyargs)]
    for name in every:
        scope[name] = Unread(node.lineno, name)
    defaults = signature.defaults
    for name, default in zip(names[len(names) - len(defaults) :], defaults, strict=True):
        scope[name] = walk.value(default)
    for argument, kw_default in zip(signature.kwonlyargs, signature.kw_defaults, strict=True):
        if kw_default is not None:
            scope[argument.arg] = walk.value(kw_default)
    if first is not None and names:
        scope[names.pop(0)] = first
    for name, (value, _) in zip(names, given.positional, strict=False):
        scope[name] = value
    for name, (value, _) in given.named.items():
        if name in scope:
            scope[name] = value
    for name in scope:
        if name in walk.defined:
            scope[name] = walk.defined[name]
    return scope


def _folded(function, kind, *values):  # type: ignore[no-untyped-def]
    try:
        return (function(kind, *values),)
    except CannotFold:
        return None


def _is_main(test: ast.expr) -> bool:
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
            return True
    return False


def _builtin(name: str, given: Given, node: ast.Call) -> Value:
    """The values of a few builtin functions on constants."""
    values = [value for value, _ in given.positional]
    unread = Unread(node.lineno, f"{name}(...)")
    if name == "range" and 1 <= len(values) <= 3 and all(type(v) is int for v in values):
        if len(values) == 3 and values[2] == 0:
            return unread
        whole = range(*values)  # type: ignore[arg-type]
        return list(whole) if len(whole) <= 10_000 else unread
    if len(values) == 1 and isinstance(values[0], list | tuple):
        return {"len": len, "tuple": tuple, "list": list}.get(name, lambda _: unread)(values[0])
    if name in ("int", "float") and len(values) == 1 and isinstance(values[0], int | float):
        try:
            return int(values[0]) if name == "int" else float(values[0])
        except (OverflowError, ValueError):
            return unread
    if name in ("max", "min") and values and all(type(v) in (int, float) for v in values):
        return (max if name == "max" else min)(values)  # type: ignore[type-var]
    return unread
