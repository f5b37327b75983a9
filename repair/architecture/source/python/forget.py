"""What code that cannot be followed makes unknown: never less than it may change."""

import ast

from repair.architecture.source.python import bindings
from repair.architecture.source.python.definitions import Definer
from repair.architecture.source.python.values import (
    BoundCall,
    Function,
    Instance,
    Unknown,
    Value,
    mutators_of,
)
from repair.errors import InputError


class Returned(Exception):  # noqa: N818  control flow of the program that is read
    """The program returned from a function."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class LoopLeft(Exception):  # noqa: N818  control flow of the program that is read
    """The program left a turn of a loop.

    Args:
        node: the statement that does.
        known: whether it certainly does; else only running the program would tell.
    """

    def __init__(self, node: ast.stmt, *, known: bool = True) -> None:
        super().__init__()
        self.node, self.known = node, known


class Raised(Exception):  # noqa: N818  control flow of the program that is read
    """The program raised an exception, or may have raised it where a handler stands around it."""


class Forgetter(Definer):
    """Makes unknown what code may change whose course only running the program would tell."""

    guarded = 0
    """The number of `try` statements with handlers around what is followed."""

    def forget(self, *nodes: ast.AST) -> None:
        """Makes unknown what pieces of code bind or change.

        Raises:
            InputError: they may add layers to a model.
        """
        seen: set[int] = set()
        for node in nodes:
            self._forget_changes(node, seen)
            self._forget_bindings(node)

    def forget_course(self, node: ast.stmt) -> None:
        """As `forget`; also leaves the function or the turn of a loop that the statement may leave."""
        self.forget(node)
        if self.guarded and bindings.first_raise(node):
            raise Raised
        back = bindings.first_return(node)
        if back is not None and self.depth:
            raise Returned(Unknown(back.lineno, f"what is returned in {_named(node)}"))
        if bindings.may_leave_loop(node):
            raise LoopLeft(node, known=False)

    def _forget_bindings(self, node: ast.AST) -> None:
        line = getattr(node, "lineno", 0)
        scope = next(scope for scope in reversed(self.scopes) if not scope.inner)
        for name in bindings.bound_names(node):
            before = scope.elsewhere.get(name, scope).get(name)
            was = before.was if isinstance(before, Unknown) else before
            text = f"{name} (set in {_named(node)})"
            mutable = was if mutators_of(was) or isinstance(was, Instance) else None
            self.bind(name, Unknown(line, text, mutable), inner=False)

    def _forget_changes(self, node: ast.AST, seen: set[int]) -> None:
        """Forgets attributes, entries and lists that a piece of code may change."""
        for inner in bindings.running_with(node):
            self.count()
            match inner:
                case ast.Attribute(value=owner, attr=name, ctx=ast.Store() | ast.Del()):
                    self.set_attribute(self._known(owner), name, self.unknown(inner))
                case ast.Subscript(value=owner, ctx=ast.Store() | ast.Del()):
                    self.lose(self._known(owner), self.unknown(inner))
                case ast.AugAssign(target=target):
                    self.lose(self._known(target), self.unknown(target))
                case ast.Call(func=ast.Attribute(value=owner) as function):
                    self._method_called(self._known(owner), inner, function, node, seen)
                case ast.Call(func=called):
                    self._forget_called(self._known(called), inner, None, seen)

    def _method_called(
        self, owner: Value, call: ast.Call, function: ast.Attribute, node: ast.AST, seen: set[int]
    ) -> None:
        """Forgets what a method, called somewhere in `node`, may change."""
        name = function.attr
        if name in mutators_of(owner):
            raise InputError(
                f"line {function.lineno}: {mutators_of(owner)[name]} in {_named(node)} of line "
                f"{getattr(node, 'lineno', function.lineno)}, whose course only running the "
                "program would tell. Write them out."
            )
        if isinstance(owner, list | dict):
            self.lose(owner, self.unknown(call))
        elif isinstance(owner, Instance) and name in owner.of.functions:
            self._forget_called(owner.of.functions[name], call, owner, seen)
        else:
            self._forget_called(self._known(function), call, None, seen)

    def _forget_called(self, function: Value, call: ast.Call, first: Value, seen: set[int]) -> None:
        """Forgets what a function of the program may change, once for each function."""
        if not isinstance(function, Function) or id(function.node) in seen:
            return
        seen.add(id(function.node))
        positional = tuple((self._known(argument), argument) for argument in call.args)
        named = {k.arg: (self._known(k.value), k.value) for k in call.keywords if k.arg}
        self.forget_function(
            function, BoundCall(positional, named, self.unknown(call)), first, seen
        )

    def forget_function(
        self, function: Function, call: BoundCall, first: Value, seen: set[int] | None = None
    ) -> None:
        """Makes unknown what the body of a function may change."""
        outer = self.scopes
        self.scopes = [*function.scopes, self.parameters(function, call, first)]
        try:
            for statement in function.node.body:
                self._forget_changes(statement, seen if seen is not None else {id(function.node)})
                self._forget_bindings(statement)
        finally:
            self.scopes = outer

    def _known(self, node: ast.expr) -> Value:
        """The value of a name, or of attributes and entries below it: told without running a call."""
        known: tuple[Value] | None = None
        match node:
            case ast.Name(id=name):
                known = (self.lookup(name, node.lineno),)
            case ast.Attribute(value=owner):
                known = self.attribute(self._known(owner), node)
            case ast.Subscript(value=owner, slice=ast.Constant() | ast.Name()):
                inside = self._known(owner)
                if isinstance(inside, list | tuple | dict):
                    known = self.subscript(inside, node)
        return known[0] if known else self.unknown(node)


def _named(node: ast.AST) -> str:
    kind = "statement" if isinstance(node, ast.stmt) else "expression"
    return f"the {type(node).__name__.lower()} {kind}"
