"""Edits of lists and statements that keep lines, indentation and comments as they are."""

import ast
import re

from repair.architecture.source.text import SourceText, TextEdit

_TAIL = re.compile(r"(,?)[ \t]*(#[^\r\n]*)?(\r\n|\r|\n|$)")


def entry_before(
    source: SourceText, entry: ast.expr | ast.stmt, codes: list[str]
) -> list[TextEdit]:
    """Inserts entries of a list, or calls such as model.add(...), before one."""
    start, _ = source.span(entry)
    own = source.first_on_line(start)
    gap = source.newline + source.indent(start)
    if isinstance(entry, ast.stmt):
        text = "".join(statement(source, entry, code) + (gap if own else "; ") for code in codes)
    else:
        text = "".join(f"{code},{gap if own else ' '}" for code in codes)
    return [TextEdit(start, start, text)]


def entry_after(source: SourceText, entry: ast.expr | ast.stmt, codes: list[str]) -> list[TextEdit]:
    """Inserts entries of a list, or calls such as model.add(...), after one."""
    start, end = source.span(entry)
    gap = source.newline + source.indent(start)
    tail = _TAIL.match(source.text, end)
    line_end = tail.end(2) if tail and tail[2] else tail.end(1) if tail else end
    if isinstance(entry, ast.stmt):
        lines = "".join(gap + statement(source, entry, code) for code in codes)
        return [TextEdit(line_end if tail else end, line_end if tail else end, lines)]
    if not source.first_on_line(start) or not tail:
        return [TextEdit(end, end, "".join(f", {code}" for code in codes))]
    if tail[1]:
        return [TextEdit(line_end, line_end, "".join(f"{gap}{code}," for code in codes))]
    rest = f",{gap}".join(codes)
    if line_end == end:
        return [TextEdit(end, end, f",{gap}{rest}")]
    return [TextEdit(end, end, ","), TextEdit(line_end, line_end, gap + rest)]


def without(
    source: SourceText, entry: ast.expr | ast.stmt, entries: tuple[ast.expr, ...]
) -> TextEdit:
    """Takes out an entry of a list or a statement, with its line where it stands alone."""
    start, end = source.span(entry)
    tail = _TAIL.match(source.text, end)
    if source.first_on_line(start) and tail:
        return TextEdit(source.line_start(start), tail.end(), "")
    places = [source.span(item) for item in entries]
    if (start, end) in places:
        index = places.index((start, end))
        if index + 1 < len(places):
            return TextEdit(start, places[index + 1][0], "")
        if index:
            return TextEdit(places[index - 1][1], end, "")
    return TextEdit(start, end, "pass" if isinstance(entry, ast.stmt) else "")


def line_before(source: SourceText, neighbour: ast.stmt, text: str) -> TextEdit:
    """Inserts a statement before one that starts its line."""
    start, _ = source.span(neighbour)
    return TextEdit(start, start, text + source.newline + source.indent(start))


def line_after(source: SourceText, neighbour: ast.stmt, text: str) -> TextEdit:
    """Inserts a statement after one, behind its comment."""
    start, end = source.span(neighbour)
    tail = re.compile(r"[ \t]*(#[^\r\n]*)?").match(source.text, end)
    at = tail.end() if tail and tail[1] else end
    return TextEdit(at, at, source.newline + source.indent(start) + text)


def statement(source: SourceText, example: ast.stmt, code: str) -> str:
    """A call like that of an example statement, `model.add(...)`, with other contents."""
    call = example.value if isinstance(example, ast.Expr) else None
    function = source.text_of(call.func) if isinstance(call, ast.Call) else "model.add"
    return f"{function}({code})"
