"""Builtin functions of numbers, and those of the module math."""

import ast
import math
from collections.abc import Callable, Mapping

from repair.architecture.source.python.builtins.arguments import (
    Builtin,
    arguments,
    items_of,
)
from repair.architecture.source.python.folding import (
    LARGEST,
    MOST_ITEMS,
    CannotFold,
    is_number,
)
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import (
    BoundCall,
    Value,
)


def _number(kind: type) -> Builtin:
    def convert(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
        (value,) = arguments(call, 1, 1)
        short = isinstance(value, str) and len(value) < 40
        if not isinstance(value, int | float) and not short:
            raise CannotFold
        try:
            made = kind(value)
        except (OverflowError, ValueError):
            raise CannotFold from None
        if isinstance(value, str) and not abs(made) <= LARGEST:
            raise CannotFold
        return made

    return convert


def _extreme(function: Callable[..., Value]) -> Builtin:
    def choose(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
        values = arguments(call, 1, MOST_ITEMS)
        items = items_of(values[0]) if len(values) == 1 else values
        if not items or not all(is_number(item) for item in items):
            raise CannotFold
        return function(items)

    return choose


def _sum(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    values = arguments(call, 1, 2)
    numbers = [*values[1:], *items_of(values[0])]
    if not all(is_number(number) for number in numbers):
        raise CannotFold
    return sum(numbers[len(values) - 1 :], *numbers[: len(values) - 1])  # type: ignore


def _abs(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    (value,) = arguments(call, 1, 1)
    if not is_number(value):
        raise CannotFold
    return abs(value)  # type: ignore[arg-type]


def _round(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    values = arguments(call, 1, 2)
    digits = values[1] if len(values) == 2 else None
    small = digits is None or (type(digits) is int and abs(digits) < 30)
    if not is_number(values[0]) or not small:
        raise CannotFold
    try:
        return round(values[0], digits)  # type: ignore
    except (OverflowError, ValueError):
        raise CannotFold from None


def _mathematical(function: Callable[..., float]) -> Builtin:
    def compute(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
        values = arguments(call, 1, 2)
        if not all(is_number(value) for value in values):
            raise CannotFold
        try:
            made = function(*values)
        except (ArithmeticError, ValueError, TypeError):
            raise CannotFold from None
        if not abs(made) <= LARGEST:
            raise CannotFold
        return made

    return compute


def _product(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    (value,) = arguments(call, 1, 1)
    made = 1
    for item in items_of(value):
        if not is_number(item) or not abs(made * item) <= LARGEST:  # type: ignore
            raise CannotFold
        made *= item  # type: ignore
    return made


MATHEMATICS: Mapping[str, Builtin] = {
    "ceil": _mathematical(math.ceil),
    "floor": _mathematical(math.floor),
    "sqrt": _mathematical(math.sqrt),
    "log2": _mathematical(math.log2),
    "prod": _product,
}
"""The same for functions of the module math."""


NUMBERS: Mapping[str, Builtin] = {
    "int": _number(int),
    "float": _number(float),
    "max": _extreme(max),
    "min": _extreme(min),
    "sum": _sum,
    "abs": _abs,
    "round": _round,
}
"""By the name of each builtin function of numbers, what computes it."""
