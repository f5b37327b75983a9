"""Texts that a program makes of constants: by f-strings, `%`, `format` and methods; bounded in length."""

import re
import string
from collections.abc import Mapping, Sequence

from repair.architecture.source.python.folding import CannotFold

MOST_TEXT = 10_000
"""Most characters of a text that is made."""
PLAIN_METHODS = frozenset(
    ("upper", "lower", "strip", "lstrip", "rstrip", "title", "capitalize", "startswith", "endswith")
)
PLAIN_METHODS |= {"split", "rsplit", "isdigit", "replace", "removeprefix", "removesuffix", "find"}
"""Methods of texts that make no text longer than bounds allow, given constants."""


def is_plain(value: object) -> bool:
    """Whether a value is a constant, which Python writes as the reader does."""
    return value is None or isinstance(value, bool | int | float | str)


def formatted(value: object, conversion: str = "", spec: str = "") -> str:
    """What format(value, spec) gives, after str or repr where a conversion says so.

    Raises:
        CannotFold: not a constant, a wide field, or a format that does not fit.
    """
    if not is_plain(value) or re.search(r"\d{4}", spec):
        raise CannotFold
    if conversion:
        value = repr(value) if conversion == "r" else str(value)
    try:
        return bounded(format(value, spec))
    except (ValueError, TypeError, OverflowError):
        raise CannotFold from None


def bounded(text: str) -> str:
    """The same text.

    Raises:
        CannotFold: it is too long.
    """
    if len(text) > MOST_TEXT:
        raise CannotFold
    return text


def percent(template: str, values: object) -> str:
    """What template % values gives.

    Raises:
        CannotFold: values that are not constants, wide fields, or a template that does not fit.
    """
    items = values if isinstance(values, tuple) else (values,)
    wide = re.search(r"\d{4}|%[^a-zA-Z%]*\*", template)
    if not all(map(is_plain, items)) or wide:
        raise CannotFold
    try:
        return bounded(template % values)
    except (ValueError, TypeError, OverflowError):
        raise CannotFold from None


def format_call(template: str, values: Sequence[object], named: Mapping[str, object]) -> str:
    """What template.format(*values, **named) gives.

    Raises:
        CannotFold: fields of attributes or entries, nested fields, or values that do not fit.
    """
    parts: list[str] = []
    position = 0
    try:
        for text, name, spec, conversion in string.Formatter().parse(template):
            parts.append(text)
            if name is None:
                continue
            if name == "":
                name, position = str(position), position + 1
            elif name.isdecimal() and position:
                raise CannotFold
            if "{" in (spec or "") or not (name.isdecimal() or name.isidentifier()):
                raise CannotFold
            value = values[int(name)] if name.isdecimal() else named[name]
            parts.append(formatted(value, conversion or "", spec or ""))
    except (ValueError, LookupError):
        raise CannotFold from None
    return bounded("".join(parts))


def method(text: str, name: str, values: Sequence[object], named: Mapping[str, object]) -> object:
    """The value of a method of a text.

    Raises:
        CannotFold: another method, or arguments that are not constants.
    """
    if name == "format":
        return format_call(text, values, named)
    if name == "join" and len(values) == 1 and isinstance(values[0], list | tuple):
        items = values[0]
        if not all(isinstance(item, str) for item in items) or len(items) > MOST_TEXT:
            raise CannotFold
        if sum(len(item) + len(text) for item in items) > MOST_TEXT:
            raise CannotFold
        return text.join(items)
    constants = all(is_plain(value) for value in values)
    if name == "zfill" and len(values) == 1 and type(values[0]) is int and values[0] < MOST_TEXT:
        return text.zfill(values[0])
    if name not in PLAIN_METHODS or named or not constants:
        raise CannotFold
    if name == "replace":
        longest = max((len(value) for value in values if isinstance(value, str)), default=0)
        if (len(text) + 1) * (longest + 1) > MOST_TEXT**1.5:
            raise CannotFold
    try:
        made = getattr(text, name)(*values)
    except (ValueError, TypeError, OverflowError):
        raise CannotFold from None
    return bounded(made) if isinstance(made, str) else made
