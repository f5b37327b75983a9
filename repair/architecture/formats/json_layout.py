"""How JSON is laid out in a file, so that a repair changes no other lines."""

import json
import re
from collections.abc import Callable


def pretty(document: object, indent: int = 2) -> str:
    """JSON with lists of plain values on one line each."""
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    # a line break stands between values only, never inside a JSON text
    flat = re.sub(
        r"\[\n\s*([^\[\]{}]*?)\n\s*\]",
        lambda match: "[" + re.sub(r"\s*\n\s*", " ", match[1]) + "]",
        text,
    )
    return flat + "\n"


Layout = Callable[[object], str]


def layout_of(text: str, document: object) -> Layout:
    """How a file lays JSON out, if it is one of the usual ways; else `pretty`."""
    first_lines = re.match(r"\s*[\[{]\r?\n( +)", text)
    if first_lines is None:
        return pretty
    indent = len(first_lines[1])
    for layout in (_expanded(indent, True), _expanded(indent, False), _pretty(indent)):
        if layout(document).strip() == text.strip():
            return layout
    return pretty


def _expanded(indent: int, ascii_only: bool) -> Layout:
    return lambda document: json.dumps(document, indent=indent, ensure_ascii=ascii_only) + "\n"


def _pretty(indent: int) -> Layout:
    return lambda document: pretty(document, indent)
