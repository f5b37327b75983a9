"""Arithmetic on constants of a program, bounded: no exponent or repetition can grow large."""

import ast
import operator
from collections.abc import Callable
from typing import Any

LARGEST = 10**30
MOST_ITEMS = 10_000

_BINARY: dict[type[ast.operator], Callable[[Any, Any], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], object]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


PLAIN = (bool, int, float, str, type(None))


class CannotFold(ValueError):  # noqa: N818  raised and caught inside the reader only
    """The operation is not one that is folded."""


def is_number(value: object) -> bool:
    """Whether a value is an integer or a float; truth values are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def truth_of(value: object) -> bool | None:
    """Whether a value counts as true; None: only running the program would tell."""
    return bool(value) if isinstance(value, (*PLAIN, list, tuple, dict)) else None


def binary(kind: type[ast.operator], left: object, right: object) -> object:
    """The value of an arithmetic operation on two constants.

    Raises:
        CannotFold: not numbers, out of bounds, or not defined.
    """
    if kind is ast.Add and isinstance(left, list | tuple) and type(left) is type(right):
        if len(left) + len(right) > MOST_ITEMS:  # type: ignore[arg-type]
            raise CannotFold
        return left + right  # type: ignore[operator]
    if kind is ast.Mult and isinstance(left, list | tuple) and type(right) is int:
        if not 0 <= right * len(left) <= MOST_ITEMS:
            raise CannotFold
        return left * right
    if kind is ast.Add and isinstance(left, str) and isinstance(right, str):
        if len(left) + len(right) > MOST_ITEMS:
            raise CannotFold
        return left + right
    if kind is ast.Mult and isinstance(left, str) and type(right) is int:
        if not 0 <= right * len(left) <= MOST_ITEMS:
            raise CannotFold
        return left * right
    if kind not in _BINARY or not is_number(left) or not is_number(right):
        raise CannotFold
    if kind is ast.Pow and not (abs(right) <= 64 and abs(left) <= 10_000):  # type: ignore[arg-type]
        raise CannotFold
    try:
        value = _BINARY[kind](left, right)
    except (ArithmeticError, ValueError):
        raise CannotFold from None
    if isinstance(value, complex) or not abs(value) <= LARGEST:  # type: ignore[arg-type]
        raise CannotFold
    return value


def _is_plain(value: object) -> bool:
    """Whether a value is a constant, or a tuple of constants and nothing that is unknown."""
    items = value if isinstance(value, tuple) else (value,)
    return all(item is None or isinstance(item, bool | int | float | str) for item in items)


def unary(kind: type[ast.unaryop], value: object) -> object:
    """The value of -x, +x or not x.

    Raises:
        CannotFold: not a number, or another operation.
    """
    if kind is ast.Not and (value is None or isinstance(value, bool | int | float | str | tuple)):
        return not value
    if kind is ast.USub and is_number(value):
        return -value  # type: ignore[operator]
    if kind is ast.UAdd and is_number(value):
        return value
    raise CannotFold


def compare(kind: type[ast.cmpop], left: object, right: object) -> bool:
    """The truth of a comparison of two constants.

    Raises:
        CannotFold: not constants that compare.
    """
    if kind in (ast.In, ast.NotIn):
        return _holds(right, left) is (kind is ast.In)
    single = isinstance(left, bool | None) or isinstance(right, bool | None)
    if kind in (ast.Is, ast.IsNot) and not single:
        raise CannotFold  # whether equal constants are one object is not the language's to say
    if kind not in _COMPARE or not _is_plain(left) or not _is_plain(right):
        raise CannotFold
    try:
        return bool(_COMPARE[kind](left, right))
    except TypeError:
        raise CannotFold from None


def _holds(container: object, item: object) -> bool:
    """Whether a text, a tuple, a list or a dictionary of constants holds another.

    Raises:
        CannotFold: not constants.
    """
    if isinstance(container, str) and isinstance(item, str):
        return item in container
    if not isinstance(container, list | tuple | dict) or not _is_plain(item):
        raise CannotFold
    if not all(_is_plain(one) for one in container):
        raise CannotFold
    return item in container
