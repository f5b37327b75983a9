"""Other arguments for a call, as text: libcst keeps the formatting and the comments of the rest."""

from collections.abc import Mapping

import libcst as cst

from repair.architecture.source.network.values import Parameter
from repair.architecture.source.text import TextEdit


def changed_call(
    text: str, values: Mapping[Parameter, str | None], rename: str | None = None
) -> str:
    """The text of a call with other arguments.

    Args:
        text: of a call expression.
        values: by parameter, source text of the new value; None takes the argument out.
        rename: another name of what is called, in place of the last part.
    """
    call = cst.ensure_type(cst.parse_expression(text), cst.Call)
    arguments = list(call.args)
    for parameter, value in values.items():
        index = _index(arguments, parameter)
        if value is None:
            if index is not None:
                arguments = _without(arguments, index)
        elif index is not None:
            new = cst.parse_expression(value)
            arguments[index] = arguments[index].with_changes(value=new)
        else:
            arguments = _with(arguments, parameter.name, value)
    call = call.with_changes(args=arguments)
    if rename is not None:
        function = call.func
        name = cst.Name(rename)
        call = call.with_changes(
            func=function.with_changes(attr=name) if isinstance(function, cst.Attribute) else name
        )
    return cst.Module([]).code_for_node(call)


def trimmed(start: int, before: str, after: str) -> TextEdit:
    """The smallest edit that turns one text at a place into another."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    return TextEdit(start + head, start + len(before) - tail, after[head : len(after) - tail])


def _common(left: str, right: str) -> int:
    """The number of characters that two texts start with alike."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((k for k, (a, b) in pairs if a != b), min(len(left), len(right)))


def _index(arguments: list[cst.Arg], parameter: Parameter) -> int | None:
    for index, argument in enumerate(arguments):
        if argument.keyword is not None and argument.keyword.value == parameter.name:
            return index
    position = parameter.position
    if position is None or position >= len(arguments):
        return None
    plain = all(a.keyword is None and not a.star for a in arguments[: position + 1])
    return position if plain else None


def _with(arguments: list[cst.Arg], name: str, value: str) -> list[cst.Arg]:
    """One more argument by name: last, but before `rngs`, which people write last."""
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    new = cst.Arg(cst.parse_expression(value), keyword=cst.Name(name), equal=tight)
    names = [argument.keyword.value if argument.keyword else "" for argument in arguments]
    at = names.index("rngs") if "rngs" in names else len(arguments)
    usual = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    if at < len(arguments):
        between = _bare(arguments[at - 1].comma) if at else usual
        return [*arguments[:at], new.with_changes(comma=between), *arguments[at:]]
    if not arguments:
        return [new]
    last, end = arguments[-1], arguments[-1].comma
    between = _bare(arguments[-2].comma) if len(arguments) > 1 else usual
    if isinstance(end, cst.Comma):
        # a comment behind the last argument stays with it
        new = new.with_changes(comma=_bare(end))
        between = _indented_as(end, between)
    else:
        new = new.with_changes(whitespace_after_arg=last.whitespace_after_arg)
        last = last.with_changes(whitespace_after_arg=cst.SimpleWhitespace(""))
    return [*arguments[:-1], last.with_changes(comma=between), new]


def _bare(comma: cst.Comma | cst.MaybeSentinel) -> cst.Comma | cst.MaybeSentinel:
    """A comma and the line break behind it, without a comment."""
    space = comma.whitespace_after if isinstance(comma, cst.Comma) else None
    if not isinstance(comma, cst.Comma) or not isinstance(space, cst.ParenthesizedWhitespace):
        return comma
    first = cst.TrailingWhitespace(newline=space.first_line.newline)
    return comma.with_changes(whitespace_after=space.with_changes(first_line=first, empty_lines=[]))


def _indented_as(
    comma: cst.Comma, other: cst.Comma | cst.MaybeSentinel
) -> cst.Comma | cst.MaybeSentinel:
    """A comma with its comment and line break, and the indentation behind another."""
    here = comma.whitespace_after
    there = other.whitespace_after if isinstance(other, cst.Comma) else None
    broken = cst.ParenthesizedWhitespace
    if not isinstance(here, broken) or not isinstance(there, broken):
        return other
    return comma.with_changes(whitespace_after=here.with_changes(last_line=there.last_line))


def _without(arguments: list[cst.Arg], index: int) -> list[cst.Arg]:
    rest = arguments[:index] + arguments[index + 1 :]
    if index == len(arguments) - 1 and rest:
        rest[-1] = rest[-1].with_changes(comma=arguments[-1].comma)
    return rest
