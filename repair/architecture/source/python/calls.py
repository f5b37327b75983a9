"""Calls: their arguments, and the functions of the program followed into their bodies."""

import ast
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace

from repair.architecture.source.python.bindings import is_generator
from repair.architecture.source.python.builtins.semantics import consumes
from repair.architecture.source.python.displays import comprehension
from repair.architecture.source.python.evaluate import MOST_SHOWN
from repair.architecture.source.python.forget import Forgetter, LoopLeft, Raised, Returned
from repair.architecture.source.python.members import ATTRIBUTE_SETTERS, SUPER, called_method, hide
from repair.architecture.source.python.semantics import WithoutAll
from repair.architecture.source.python.values import (
    BoundCall,
    BoundMethod,
    Class,
    Function,
    Instance,
    Items,
    ObjectValue,
    Partial,
    QualifiedName,
    Super,
    Unknown,
    Value,
    first_unknown,
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

    def arguments(self, node: ast.Call, *, consumed: bool = False) -> BoundCall:
        """The values of the arguments of a call.

        Args:
            node: the call.
            consumed: whether it takes the items of iterators at once.
        """
        value_of = self.raw if consumed else self.value
        positional: list[tuple[Value, ast.expr]] = []
        named: dict[str, tuple[Value, ast.expr]] = {}
        unknown: Unknown | None = None
        for argument in node.args:
            starred = isinstance(argument, ast.Starred)
            generator = argument if isinstance(argument, ast.GeneratorExp) else None
            if isinstance(argument, ast.Starred):
                value = self.raw(argument.value)
                value = list(value.source) if isinstance(value, Items) else value
                value = list(value) if isinstance(value, dict) else value
            elif generator and consumed and len(node.args) == 1:
                inside = comprehension(self, generator.elt, generator.generators)
                value = inside[0] if inside else self.unknown(argument)
            else:
                value = value_of(argument)
            if starred and not isinstance(value, list | tuple):
                unknown = unknown or self._spread(argument, argument.value, value)  # type: ignore
            spread = value if starred and isinstance(value, list | tuple) else [value]
            if unknown is not None:  # which may be of any number
                spread = [replace(unknown, was=_changeable(item)) for item in spread]
            positional += [(item, argument) for item in spread]
        for keyword in node.keywords:
            value = self.value(keyword.value)
            named_all = isinstance(value, dict) and all(isinstance(key, str) for key in value)
            if keyword.arg or named_all:
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
        call = self.arguments(node, consumed=consumes(function, node))
        if isinstance(function, QualifiedName) and function.last == "partial" and node.args:
            return Partial(call.positional[0][0], node)
        if function == QualifiedName("builtins.super"):
            return self._super(call, node)
        self._sets_attributes(function, call)
        value = self.meaning(function, call, node)
        if value is not NotImplemented:
            return value
        if isinstance(function, Function):
            return self.enter(function, call, None)
        if isinstance(function, Class):
            return self.construct(function, call)
        if isinstance(function, Instance):
            function = BoundMethod(function, "__call__", *called_method(function))
        if isinstance(function, BoundMethod) and isinstance(function.function, Function):
            return self._method(function, function.function, call)
        given = (*call.values, *(value for value, _ in call.named.values()))
        mutable = next((was for was in map(_changeable, given) if was is not None), None)
        causes = call.values if isinstance(function, ObjectValue) else []
        cause = next((lost for value in causes if (lost := first_unknown(value))), None)
        return replace(cause or self.unknown(node), was=mutable)

    def construct(self, kind: Class, call: BoundCall) -> Value:
        """An object of a class of the program, its __init__ followed."""
        made = Instance(kind)
        if not kind.plain:
            for name in ("__new__", "__init__", "__post_init__"):
                if name in kind.functions:
                    self.forget_function(
                        kind.functions[name], _any_arguments(kind.functions[name]), made
                    )
            return made
        init = kind.functions.get("__init__")
        if init is not None:
            self.enter(init, call, made)
        return made

    def _method(self, method: BoundMethod, function: Function, call: BoundCall) -> Value:
        """The value of a call of a method of the program."""
        owner = method.owner
        followed = not isinstance(owner, Instance) or owner.followed
        if followed and function.kind in ("plain", "class"):
            return self.enter(function, call, method.first)
        self.forget_function(function, _any_arguments(function), method.first)
        return Unknown(function.node.lineno, f"what {function.node.name} returns")

    def _super(self, call: BoundCall, node: ast.Call) -> Value:
        """What super() or super(Class, self) is."""
        if not call.positional:
            return self.lookup(SUPER, node.lineno)
        match call.values:
            case [Class() as after, Instance() | Class() as owner]:
                return Super(after, owner)
        return self.unknown(node)

    def _sets_attributes(self, function: Value, call: BoundCall) -> None:
        """Follows calls that set attributes by a name that is computed."""
        if isinstance(function, BoundMethod) and function.name == "__setattr__":
            owner = function.owner.owner if isinstance(function.owner, Super) else function.owner
            hide(owner)
        if isinstance(function, QualifiedName) and function.last in ATTRIBUTE_SETTERS:
            match call.values:
                case [owner, str(name), value] if function.path == "builtins.setattr":
                    self.set_attribute(owner, name, value)
                case [owner, *_]:
                    hide(owner)

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


def _any_arguments(function: Function) -> BoundCall:
    """A call of a function with arguments of which nothing is known."""
    return BoundCall(unknown=Unknown(function.node.lineno, "any arguments"))


def _changeable(value: Value) -> Value:
    """The object with methods that change it that a value is, or may be; None: none."""
    was = value.was if isinstance(value, Unknown) else value
    return was if mutators_of(was) else None


def outside(node: ast.stmt, what: str) -> InputError:
    """The error of a statement such as `break` where it may not stand."""
    word = type(node).__name__.lower()
    return InputError(f"line {node.lineno}: {word!r} stands outside a {what}.")
