"""Checks of the parts of a parsed document: what must be an object or a list."""

from collections.abc import Mapping

from repair.errors import InputError


def as_object(value: object, what: str) -> Mapping[str, object]:
    """The value, which must be an object.

    Raises:
        InputError: the value is of another type.
    """
    if not isinstance(value, dict):
        raise InputError(f"{what}: expected an object, got {value!r:.60}.")
    return value


def as_list(value: object, what: str) -> list[object]:
    """The value, which must be a list.

    Raises:
        InputError: the value is of another type.
    """
    if not isinstance(value, list):
        raise InputError(f"{what}: expected a list, got {value!r:.60}.")
    return value
