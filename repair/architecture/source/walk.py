"""Follows the statements of a program without running it."""

import ast
from collections.abc import Sequence

from repair.architecture.source import scopes
from repair.architecture.source.forget import Forgetter, Left, Raised, Returned
from repair.architecture.source.values import (
    Class,
    Dotted,
    Function,
    Given,
    Instance,
    Method,
    Partial,
    Stack,
    Unread,
    Value,
)
from repair.errors import InputError

MOST_CALLS = 12
"""Depth of calls of the program's own functions."""
HARMLESS = ("property", "staticmethod", "classmethod")
"""Builtin decorators, which leave what a function computes as it is."""


class Walk(Forgetter):
    """One pass over a program."""

    def program(self) -> None:
        """Follows the whole module, or up to an exception that it certainly raises."""
        try:
            self.block(self.source.tree.body)
        except Left as left:
            raise _outside(left.node, "loop") from None
        except Raised:
            return

    def block(self, body: Sequence[ast.stmt]) -> None:
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
            case ast.AnnAssign(target=target, value=value):
                if value is not None:
                    self.assign(target, self.value(value))
            case ast.AugAssign():
                self.augment(node)
            case ast.Expr(value=value):
                self.value(value)
            case ast.Assert(test=test, msg=message):
                self.value(test)
                if message is not None:
                    self.forget(message)
            case ast.FunctionDef():
                self.bind(node.name, self.decorated(node, self.function(node)))
            case ast.ClassDef():
                self.bind(node.name, self.decorated(node, self.defined_class(node)))
            case ast.Return() if not self.depth:
                raise _outside(node, "function")
            case ast.Return(value=value):
                raise Returned(None if value is None else self.value(value))
            case ast.Raise():
                raise Raised
            case ast.Break() | ast.Continue():
                raise Left(node)
            case ast.If(test=test, body=body, orelse=orelse):
                truth = self.truth(test)
                if truth is None:
                    self.forget_course(node)
                else:
                    self.block(body if truth else orelse)
            case ast.For():
                self.loop(node, self.value(node.iter))
            case ast.With(items=managers, body=body):
                for manager in managers:
                    self.value(manager.context_expr)
                    text = self.source.of_node(manager.context_expr)[:60]
                    if manager.optional_vars is not None:
                        self.assign(manager.optional_vars, Unread(node.lineno, text))
                self.block(body)
            case ast.Try() | ast.TryStar():
                self.attempt(node)
            case ast.Pass() | ast.Global() | ast.Nonlocal():
                pass
            case _:
                self.forget_course(node)

    def loop(self, node: ast.For, items: Value) -> None:
        """Follows a loop over known items."""
        if not isinstance(items, list | tuple):
            self.forget_course(node)
            return
        for item in items:
            self.assign(node.target, item)
            try:
                self.block(node.body)
            except Left as left:
                if not left.known:
                    self.forget_course(node)
                    return
                if isinstance(left.node, ast.Break):
                    return
        self.block(node.orelse)

    def attempt(self, node: ast.Try | ast.TryStar) -> None:
        """Follows a `try` as if nothing went wrong, but what its handlers set is not known after.

        An import is taken to succeed, whatever is imported in its place where it does not.
        """
        outer = self.guarded
        try:
            self.guarded += bool(node.handlers)
            self.block(node.body)
            self.guarded = outer
            self.block(node.orelse)
        except Raised:
            self.guarded = outer
            if node.handlers:
                self.forget_course(node)
                return
            self.block(node.finalbody)
            raise
        except (Left, Returned):
            self.guarded = outer
            self.block(node.finalbody)
            raise
        imported = {
            name: value
            for name in scopes.bound(*node.handlers)
            if isinstance(value := self.lookup(name, node.lineno), Dotted)
        }
        self.forget(*node.handlers)
        for name, value in imported.items():
            self.bind(name, value)
        self.block(node.finalbody)

    def imported(self, node: ast.Import | ast.ImportFrom) -> None:
        """Binds the names that are imported."""
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.asname or alias.name.partition(".")[0]
                self.bind(name, Dotted(alias.name if alias.asname else name))
            elif node.level:  # of the program's own package, whatever it is called
                self.bind(alias.asname or alias.name, Unread(node.lineno, alias.name))
            elif alias.name == "*":
                self.globals[f"* {node.module}"] = Dotted(node.module or "")
            else:
                self.bind(alias.asname or alias.name, Dotted(f"{node.module}.{alias.name}"))

    def function(self, node: ast.FunctionDef | ast.Lambda) -> Function:
        """The function that a definition makes, the defaults of its parameters evaluated now."""
        signature = node.args
        names = [argument.arg for argument in (*signature.posonlyargs, *signature.args)]
        first = len(names) - len(signature.defaults)
        defaults = dict(zip(names[first:], map(self.value, signature.defaults), strict=True))
        for argument, default in zip(signature.kwonlyargs, signature.kw_defaults, strict=True):
            if default is not None:
                defaults[argument.arg] = self.value(default)
        if isinstance(node, ast.Lambda):
            body = ast.copy_location(ast.Return(node.body), node.body)
            named = ast.FunctionDef("<lambda>", signature, [body], [])
            node = ast.copy_location(named, node)
        return Function(node, self.scopes, defaults)

    def decorated(self, node: ast.FunctionDef | ast.ClassDef, made: Value) -> Value:
        """A definition under its decorators: those that are imported keep what it computes."""
        for decorator in node.decorator_list:
            root = decorator
            while isinstance(root, ast.Call | ast.Attribute):
                root = root.func if isinstance(root, ast.Call) else root.value
            found = self.value(root)
            self.value(decorator)
            plain = isinstance(root, ast.Name) and root.id in HARMLESS
            if not plain and not isinstance(found, Dotted):
                made = Unread(node.lineno, f"{node.name}, decorated by {self.source.of_node(root)}")
        return made

    def defined_class(self, node: ast.ClassDef) -> Class:
        """A class, with the methods that it inherits from others of the program."""
        functions: dict[str, Function] = {}
        kind = None
        for base in node.bases:
            value = self.value(base)
            if isinstance(value, Class):
                kind, functions = value.kind, {**value.functions, **functions}
            if isinstance(value, Dotted) and value.last == "Module":
                kind = "nnx"
            elif isinstance(value, Dotted) and value.last in ("Model", "Layer"):
                kind = "keras"
        self.forget(*node.keywords)
        outer = self.scopes
        for item in node.body:
            for name in scopes.bound(item):
                functions.pop(name, None)
            self.scopes = [*outer, scopes.Scope()]  # names of a class are not those of its methods
            self.forget(item)
            self.scopes = outer
            if isinstance(item, ast.FunctionDef):
                functions[item.name] = self.function(item)
        made = Class(node, kind, functions)
        if kind:
            self.modules.append(made)
        return made

    def call(self, node: ast.Call) -> Value:
        """The value of a call."""
        function = self.value(node.func)
        given = self.given(node)
        if isinstance(function, Dotted) and function.last == "partial" and node.args:
            return Partial(given.positional[0][0], node)
        for words in self.words:
            found = words.call(self, function, given, node)
            if found is not NotImplemented:
                return found
        if isinstance(function, Function):
            return self.enter(function, given, None)
        if isinstance(function, Method) and isinstance(function.owner, Instance):
            own = function.owner.of.functions.get(function.name)
            if own is not None and not own.node.decorator_list:
                return self.enter(own, given, function.owner)
        model = next((value for value, _ in given.positional if isinstance(value, Stack)), None)
        return Unread(node.lineno, self.source.of_node(node)[:60], model)

    def enter(self, function: Function, given: Given, first: Value) -> Value:
        """Follows a call of a function of the program; `first` is bound to `self` if not None."""
        if self.depth >= MOST_CALLS:
            raise InputError(
                f"line {function.node.lineno}: {function.node.name} is called over {MOST_CALLS} "
                "deep: unroll the recursion."
            )
        unread = Unread(function.node.lineno, f"what {function.node.name} returns")
        if scopes.yields(function.node):
            self.forget_function(function, given, first)
            return unread
        scope = self.parameters(function, given, first)
        self.depth += 1
        outer, around = self.statement, self.scopes
        self.scopes = [*function.scopes, scope]
        try:
            self.block(function.node.body)
        except Returned as returned:
            return returned.value
        except Raised:
            if self.guarded or self.depth > 1:
                raise
            return unread
        except Left as left:
            raise _outside(left.node, "loop") from None
        finally:
            self.statement, self.scopes = outer, around
            self.depth -= 1
        return None


def _outside(node: ast.stmt, what: str) -> InputError:
    word = type(node).__name__.lower()
    return InputError(f"line {node.lineno}: {word!r} stands outside a {what}.")
