"""Arguments of layers that have to be constants: sizes, flags, names of activations."""

from repair.architecture.layer import LONGEST, Dim, freeze
from repair.architecture.layer import Value as Plain
from repair.architecture.source.python.values import QualifiedName, Unknown, Value
from repair.errors import InputError


def constant(value: Value, what: str, line: int) -> Plain:
    """A constant argument in the form of the table: tuples for lists, names for functions.

    Raises:
        InputError: only running the program would tell.
    """
    if isinstance(value, QualifiedName):
        return value.last  # an activation as a function: keras.activations.relu
    if isinstance(value, list | tuple):
        if _holds_over(LONGEST, value):
            raise InputError(f"line {line}: {what} holds over {LONGEST} values: expected less.")
        return tuple(constant(item, what, line) for item in value)
    if isinstance(value, Unknown):
        raise InputError(
            f"line {line}: {what}={value.text} is not a constant that can be read without running "
            f"the program. Write its value, or give it with --define NAME=VALUE."
        )
    if value is None or isinstance(value, bool | int | float | str):
        return freeze(value, f"line {line}: {what}")
    raise InputError(f"line {line}: {what} is not a constant: write its value.")


def _holds_over(most: int, value: Value) -> bool:
    """Whether nested lists hold over so many values, each as often as it stands there."""
    waiting, count = [value], 0
    while waiting and count <= most:
        item = waiting.pop()
        count += 1
        if isinstance(item, list | tuple):
            count += len(item)
            waiting += item[: most + 1]
    return count > most


def sizes(value: Value) -> tuple[Dim, ...] | None:
    """A shape of constants; None: it is not one."""
    if isinstance(value, list | tuple) and all(v is None or type(v) is int for v in value):
        return tuple(value)
    return None


def upper_case(value: object) -> object:
    """The padding of Keras as Flax spells it: "SAME" for "same"."""
    return str(value).upper()
