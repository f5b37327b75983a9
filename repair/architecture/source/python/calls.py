"""Calls: their arguments, and the functions of the program followed into their bodies."""

import ast
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from repair.architecture.source.python.bindings import is_generator
from repair.architecture.source.python.evaluate import MOST_SHOWN
from repair.architecture.source.python.forget import Forgetter, LoopLeft, Raised, Returned
from repair.architecture.source.python.semantics import WithoutAll
from repair.architecture.source.python.values import (
    BoundCall,
    BoundMethod,
    Function,
    Instance,
    Partial,
    QualifiedName,
    Unknown,
    Value,
    mutators_of,
)
from repair.errors import InputError

MOST_CALLS = 12
"""Depth of calls of the program's own functions."""


class Caller(Forgetter):
    """Follows calls; `StaticInterpreter` follows the statements of what is called."""

    @abstractmethod
    def block(self, body: Sequence[ast.stmt]) -> None:
        """Follows statements one after the other."""

    def arguments(self, node: ast.Call) -> BoundCall:
        """The values of the arguments of a call."""
        positional: list[tuple[Value, ast.expr]] = []
        named: dict[str, tuple[Value, ast.expr]] = {}
        unknown: Unknown | None = None
        for argument in node.args:
            starred = isinstance(argument, ast.Starred)
            value = self.value(argument.value if isinstance(argument, ast.Starred) else argument)
            if starred and not isinstance(value, list | tuple):
                unknown = unknown or self._spread(argument, argument.value, value)  # type: ignore
            spread = value if starred and isinstance(value, list | tuple) else [value]
            if unknown is not None:  # which may be of any number
                spread = [replace(unknown, was=_changeable(item)) for item in spread]
            positional += [(item, argument) for item in spread]
        for keyword in node.keywords:
            value = self.value(keyword.value)
            if keyword.arg or isinstance(value, dict):
                several = {keyword.arg: value} if keyword.arg else value
                twice = [name for name in several if name in named]  # type: ignore[attr-defined]
                if twice:
                    raise InputError(f"line {node.lineno}: {twice[0]} is given twice.")
                named |= {name: (item, keyword.value) for name, item in several.items()}  # type: ignore
            else:
                unknown = unknown or self._spread(keyword, keyword.value, value)
        return BoundCall(tuple(positional), named, unknown)

    def _spread(self, node: ast.Starred | ast.keyword, inner: ast.expr, value: Value) -> Unknown:
        """Arguments of unknown number or names, by the text that says so and where it is known."""
        stars = "*" if isinstance(node, ast.Starred) else "**"
        text = stars + self.source.text_of(inner)[:MOST_SHOWN]
        if isinstance(value, Unknown) and value.line != node.lineno:
            text += f" ({value.text[:MOST_SHOWN]} of line {value.line})"
        return Unknown(node.lineno, text)

    def meaning(self, function: Value, call: BoundCall, node: ast.Call) -> Value:
        """The value of a call by the semantics alone; NotImplemented where none has the name.

        Raises:
            InputError: not all arguments are known of what the network is made of.
        """
        for semantics in self.semantics:
            if call.unknown is not None:
                course = semantics.without_all(function)
                if course is WithoutAll.REFUSED:
                    name = self.source.text_of(node.func)[:MOST_SHOWN]
                    raise InputError(
                        f"line {call.unknown.line}: {name} gets {call.unknown.text}, which only "
                        "running the program would tell. Write its arguments out."
                    )
                if course is WithoutAll.UNREAD:
                    continue
            value = semantics.call(self, function, call, node)
            if value is not NotImplemented:
                return value
        return NotImplemented

    def call(self, node: ast.Call) -> Value:
        """The value of a call."""
        function = self.value(node.func)
        call = self.arguments(node)
        if isinstance(function, QualifiedName) and function.last == "partial" and node.args:
            return Partial(call.positional[0][0], node)
        value = self.meaning(function, call, node)
        if value is not NotImplemented:
            return value
        if isinstance(function, Function):
            return self.enter(function, call, None)
        if isinstance(function, BoundMethod) and isinstance(function.owner, Instance):
            method = function.owner.of.functions.get(function.name)
            if method is not None and not method.node.decorator_list:
                return self.enter(method, call, function.owner)
        given = (*call.values, *(value for value, _ in call.named.values()))
        mutable = next((was for was in map(_changeable, given) if was is not None), None)
        return replace(self.unknown(node), was=mutable)

    def enter(self, function: Function, call: BoundCall, first: Value) -> Value:
        """Follows a call of a function of the program; `first` is bound to `self` if not None."""
        if self.depth >= MOST_CALLS:
            raise InputError(
                f"line {function.node.lineno}: {function.node.name} is called over {MOST_CALLS} "
                "deep: unroll the recursion."
            )
        unknown = Unknown(function.node.lineno, f"what {function.node.name} returns")
        if is_generator(function.node):
            self.forget_function(function, call, first)
            return unknown
        scope = self.parameters(function, call, first)
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
            return unknown
        except LoopLeft as left:
            raise outside(left.node, "loop") from None
        finally:
            self.statement, self.scopes = outer, around
            self.depth -= 1
        return None


def _changeable(value: Value) -> Value:
    """The object with methods that change it that a value is, or may be; None: none."""
    was = value.was if isinstance(value, Unknown) else value
    return was if mutators_of(was) else None


def outside(node: ast.stmt, what: str) -> InputError:
    """The error of a statement such as `break` where it may not stand."""
    word = type(node).__name__.lower()
    return InputError(f"line {node.lineno}: {word!r} stands outside a {what}.")
