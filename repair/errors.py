"""Errors that a person can act on."""

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Bad input: the message says what was given, what was expected and what to do.

    Commands print the message alone and exit with code 2.
    """


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """The error for a name that does not exist, with the names that do.

    Args:
        kind: what the name stands for, such as "experiment".
        name: the name that was given.
        known: the names that exist.
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return InputError(f"unknown {kind} {name!r}.{hint} Known: {', '.join(names) or 'none'}.")
