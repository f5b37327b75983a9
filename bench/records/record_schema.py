"""The JSON of records as data from anybody: bounded, and of the types that `record.schema.json` states."""

import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from bench.escape import plain
from repair.errors import InputError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

LARGEST = 2**24  # bytes of a record.json; counts of a thousand classes take some 12 MB
DEEPEST = 64  # lists and objects within each other
_DIGITS = 19  # of a whole number, with its sign: those of 64 bits
_SHOWN = 100  # characters of a message, from its beginning and its end


def parsed(text: str) -> Any:
    """What a JSON text says.

    Raises:
        InputError: no JSON (which has no NaN); a number that is not finite, or beyond 64 bits; more than DEEPEST
            levels; half a surrogate pair, which no file can hold.
    """
    try:
        raw = json.loads(text, parse_int=_integer, parse_float=_finite, parse_constant=_no_constant)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise InputError(f"not complete JSON ({error})") from error
    _require_shallow_text(raw)
    return raw


def check(raw: Any) -> None:
    """InputError for what is no record of this schema_version, with the first place where it is not."""
    wrong = next(_validator().iter_errors(raw), None)
    if wrong is not None:
        place = ".".join(map(str, wrong.absolute_path))
        said = f"{place}: {wrong.message}" if place else wrong.message
        if len(said) > 2 * _SHOWN:  # it begins with the place and ends with what is wrong
            said = f"{said[:_SHOWN]}…{said[-_SHOWN:]}"
        raise InputError(f"not a complete record: {plain(said)}")


@cache
def _validator() -> "Validator":
    import jsonschema  # a tenth of a second: only who reads or writes records waits

    # For JSON Schema 1.0 is an integer; for Python it is not.
    types = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
    kind: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        jsonschema.Draft202012Validator, type_checker=types
    )
    return kind(json.loads(files("bench.records").joinpath("record.schema.json").read_text("utf-8")))


def _is_integer(_: Any, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError(f"a whole number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number that is not finite")
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _require_shallow_text(raw: Any) -> None:
    """All levels in turn: by recursion it would end where it shall say how deep."""
    level = [raw]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _require_text(value)
            elif isinstance(value, Mapping):
                for key in value:
                    _require_text(key)
                below += value.values()
            elif isinstance(value, list):
                below += value
        level = below
        if not level:
            return
    raise _too_deep()


def _require_text(text: str) -> None:
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError as error:
        raise InputError("half a surrogate pair in a text") from error


def _too_deep() -> InputError:
    return InputError(f"more than {DEEPEST} lists and objects within each other")
