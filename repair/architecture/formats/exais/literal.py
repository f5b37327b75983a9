"""Values of the published tool's model JSON, which are texts: numbers, tuples, tensors."""

import json
from math import isfinite

from repair.architecture.layer import Shape
from repair.errors import InputError


def sizes_of(tensor: object) -> Shape:
    """The sizes of a nested list, read along its first entries."""
    sizes: list[int] = []
    while isinstance(tensor, list):
        sizes.append(len(tensor))
        tensor = tensor[0] if tensor else None
    return tuple(sizes)


def literal(value: object, name: str) -> object:
    """A value of the format: numbers, truth values, nested tuples or lists, else the text itself.

    Raises:
        InputError: brackets that do not match, nesting that is too deep, or a number that is none.
    """
    if not isinstance(value, str):
        return value
    text = value.strip().strip("'")
    if not text:
        return None
    try:
        parsed = json.loads(text.replace("(", "[").replace(")", "]").replace(",]", "]"))
    except RecursionError:
        raise InputError(f"{name}: {value[:40]!r}... is nested too deeply.") from None
    except ValueError:
        if text[0] in "[(":
            parsed = _several(text, name)
        else:
            return text
    if isinstance(parsed, float) and not isfinite(parsed):
        raise InputError(f"{name}: {value!r:.60} is not a finite number.")
    return parsed


def _several(text: str, name: str) -> object:
    """Groups without brackets around them, such as "(2,2),(1,1)"."""
    try:
        return json.loads(f"[{text.replace('(', '[').replace(')', ']')}]")
    except (ValueError, RecursionError):
        raise InputError(f"{name}: cannot read the value {text[:60]!r}.") from None
