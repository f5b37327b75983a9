"""Follows the statements of a program without running it."""

import ast

from repair.architecture.source.evaluate import Evaluator
from repair.architecture.source.values import (
    Class,
    Dotted,
    Function,
    Given,
    Partial,
    Stack,
    Unread,
    Value,
)
from repair.errors import InputError

MOST_CALLS = 12
"""Depth of calls of the program's own functions."""


class Returned(Exception):  # noqa: N818  control flow of the program that is read
    """The program returned from a function."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Walk(Evaluator):
    """One pass over a program."""

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
            case ast.Return() if not self.depth:
                raise InputError(f"line {node.lineno}: 'return' stands outside a function.")
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
        """Follows the branch that is taken, if that is known."""
        if test is None:
            self.forget(node)
        else:
            self.block(body if test else orelse)

    def loop(self, node: ast.For, target: ast.expr, items: Value, body: list[ast.stmt]) -> None:
        """Follows a loop over known items."""
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
                        f"line {called.lineno}: layers are added in {text} of line {node.lineno}, "
                        "whose course only running the program would tell. Write them out."
                    )
            if isinstance(inner, ast.Return) and self.depth:
                raise Returned(Unread(inner.lineno, f"what is returned in {text}"))

    def imported(self, node: ast.Import | ast.ImportFrom) -> None:
        """Binds the names that are imported."""
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
        """Binds a class, with the methods that it inherits from others of the program."""
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
        return Unread(node.lineno, self.source.of_node(node)[:60])

    def enter(self, function: Function, given: Given, first: Value) -> Value:
        """Follows a call of a function of the program; `first` is bound to `self` if not None."""
        if self.depth >= MOST_CALLS:
            raise InputError(
                f"line {function.node.lineno}: {function.node.name} is called over {MOST_CALLS} "
                "deep: unroll the recursion."
            )
        scope = parameters(self, function.node, given, first)
        self.depth += 1
        outer, scopes = self.statement, self.scopes
        self.scopes = [self.globals, dict(function.scope), scope]
        try:
            self.block(function.node.body)
        except Returned as returned:
            return returned.value
        finally:
            self.statement, self.scopes = outer, scopes
            self.depth -= 1
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


def _builtin(name: str, given: Given, node: ast.Call) -> Value:
    """The values of a few builtin functions on constants."""
    values = [value for value, _ in given.positional]
    unread = Unread(node.lineno, f"{name}(...)")
    sizes = [value for value in values if isinstance(value, int)]
    if name == "range" and 1 <= len(sizes) <= 3 and len(sizes) == len(values):
        if len(sizes) == 3 and sizes[2] == 0:
            return unread
        whole = range(*sizes)
        return list(whole) if len(whole) <= 10_000 else unread
    if len(values) == 1 and isinstance(values[0], list | tuple):
        items = values[0]
        return {"len": len(items), "tuple": tuple(items), "list": list(items)}.get(name, unread)
    if name in ("int", "float") and len(values) == 1 and isinstance(values[0], int | float):
        try:
            return int(values[0]) if name == "int" else float(values[0])
        except (OverflowError, ValueError):
            return unread
    if name in ("max", "min") and values and all(type(v) in (int, float) for v in values):
        return (max if name == "max" else min)(values)  # type: ignore[type-var]
    return unread
