"""Errors that a person can act on."""

import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """Bad input: the message says what was given, what was expected and what to do.

    Commands print the message alone and exit with code 2. Names in it may come from a stranger's file: what a terminal
    would obey is shown as an escape.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


def printable(text: str) -> str:
    """Returns a text of one or more lines in which characters that a terminal would obey are written as escapes."""
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs")
        else character
        for character in text
    )


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
