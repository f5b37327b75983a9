"""What builtin functions are given: items, keys, and arguments by position."""

import ast
from collections.abc import Callable, Sequence

from repair.architecture.source.python.folding import (
    CannotFold,
    is_number,
)
from repair.architecture.source.python.formatting import is_plain
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import (
    BoundCall,
    Items,
    Value,
)

Builtin = Callable[[Interpreter, BoundCall, ast.Call], Value]


def is_key(value: Value) -> bool:
    """Whether a value is a constant by which a dictionary may hold another."""
    return all(map(is_plain, value)) if isinstance(value, tuple) else is_plain(value)


def items_of(value: Value) -> list[Value]:
    """The items that a loop over a value takes.

    Raises:
        CannotFold: they are not known.
    """
    if isinstance(value, Items):
        return list(value.source)
    if isinstance(value, list | tuple | dict | str):
        return list(value)
    raise CannotFold


def lazy(make: Callable[..., Sequence[Value]], *values: Value) -> Items:
    """What a function such as zip makes of values, taken as they are when each item is.

    Raises:
        CannotFold: a value whose items are not known.
    """
    if not all(isinstance(value, Items | list | tuple | dict | str) for value in values):
        raise CannotFold
    sources = [value.source if isinstance(value, Items) else value for value in values]
    parts = [value.parts if isinstance(value, Items) else (value,) for value in values]
    return Items(make(*sources), tuple(part for several in parts for part in several))


def ordered(items: Sequence[Value], reverse: Value = False) -> list[Value]:
    """Items in order, where all are numbers, all texts, or all pairs with keys of one kind.

    Raises:
        CannotFold: others.
    """
    keys = list(items)
    if keys and all(isinstance(item, tuple) and item for item in keys):
        keys = [item[0] for item in keys]  # type: ignore[index]
        if not all(map(is_plain, keys)) or len(set(keys)) < len(keys):
            raise CannotFold
    numbers = all(is_number(key) and key == key for key in keys)
    if not (numbers or all(isinstance(key, str) for key in keys)) or type(reverse) is not bool:
        raise CannotFold
    pairs = sorted(zip(keys, items, strict=True), key=lambda pair: pair[0], reverse=reverse)  # type: ignore
    return [item for _, item in pairs]


def arguments(call: BoundCall, least: int, most: int, *names: str) -> list[Value]:
    """The arguments by position.

    Raises:
        CannotFold: too few or many, or others by name than those named.
    """
    if not least <= len(call.positional) <= most or not set(call.named) <= set(names):
        raise CannotFold
    return call.values
