"""Python's own functions on known values: a table from their names to what computes them.

Each takes the interpreter, the arguments and the expression of the call, and raises CannotFold
where only running the program would tell.
"""

import ast
from collections.abc import Callable, Mapping

from repair.architecture.source.python.builtins.arguments import (
    Builtin,
    arguments,
    is_key,
    items_of,
    lazy,
    ordered,
)
from repair.architecture.source.python.builtins.numbers import NUMBERS
from repair.architecture.source.python.builtins.objects import OBJECTS
from repair.architecture.source.python.folding import (
    MOST_ITEMS,
    CannotFold,
    truth_of,
)
from repair.architecture.source.python.formatting import bounded, is_plain
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import (
    BoundCall,
    Items,
    Range,
    Value,
)


def _range(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    sizes = arguments(call, 1, 3)
    if not all(isinstance(size, int) for size in sizes) or (len(sizes) == 3 and sizes[2] == 0):
        raise CannotFold
    whole = range(*sizes)  # type: ignore
    if whole[MOST_ITEMS:]:
        raise CannotFold
    return Range(whole)


def _len(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    (value,) = arguments(call, 1, 1)
    if not isinstance(value, list | tuple | dict | str):
        raise CannotFold
    return len(value)


def _text(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    (value,) = arguments(call, 1, 1)
    if not is_plain(value):
        raise CannotFold
    return bounded(str(value))


def _truth(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    (value,) = arguments(call, 1, 1)
    return _known_truth(value)


def _known_truth(value: Value) -> bool:
    truth = truth_of(value)
    if truth is None:
        raise CannotFold
    return truth


def _sequence(kind: Callable[[list[Value]], Value]) -> Builtin:
    def make(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
        values = arguments(call, 0, 1)
        return kind(items_of(values[0]) if values else [])

    return make


def _dict(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    if len(call.positional) > 1:
        raise CannotFold
    made: dict[Value, Value] = {}
    source = call.values[0] if call.positional else {}
    pairs = list(source.items()) if isinstance(source, dict) else items_of(source)
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not is_key(pair[0]):
            raise CannotFold
        made[pair[0]] = pair[1]
    return made | {key: value for key, (value, _) in call.named.items()}


def _every(function: Callable[[list[bool]], bool]) -> Builtin:
    def decide(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
        (value,) = arguments(call, 1, 1)
        return function([_known_truth(item) for item in items_of(value)])

    return decide


def _sorted(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    (value,) = arguments(call, 1, 1, "reverse")
    return ordered(items_of(value), call.get("reverse", None, False))


def _reversed(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    (value,) = arguments(call, 1, 1)
    if not isinstance(value, list | tuple | dict | str):
        raise CannotFold
    return Items(reversed(value), (value,))


def _enumerate(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    values = arguments(call, 1, 2, "start")
    start = call.get("start", 1, 0)
    if type(start) is not int:
        raise CannotFold
    return lazy(lambda source: enumerate(source, start), values[0])  # type: ignore


def _zip(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    if set(call.named) - {"strict"} or not call.positional:
        raise CannotFold
    return lazy(lambda *sources: zip(*sources, strict=False), *call.values)  # type: ignore


def _print(interpreter: Interpreter, call: BoundCall, node: ast.Call) -> Value:
    return None


FUNCTIONS: Mapping[str, Builtin] = {
    **NUMBERS,
    **OBJECTS,
    "range": _range,
    "len": _len,
    "str": _text,
    "bool": _truth,
    "tuple": _sequence(tuple),
    "list": _sequence(list),
    "dict": _dict,
    "any": _every(any),
    "all": _every(all),
    "sorted": _sorted,
    "reversed": _reversed,
    "enumerate": _enumerate,
    "zip": _zip,
    "print": _print,
}
"""By the name of each builtin function that is known, what computes it."""
