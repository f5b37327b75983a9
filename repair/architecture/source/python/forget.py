"""What code that cannot be followed makes unknown: never less than it may change."""

import ast

from repair.architecture.source.python import bindings
from repair.architecture.source.python.definitions import Definer
from repair.architecture.source.python.folding import MOST_ITEMS
from repair.architecture.source.python.members import (
    ATTRIBUTE_SETTERS,
    SUPER,
    called_method,
    hide,
    property_of,
)
from repair.architecture.source.python.values import (
    BoundCall,
    BoundMethod,
    Class,
    Function,
    Instance,
    ObjectValue,
    Super,
    Unknown,
    Value,
    mutators_of,
)
from repair.errors import InputError

NAMED = (ast.Name, ast.Attribute, ast.Subscript)
MOST_ALIASES = 4
"""Assignments in a row through which the objects of names are followed where all is forgotten."""


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

    aliases: dict[str, tuple[Value, ...]] = {}  # noqa: RUF012  replaced, never changed
    """What else names may stand for within the code that is being forgotten."""
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
            text = f"{name} (set in {self._shown(node)})"
            mutable = was if mutators_of(was) or isinstance(was, Instance) else None
            self.bind(name, Unknown(line, text, mutable), inner=False)

    def _shown(self, node: ast.AST) -> str:
        """A piece of code in words, with what decides its course."""
        match node:
            case ast.For(iter=decides) | ast.AsyncFor(iter=decides):
                return f"the loop over {self.unknown(decides).text}"
            case ast.If(test=decides) | ast.While(test=decides):
                word = "if" if isinstance(node, ast.If) else "while"
                return f"`{word} {self.unknown(decides).text}`"
        return _named(node)

    def _forget_changes(self, node: ast.AST, seen: set[int]) -> None:
        """Forgets attributes, entries and lists that a piece of code may change."""
        outer = self.aliases
        self.aliases = {**outer}
        self._note_aliases(node)
        for inner in bindings.running_with(node):
            self.count()
            match inner:
                case ast.Attribute(value=owner, attr=name, ctx=ast.Store() | ast.Del()):
                    for value in self._all_known(owner):
                        self.set_attribute(value, name, self.unknown(inner))
                case ast.Subscript(value=owner, ctx=ast.Store() | ast.Del()):
                    for value in self._all_known(owner):
                        self.lose(value, self.unknown(inner))
                case ast.AugAssign(target=target):
                    for value in self._all_known(target):
                        self.lose(value, self.unknown(target))
                case ast.Call(func=ast.Attribute(value=owner) as function):
                    for value in self._all_known(owner):
                        self._method_called(value, inner, function, node, seen)
                case ast.Call(func=called):
                    if isinstance(called, ast.Name) and called.id in ATTRIBUTE_SETTERS:
                        for value in self._all_known(*inner.args[:1]):
                            hide(value)
                    for value in self._all_known(called):
                        self._forget_called(value, inner, seen)
                case ast.Attribute(value=owner, attr=name):
                    for value in self._all_known(owner):
                        self._forget_read(value, name, seen)
        self.aliases = outer

    def _note_aliases(self, node: ast.AST) -> None:
        """Notes which objects the names that a piece of code sets may stand for."""
        pairs = [pair for inner in bindings.running_with(node) for pair in bindings.given(inner)]
        for _ in range(min(len(pairs), MOST_ALIASES)):
            before = sum(map(len, self.aliases.values()))
            for target, value in pairs:
                parts = [part for part in ast.walk(value) if isinstance(part, NAMED)]
                self.count()
                held = {id(v): v for one in self._all_known(*parts) for v in contents(one)}
                for name in bindings.bound_names(target):
                    known = {id(v): v for v in self.aliases.get(name, ())}
                    self.aliases[name] = tuple((known | held).values())
            if sum(map(len, self.aliases.values())) == before:
                return

    def _forget_read(self, owner: Value, name: str, seen: set[int]) -> None:
        """Forgets what the reading of an attribute may change: a property, or all by __dict__."""
        computed = property_of(owner, name)
        if name == "__dict__":
            hide(owner)
        if computed is not None and id(computed.node) not in seen:
            seen.add(id(computed.node))
            self.forget_function(computed, BoundCall(), owner, seen)

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
        if name in ATTRIBUTE_SETTERS:
            for value in (owner, *self._all_known(*call.args[:1])):
                hide(value.owner if isinstance(value, Super) else value)
        self._forget_read(owner, name, seen)
        for value in self._read(owner, function):
            self._forget_called(value, call, seen)

    def _forget_called(self, called: Value, call: ast.Call, seen: set[int]) -> None:
        """Forgets what a function or class of the program may change, once for each function."""
        function: Value = called
        first: Value = None
        if isinstance(called, Class):
            function, first = called.functions.get("__init__"), Instance(called)
        elif isinstance(called, Instance) and called_method(called):
            function, first = called_method(called)  # type: ignore
        elif isinstance(called, BoundMethod):
            function, first = called.function, called.first
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
        return next(iter(self._all_known(node)), self.unknown(node))

    def _all_known(self, *nodes: ast.expr) -> list[Value]:
        """What some expressions may stand for, as far as that is told without running a call."""
        return [value for node in nodes for value in self._each_known(node)]

    def _each_known(self, node: ast.expr) -> list[Value]:
        match node:
            case ast.Name(id=name):
                return [self.lookup(name, node.lineno), *self.aliases.get(name, ())]
            case ast.Attribute(value=owner):
                return [v for inside in self._each_known(owner) for v in self._read(inside, node)]
            case ast.Call(func=ast.Name(id="super")):
                return [self.lookup(SUPER, node.lineno)]
            case ast.Call(func=function):
                kinds = self._each_known(function)
                return [Instance(kind) for kind in kinds if isinstance(kind, Class)]
            case ast.Subscript(value=owner, slice=index):
                held: list[Value] = []
                for inside in self._each_known(owner):
                    if isinstance(inside, list | tuple | dict):
                        exact = isinstance(index, ast.Constant)
                        known = self.subscript(inside, node) if exact else None
                        entries = inside.values() if isinstance(inside, dict) else inside
                        held += known or entries
                return held
        return []

    def _read(self, owner: Value, node: ast.Attribute) -> list[Value]:
        """What an attribute holds, where reading it runs nothing, in a list."""
        if property_of(owner, node.attr) is not None:
            return []
        return list(self.attribute(owner, node) or ())


def contents(value: Value) -> list[Value]:
    """A value and what it holds, level by level: what a name that is taken from it may stand for."""
    found: dict[int, Value] = {}
    waiting = [value]
    while waiting and len(found) < MOST_ITEMS:
        one = waiting.pop()
        if id(one) in found or not isinstance(one, list | tuple | dict | Instance | ObjectValue):
            continue
        found[id(one)] = one
        if isinstance(one, list | tuple | dict):
            waiting += one.values() if isinstance(one, dict) else one
    return list(found.values())


def _named(node: ast.AST) -> str:
    kind = "statement" if isinstance(node, ast.stmt) else "expression"
    return f"the {type(node).__name__.lower()} {kind}"
