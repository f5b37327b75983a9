"""Settings that are checked: type, range and finiteness are read off the annotations when an object is built.

Pydantic judges each value, strictly, and the object keeps what it was given: a whole number is an int (2.0 is none, nor
is true), a number is an int or a float, a text is no number, None is for what may be None alone, and infinity and NaN
are never taken.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from numbers import Integral
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails

from repair.errors import InputError, unknown

MOST = 2**31 - 1  # JAX, HiGHS and Gurobi count with 32 bits
LARGEST = 1e30  # far within float32, so that a product does not become infinite
WIDEST = 2**16  # units or filters of a layer
_LONGEST = 80  # characters of a value in a message


def _whole(value: Any) -> Any:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return int(value) if whole else value  # NumPy's too


T = TypeVar("T")
Whole = Annotated[int, BeforeValidator(_whole)]
Count = Annotated[Whole, Field(ge=1, le=MOST)]
CountOrZero = Annotated[Whole, Field(ge=0, le=MOST)]
Width = Annotated[Whole, Field(ge=1, le=WIDEST)]
Seed = Annotated[Whole, Field(ge=0, lt=2**32)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Share = Annotated[float, Field(ge=0, le=1)]
ShareAboveZero = Annotated[float, Field(gt=0, le=1)]
Text = Annotated[str, Field(min_length=1)]
# What can be the name of a folder, on any system, and of nothing outside of it.
Name = Annotated[str, Field(max_length=100, pattern=r"^\w[\w .+=-]*$")]
Several = Annotated[Sequence[T], Field(min_length=1)]

Scale = Literal["0..1", "0..255"]
SolverName = Literal["auto", "gurobi", "highs"]
SolverThreads = Annotated[Whole, Field(ge=0, le=1024)]  # as Gurobi takes them
SolverSeed = Annotated[Whole, Field(ge=0, le=2_000_000_000)]  # likewise

_STRICT = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
# What was expected, by Pydantic's name of an error.
_WORDS = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "at most {le}",
    "string_type": "a text",
    "string_unicode": "a text of Unicode",
    "string_too_short": "a text that is not empty",
    "string_too_long": "a text of at most {max_length} characters",
    "string_pattern_mismatch": "a name of letters, digits, spaces and _ . + = -, that begins with a letter or digit",
    "list_type": "a list",
    "sequence_str": "a list",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "literal_error": "{expected}",
    "is_instance_of": "an object of the kind {class}",
}


class Settings:
    """The base of frozen dataclasses that check what they are given; fields are annotated as above.

    Raises:
        InputError: a value that its field's annotation does not admit.
    """

    def __post_init__(self) -> None:
        """Check each field; a class with rules between fields calls this first."""
        check(type(self), vars(self), f"{type(self).__name__}: ")


class As:
    """In an `Annotated`: what a field is checked as, where its declared type must be one that OmegaConf knows."""

    def __init__(self, hint: Any) -> None:
        self.hint = hint


def check(kind: type, values: Mapping[str, Any], prefix: str) -> None:
    """Check values by name against the annotations of a dataclass's fields of these names.

    Args:
        kind: the dataclass.
        values: of the fields that are to be checked.
        prefix: of a field's name in a message.

    Raises:
        InputError: the first that is not admitted.
    """
    for name, adapter in _adapters(kind).items():
        if name in values:
            try:
                adapter.validate_python(values[name])
            except ValidationError as error:
                raise _refusal(f"{prefix}{name}", error.errors(include_url=False)) from None


@cache
def _adapters(kind: type) -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: _adapter(hints[field.name]) for field in fields(kind)}


def _adapter(hint: Any) -> TypeAdapter[Any]:
    for extra in getattr(hint, "__metadata__", ()):
        hint = extra.hint if isinstance(extra, As) else hint
    if is_dataclass(hint):  # an object of it, not a mapping of its fields
        return TypeAdapter(InstanceOf[hint])
    return TypeAdapter(hint, config=_STRICT)


def _refusal(name: str, errors: Sequence[ErrorDetails]) -> InputError:
    """What is said of the errors that Pydantic has for one value: one for each type that it might have had."""
    places = [tuple(key for key in error["loc"] if isinstance(key, int)) for error in errors]
    place = max(places, key=len)
    there = [error for error, at in zip(errors, places, strict=True) if at == place]
    given = there[0]["input"]
    name += "".join(f"[{index}]" for index in place)
    for error in there:
        if error["type"] == "literal_error" and isinstance(given, str):
            known = re.findall(r"'([^']*)'", error["ctx"]["expected"])
            owner, _, own = name.rpartition(": ")
            kind = f"{own} of {owner.lower()}" if owner else own.removesuffix(".name")
            return unknown(kind, given, known)
    expected = " or ".join(dict.fromkeys(map(_expected, there)))
    text = repr(given)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return InputError(f"{name} is {text}; expected {expected}.")


def _expected(error: ErrorDetails) -> str:
    context = {
        key: f"{value:g}" if isinstance(value, float) else value
        for key, value in error.get("ctx", {}).items()
    }
    if error["type"] == "is_instance_of" and context["class"] == "Sequence":
        return _WORDS["list_type"]
    return _WORDS.get(error["type"], error["msg"]).format_map(context)
