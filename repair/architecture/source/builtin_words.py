"""What a few builtin functions mean on constants, and the methods of lists and dictionaries."""

import ast

from repair.architecture.source.folding import MOST_ITEMS
from repair.architecture.source.values import Dotted, Given, Method, Unread, Value
from repair.architecture.source.walk import Walk

KEEPS = ("index", "count", "copy", "get", "keys", "values", "items")
"""Methods of lists and dictionaries that do not change them."""


class BuiltinWords:
    """Python's own names."""

    def call(self, walk: Walk, function: Value, given: Given, node: ast.Call) -> Value:
        """The value of a call."""
        if isinstance(function, Dotted) and function.path.startswith("builtins."):
            return _builtin(function.last, given, node)
        if isinstance(function, Method) and isinstance(function.owner, list | dict):
            return _container(walk, function.owner, function.name, given, node)
        return NotImplemented

    def combine(
        self, walk: Walk, kind: type[ast.operator], left: Value, right: Value, node: ast.BinOp
    ) -> Value:
        """Constants are folded elsewhere."""
        return NotImplemented


def _container(
    walk: Walk, owner: list[Value] | dict[str, Value], name: str, given: Given, node: ast.Call
) -> Value:
    """A method of a list or dictionary: followed, or what the container holds is not known after."""
    values = [value for value, _ in given.positional]
    unread = Unread(node.lineno, f"what .{name}(...) gives")
    if name in KEEPS:
        return unread
    plain = not given.named and given.open is None
    if isinstance(owner, list) and plain and len(owner) < MOST_ITEMS:
        match name, values:
            case "append", [item]:
                owner.append(item)
                return None
            case "extend", [list() | tuple() as items] if len(owner) + len(items) <= MOST_ITEMS:
                owner.extend(items)
                return None
            case "insert", [int(place), item]:
                owner.insert(place, item)
                return None
            case "pop", [] if owner:
                return owner.pop()
            case "clear", []:
                owner.clear()
                return None
            case "reverse", []:
                owner.reverse()
                return None
    walk.lose(owner, unread)
    return unread


def _builtin(name: str, given: Given, node: ast.Call) -> Value:
    """The values of a few builtin functions on constants."""
    values = [value for value, _ in given.positional]
    unread = Unread(node.lineno, f"{name}(...)")
    sizes = [value for value in values if isinstance(value, int)]
    if given.open is None and name == "dict" and not values:
        return {key: value for key, (value, _) in given.named.items()}
    if given.open is not None or given.named:
        return unread
    if name == "range" and 1 <= len(sizes) <= 3 and len(sizes) == len(values):
        if len(sizes) == 3 and sizes[2] == 0:
            return unread
        whole = range(*sizes)
        return unread if whole[MOST_ITEMS:] else list(whole)
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
