"""The methods of lists and dictionaries, done on what they hold.

Each function returns NotImplemented where the method, or what it is given, is not known.
"""

from collections.abc import Mapping, Sequence

from repair.architecture.source.python.builtins.arguments import is_key, ordered
from repair.architecture.source.python.folding import MOST_ITEMS
from repair.architecture.source.python.formatting import is_plain
from repair.architecture.source.python.values import Items, Range, Value


def list_method(
    owner: list[Value], name: str, values: Sequence[Value], named: Mapping[str, Value]
) -> Value:
    """The value of a method of a list, which is changed where the method does."""
    if len(owner) >= MOST_ITEMS or (named and name != "sort") or isinstance(owner, Range):
        return NotImplemented
    match name, values:
        case "append", [item]:
            owner.append(item)
        case "extend", [list() | tuple() | dict() as items]:
            if len(owner) + len(items) > MOST_ITEMS:
                return NotImplemented
            owner.extend(items)
        case "insert", [int(position), item]:
            owner.insert(position, item)
        case "pop", [] if owner:
            return owner.pop()
        case "pop", [int(position)] if -len(owner) <= position < len(owner):
            return owner.pop(position)
        case "clear", []:
            owner.clear()
        case "reverse", []:
            owner.reverse()
        case "sort", [] if set(named) <= {"reverse"}:
            owner[:] = ordered(owner, named.get("reverse", False))
        case "copy", []:
            return list(owner)
        case "index", [item] if is_plain(item) and all(map(is_plain, owner)) and item in owner:
            return owner.index(item)
        case "count", [item] if is_plain(item) and all(map(is_plain, owner)):
            return owner.count(item)
        case _:
            return NotImplemented
    return None


def dict_method(
    owner: dict[Value, Value], name: str, values: Sequence[Value], named: Mapping[str, Value]
) -> Value:
    """The value of a method of a dictionary, which is changed where the method does."""
    if name == "update" and len(values) <= 1 and len(owner) < MOST_ITEMS:
        more = values[0] if values else {}
        if not isinstance(more, dict):
            return NotImplemented
        owner.update(more)
        owner.update(named)
        return None
    if named:
        return NotImplemented
    match name, values:
        case "get", [key] if is_key(key):
            return owner.get(key)
        case "get", [key, default] if is_key(key):
            return owner.get(key, default)
        case "pop", [key] if is_key(key) and key in owner:
            return owner.pop(key)
        case "pop", [key, default] if is_key(key):
            return owner.pop(key, default)
        case "setdefault", [key, default] if is_key(key) and len(owner) < MOST_ITEMS:
            return owner.setdefault(key, default)
        case "clear", []:
            owner.clear()
            return None
        case "copy", []:
            return dict(owner)
        case "keys", []:
            return Items(owner.keys(), (owner,))
        case "values", []:
            return Items(owner.values(), (owner,))
        case "items", []:
            return Items(owner.items(), (owner,))
    return NotImplemented
