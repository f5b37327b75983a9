"""What is not known any more after code that cannot be followed: never less than it may change."""

import ast

from repair.architecture.source import scopes
from repair.architecture.source.assign import Assigner
from repair.architecture.source.evaluate import CHANGES
from repair.architecture.source.scopes import Scope
from repair.architecture.source.values import (
    Function,
    Given,
    Instance,
    Stack,
    Unread,
    Value,
)
from repair.errors import InputError


class Returned(Exception):  # noqa: N818  control flow of the program that is read
    """The program returned from a function."""

    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Left(Exception):  # noqa: N818  control flow of the program that is read
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


class Forgetter(Assigner):
    """Makes unknown what code may change whose course only running the program would tell."""

    guarded = 0
    """The number of `try` statements with handlers around what is followed."""

    def forget(self, *nodes: ast.AST) -> None:
        """What these pieces of code bind or change is not known after them.

        Raises:
            InputError: they may add layers to a model.
        """
        seen: set[int] = set()
        for node in nodes:
            self._changed(node, seen)
            self._unbind(node)

    def forget_course(self, node: ast.stmt) -> None:
        """As `forget`; what the statement may leave, a function or a turn of a loop, is lost too."""
        self.forget(node)
        if self.guarded and scopes.raises(node):
            raise Raised
        back = scopes.returns(node)
        if back is not None and self.depth:
            raise Returned(Unread(back.lineno, f"what is returned in {_named(node)}"))
        if scopes.leaves_loop(node):
            raise Left(node, known=False)

    def _unbind(self, node: ast.AST) -> None:
        line = getattr(node, "lineno", 0)
        scope = next(scope for scope in reversed(self.scopes) if not scope.inner)
        for name in scopes.bound(node):
            before = scope.elsewhere.get(name, scope).get(name)
            was = before.was if isinstance(before, Unread) else before
            text = f"{name} (set in {_named(node)})"
            model = was if isinstance(was, Stack | Instance) else None
            self.bind(name, Unread(line, text, model), inner=False)

    def _changed(self, node: ast.AST, seen: set[int]) -> None:
        """Forgets attributes, entries and lists that a piece of code may change."""
        for inner in scopes.within(node):
            self.count()
            match inner:
                case ast.Attribute(value=owner, attr=name, ctx=ast.Store() | ast.Del()):
                    self._attribute(self._known(owner), name, self._unread(inner))
                case ast.Subscript(value=owner, ctx=ast.Store() | ast.Del()):
                    self.lose(self._known(owner), self._unread(inner))
                case ast.AugAssign(target=target):
                    self.lose(self._known(target), self._unread(target))
                case ast.Call(func=ast.Attribute(value=owner, attr=name) as function):
                    self._method(self._known(owner), name, function, inner, node, seen)
                case ast.Call(func=called):
                    self._enter(self._known(called), inner, None, seen)

    def _method(
        self, owner: Value, name: str, function: ast.Attribute, call: ast.Call, node: ast.AST,
        seen: set[int],
    ) -> None:  # fmt: skip
        if isinstance(owner, Stack) and name in CHANGES:
            raise InputError(
                f"line {function.lineno}: layers are added in {_named(node)} of line "
                f"{getattr(node, 'lineno', function.lineno)}, whose course only running the "
                "program would tell. Write them out."
            )
        if isinstance(owner, list | dict):
            self.lose(owner, self._unread(call))
        elif isinstance(owner, Instance) and name in owner.of.functions:
            self._enter(owner.of.functions[name], call, owner, seen)
        else:
            self._enter(self._known(function), call, None, seen)

    def _enter(self, function: Value, call: ast.Call, first: Value, seen: set[int]) -> None:
        """What a function of the program may change is not known either, once for each function."""
        if not isinstance(function, Function) or id(function.node) in seen:
            return
        seen.add(id(function.node))
        positional = tuple((self._known(argument), argument) for argument in call.args)
        named = {k.arg: (self._known(k.value), k.value) for k in call.keywords if k.arg}
        self.forget_function(function, Given(positional, named, "..."), first, seen)

    def forget_function(
        self, function: Function, given: Given, first: Value, seen: set[int] | None = None
    ) -> None:
        """What the body of a function may change is not known after it."""
        outer = self.scopes
        self.scopes = [*function.scopes, self.parameters(function, given, first)]
        try:
            for statement in function.node.body:
                self._changed(statement, seen if seen is not None else {id(function.node)})
                self._unbind(statement)
        finally:
            self.scopes = outer

    def parameters(self, function: Function, given: Given, first: Value) -> Scope:
        """The scope that a function starts with: arguments, defaults, unread where there is neither."""
        node, signature = function.node, function.node.args
        names = [argument.arg for argument in (*signature.posonlyargs, *signature.args)]
        scope = Scope()
        every = [*names, *(argument.arg for argument in signature.kwonlyargs)]
        rest = [argument.arg for argument in (signature.vararg, signature.kwarg) if argument]
        types = [parameter.name for parameter in getattr(node, "type_params", ())]
        for name in (*every, *rest, *types):
            scope[name] = Unread(node.lineno, name)
        if given.open is None:
            scope |= function.defaults
        if first is not None and names:
            scope[names.pop(0)] = first
        for name, (value, _) in zip(names, given.positional, strict=False):
            scope[name] = value
        if signature.vararg and given.open is None:
            scope[signature.vararg.arg] = tuple(v for v, _ in given.positional[len(names) :])
        for name, (value, _) in given.named.items():
            if name in every:
                scope[name] = value
        for name in scope:
            if name in self.defined:
                scope[name] = self.defined[name]
        for name, outside in scopes.moved(node.body):
            owner = next((s for s in reversed(function.scopes[1:]) if name in s), None)
            scope.elsewhere[name] = self.globals if outside or owner is None else owner
        return scope

    def _known(self, node: ast.expr) -> Value:
        """The value of a name, or of attributes and entries below it: told without running a call."""
        found: tuple[Value] | None = None
        match node:
            case ast.Name(id=name):
                found = (self.lookup(name, node.lineno),)
            case ast.Attribute(value=owner, attr=name):
                found = self.attribute(self._known(owner), name, node)
            case ast.Subscript(value=owner, slice=ast.Constant() | ast.Name() as index):
                inside = self._known(owner)
                if isinstance(inside, list | tuple | dict):
                    found = self.subscript(inside, index, node)
        return found[0] if found else self._unread(node)

    def _unread(self, node: ast.expr) -> Unread:
        return Unread(node.lineno, self.source.of_node(node)[:60])


def _named(node: ast.AST) -> str:
    kind = "statement" if isinstance(node, ast.stmt) else "expression"
    return f"the {type(node).__name__.lower()} {kind}"
