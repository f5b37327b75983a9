"""Builtin functions that ask what an object is or has."""

import ast
from collections.abc import Mapping

from repair.architecture.source.python.builtins.arguments import (
    Builtin,
    arguments,
)
from repair.architecture.source.python.folding import (
    CannotFold,
)
from repair.architecture.source.python.formatting import is_plain
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import (
    BoundCall,
    Class,
    Function,
    Instance,
    ObjectValue,
    QualifiedName,
    Range,
    Value,
)

TYPES: Mapping[str, type] = {
    "builtins.int": int,
    "builtins.float": float,
    "builtins.str": str,
    "builtins.bool": bool,
    "builtins.list": list,
    "builtins.tuple": tuple,
    "builtins.dict": dict,
}


def _isinstance(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    value, kinds = arguments(call, 2, 2)
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    return any(_is_of(value, kind) for kind in kinds)


def _is_of(value: Value, kind: Value) -> bool:
    """Whether a value is of a class.

    Raises:
        CannotFold: only running the program would tell.
    """
    plain = is_plain(value) or isinstance(value, list | tuple | dict)
    if isinstance(kind, Class):
        if isinstance(value, Instance) and value.of.plain and kind.plain:
            return kind in value.of.line
        if plain and kind.plain:
            return False
    elif isinstance(kind, QualifiedName) and kind.path in TYPES:
        if plain:
            return isinstance(value, TYPES[kind.path]) and not isinstance(value, Range)
        own = isinstance(value, Instance) and not value.of.plain
        if isinstance(value, ObjectValue | Function | Class) and not own:
            return False
    raise CannotFold


def _getattr(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    owner, name, *default = arguments(call, 2, 3)
    if not isinstance(name, str) or not node.args:
        raise CannotFold
    if isinstance(owner, Instance) and not _has(owner, name):
        if not default:
            raise CannotFold
        return default[0]
    if default and not isinstance(owner, Instance):
        raise CannotFold
    known = interpreter.attribute(
        owner, ast.copy_location(ast.Attribute(node.args[0], name, ast.Load()), node)
    )
    if known is None:
        raise CannotFold
    return known[0]


def _hasattr(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    owner, name = arguments(call, 2, 2)
    if not isinstance(owner, Instance) or not isinstance(name, str):
        raise CannotFold
    return _has(owner, name)


def _has(owner: Instance, name: str) -> bool:
    """Whether an object has an attribute.

    Raises:
        CannotFold: only running the program would tell.
    """
    if not owner.of.plain or owner.opaque or name.startswith("__"):
        raise CannotFold
    return name in owner.attributes or owner.of.find(name) is not None


OBJECTS: Mapping[str, Builtin] = {
    "isinstance": _isinstance,
    "getattr": _getattr,
    "hasattr": _hasattr,
}
"""By the name of each builtin function of objects, what computes it."""
