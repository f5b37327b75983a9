"""What a few builtin functions mean on constants, and the methods of lists and dictionaries."""

import ast

from repair.architecture.source.python.folding import MOST_ITEMS
from repair.architecture.source.python.semantics import Interpreter, Semantics, WithoutAll
from repair.architecture.source.python.values import (
    BoundCall,
    BoundMethod,
    QualifiedName,
    Unknown,
    Value,
)

BUILTINS = ("range", "len", "int", "float", "tuple", "list", "max", "min", "super", "dict")
"""The builtin names that are known."""
READING_METHODS = ("index", "count", "copy", "get", "keys", "values", "items")
"""Methods of lists and dictionaries that do not change them."""


class BuiltinSemantics(Semantics):
    """Python's own names."""

    def without_all(self, function: Value) -> WithoutAll:
        """All is followed: what is put into a container is not known then, and may be anything."""
        return WithoutAll.FOLLOWED

    def call(
        self, interpreter: Interpreter, function: Value, call: BoundCall, node: ast.Call
    ) -> Value:
        """The value of a builtin function, or of a method of a list or dictionary."""
        if isinstance(function, QualifiedName) and function.path.startswith("builtins."):
            return _builtin(function.last, call, node)
        if isinstance(function, BoundMethod) and isinstance(function.owner, list | dict):
            return _container_method(interpreter, function.owner, function.name, call, node)
        return NotImplemented


def _container_method(
    interpreter: Interpreter,
    owner: list[Value] | dict[str, Value],
    name: str,
    call: BoundCall,
    node: ast.Call,
) -> Value:
    """Follows a method of a list or dictionary, or else makes unknown what the container holds."""
    values = call.values
    unknown = Unknown(node.lineno, f"what .{name}(...) gives")
    if name in READING_METHODS:
        return unknown
    plain = not call.named and call.unknown is None
    if isinstance(owner, list) and plain and len(owner) < MOST_ITEMS:
        match name, values:
            case "append", [item]:
                owner.append(item)
                return None
            case "extend", [list() | tuple() as items] if len(owner) + len(items) <= MOST_ITEMS:
                owner.extend(items)
                return None
            case "insert", [int(position), item]:
                owner.insert(position, item)
                return None
            case "pop", [] if owner:
                return owner.pop()
            case "clear", []:
                owner.clear()
                return None
            case "reverse", []:
                owner.reverse()
                return None
    interpreter.lose(owner, unknown)
    return unknown


def _builtin(name: str, call: BoundCall, node: ast.Call) -> Value:
    """The values of a few builtin functions on constants."""
    values = call.values
    unknown = Unknown(node.lineno, f"{name}(...)")
    sizes = [value for value in values if isinstance(value, int)]
    if call.unknown is None and name == "dict" and not values:
        return {key: value for key, (value, _) in call.named.items()}
    if call.unknown is not None or call.named:
        return unknown
    if name == "range" and 1 <= len(sizes) <= 3 and len(sizes) == len(values):
        if len(sizes) == 3 and sizes[2] == 0:
            return unknown
        whole = range(*sizes)
        return unknown if whole[MOST_ITEMS:] else list(whole)
    if len(values) == 1 and isinstance(values[0], list | tuple):
        items = values[0]
        return {"len": len(items), "tuple": tuple(items), "list": list(items)}.get(name, unknown)
    if name in ("int", "float") and len(values) == 1 and isinstance(values[0], int | float):
        try:
            return int(values[0]) if name == "int" else float(values[0])
        except (OverflowError, ValueError):
            return unknown
    if name in ("max", "min") and values and all(type(v) in (int, float) for v in values):
        return (max if name == "max" else min)(values)  # type: ignore[type-var]
    return unknown
