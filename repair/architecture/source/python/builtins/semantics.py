"""What Python's own functions mean on known values, and the methods of its containers and texts."""

import ast

from repair.architecture.source.python.builtins.containers import dict_method, list_method
from repair.architecture.source.python.builtins.functions import FUNCTIONS
from repair.architecture.source.python.builtins.numbers import MATHEMATICS
from repair.architecture.source.python.folding import CannotFold
from repair.architecture.source.python.formatting import method
from repair.architecture.source.python.semantics import Interpreter, Semantics, WithoutAll
from repair.architecture.source.python.values import (
    BoundCall,
    BoundMethod,
    Items,
    QualifiedName,
    Unknown,
    Value,
)

BUILTINS = frozenset(FUNCTIONS) | frozenset(
    ("super", "object", "property", "staticmethod", "classmethod", "setattr", "delattr", "vars")
)
"""The builtin names that are known."""
READING_METHODS = ("index", "count", "copy", "get", "keys", "values", "items")
"""Methods of lists and dictionaries that do not change them."""

ONCE = frozenset(("list", "tuple", "dict", "sorted", "sum", "min", "max", "extend", "join"))
"""Functions and methods that take all items of an iterator before anything else happens."""
CONSUMING = ONCE | {"enumerate", "zip", "all", "any"}
"""Functions that take items of an iterator, if perhaps one after the other."""


def consumes(function: Value, node: ast.Call) -> bool:
    """Whether a call takes the items of iterators at once, so that they need not be kept."""
    name = function.last if isinstance(function, QualifiedName) else ""
    if isinstance(function, BoundMethod) and isinstance(function.owner, list | str):
        name = function.name
    elif not isinstance(function, QualifiedName) or function.path != f"builtins.{name}":
        return isinstance(function, QualifiedName) and function.path == "math.prod"
    lazy = any(isinstance(argument, ast.GeneratorExp) for argument in node.args)
    return name in ONCE or (name in CONSUMING and not (lazy and _acts(node)))


def _acts(node: ast.Call) -> bool:
    """Whether the arguments of a call do more than compute."""
    kinds = ast.Call | ast.NamedExpr | ast.Attribute | ast.Await | ast.Yield | ast.YieldFrom
    return any(isinstance(n, kinds) for argument in node.args for n in ast.walk(argument))


class BuiltinSemantics(Semantics):
    """Python's own names."""

    def without_all(self, function: Value) -> WithoutAll:
        """All is followed: what is put into a container is not known then, and may be anything."""
        return WithoutAll.FOLLOWED

    def call(
        self, interpreter: Interpreter, function: Value, call: BoundCall, node: ast.Call
    ) -> Value:
        """The value of a builtin function, or of a method of a container or text."""
        if isinstance(function, QualifiedName):
            return _named(interpreter, function, call, node)
        if not isinstance(function, BoundMethod):
            return NotImplemented
        owner, name = function.owner, function.name
        unknown = Unknown(node.lineno, f"what .{name}(...) gives")
        if not isinstance(owner, list | dict | str):
            return NotImplemented
        value: Value = NotImplemented
        if call.unknown is None:
            named = {key: value for key, (value, _) in call.named.items()}
            values = [list(v.source) if isinstance(v, Items) else v for v in call.values]
            try:
                if isinstance(owner, list):
                    value = list_method(owner, name, values, named)
                elif isinstance(owner, dict):
                    value = dict_method(owner, name, values, named)
                else:
                    value = method(owner, name, values, named)
            except CannotFold:
                value = NotImplemented
        if value is not NotImplemented:
            return value
        if name not in READING_METHODS:
            interpreter.lose(owner, unknown)
        return unknown


def _named(
    interpreter: Interpreter, function: QualifiedName, call: BoundCall, node: ast.Call
) -> Value:
    owner, _, name = function.path.rpartition(".")
    table = {"builtins": FUNCTIONS, "math": MATHEMATICS}.get(owner)
    if table is None or (owner == "math" and name not in table):
        return NotImplemented
    unknown = Unknown(node.lineno, interpreter.unknown(node).text)
    if name not in table:
        return NotImplemented
    if call.unknown is not None:
        return unknown
    try:
        return table[name](interpreter, call, node)
    except CannotFold:
        return unknown
