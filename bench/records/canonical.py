"""One text for each value of a config: the same exactly for values that are equal in value and type."""

import json
from collections.abc import Mapping
from typing import Any

from repair.errors import InputError

_PLAIN = (type(None), bool, int, float, str)


def canonical(value: Any, where: str = "") -> str:
    """The JSON of a value with sorted keys, which has no place for NaN, infinities and keys that are no texts.

    These stand there as they are, without quotes, so that no other value has their text. So 1, 1.0, True and "1"
    are four values, 0.0 and -0.0 two, a NaN is equal to each other NaN, and a tuple is its list.

    Args:
        value: the value.
        where: the name of the setting, for the error.

    Raises:
        InputError: a value that config.yaml cannot hold, such as a set, or a text that is not Unicode.
    """
    if isinstance(value, Mapping):
        entries = sorted(value.items(), key=lambda entry: _order(entry[0], where))
        inner = (f"{_atom(key, where)}:{canonical(v, _below(where, key))}" for key, v in entries)
        return f"{{{','.join(inner)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(canonical(item, where) for item in value)}]"
    return _atom(value, where)


def difference(one: Any, other: Any, where: str = "") -> str | None:
    """What says where two values first differ, such as "method.k is 3, not 5"; None where they are equal."""
    if canonical(one, where) == canonical(other, where):
        return None
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in [*one, *(key for key in other if key not in one)]:
            below = _below(where, key)
            if key not in other:
                return f"{below} is {_short(one[key])}, not left out"
            if key not in one:
                return f"{below} is left out, not {_short(other[key])}"
            inner = difference(one[key], other[key], below)
            if inner is not None:
                return inner
        return f"{where} has keys of one type, not of another"
    return f"{where} is {_short(one)}, not {_short(other)}"


def _order(key: Any, where: str) -> tuple[bool, str]:
    return (False, key) if isinstance(key, str) else (True, _atom(key, where))


def _below(where: str, key: Any) -> str:
    return f"{where}.{key}" if where else str(key)


def _atom(value: Any, where: str) -> str:
    name = f"setting {where}: " if where else ""
    if type(value) not in _PLAIN:
        raise InputError(
            f"{name}{type(value).__name__} {value!r} in a config: expected a number, a text, true, false, null, a list "
            "or a mapping of such."
        )
    try:
        if isinstance(value, str):
            value.encode()  # halves of surrogate pairs: JSON takes two of them for one character
        return json.dumps(value)
    except UnicodeEncodeError as error:
        raise InputError(
            f"{name}{value!r} is no Unicode text. Write it, or name the file, in UTF-8."
        ) from error
    except ValueError as error:
        raise InputError(f"{name}an integer with too many digits to be written down.") from error


def _short(value: Any) -> str:
    text = canonical(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
