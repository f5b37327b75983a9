"""Edits of calls and of whole expressions, as small as their texts allow."""

import ast
from collections.abc import Mapping

from repair.architecture.source.network.values import Parameter
from repair.architecture.source.text import SourceText, TextEdit


def edited_call(
    source: SourceText,
    call: ast.Call,
    values: Mapping[Parameter, str | None],
    rename: str | None = None,
) -> TextEdit:
    """The edit that gives a call other arguments, or calls another name.

    Args:
        source: the program.
        call: the call.
        values: by parameter, source text of the new value; None takes the argument out.
        rename: another name of what is called, in place of the last part.
    """
    # libcst takes over a second to import: only when a call is really changed
    from repair.architecture.source.edit.call_text import changed_call, trimmed

    start, end = source.span(call)
    text = source.text[start:end]
    return trimmed(start, text, changed_call(text, values, rename))


def replaced_expression(source: SourceText, expression: ast.expr, text: str) -> TextEdit:
    """The edit that puts another text in place of an expression."""
    from repair.architecture.source.edit.call_text import trimmed

    start, end = source.span(expression)
    return trimmed(start, source.text[start:end], text)


def with_arguments(code: str, values: Mapping[Parameter, str | None]) -> str:
    """The text of a call with other arguments."""
    from repair.architecture.source.edit.call_text import changed_call

    return changed_call(code, values)
