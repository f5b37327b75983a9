"""Values that several expressions make together: lists, dictionaries, comprehensions, conditions."""

import ast
from collections.abc import Callable, Iterator

from repair.architecture.source.python.folding import (
    MOST_ITEMS,
    PLAIN,
    CannotFold,
    compare,
    truth_of,
)
from repair.architecture.source.python.formatting import bounded, formatted
from repair.architecture.source.python.scopes import Scope
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import Items, ObjectValue, Value


def folded(function: Callable[..., object], *values: object) -> tuple[Value] | None:
    """The value of a function of constants, in a tuple; None: it is not known."""
    try:
        return (function(*values),)
    except CannotFold:
        return None


def entries(interpreter: Interpreter, nodes: list[ast.expr]) -> tuple[list[Value]] | None:
    """The values of the entries of a list, in a tuple; None: a starred entry is not known."""
    values: list[Value] = []
    known = True
    for node in nodes:
        if not isinstance(node, ast.Starred):
            values.append(interpreter.value(node))
            continue
        value = interpreter.raw(node.value)
        spread = list(value.source) if isinstance(value, Items) else value
        if isinstance(spread, list | tuple | dict) and len(values) + len(spread) <= MOST_ITEMS:
            values += spread
        else:
            known = False
    return (values,) if known else None


def dictionary(
    interpreter: Interpreter, keys: list[ast.expr | None], values: list[ast.expr]
) -> tuple[Value] | None:
    """A dictionary with constants for keys, in a tuple; None: a key is not known."""
    entries: dict[Value, Value] = {}
    known = True
    for key, node in zip(keys, values, strict=True):
        name = None if key is None else interpreter.value(key)
        value = interpreter.value(node)
        if key is not None and isinstance(name, PLAIN):
            entries[name] = value
        elif key is None and isinstance(value, dict):
            entries |= value
        else:
            known = False
    return (entries,) if known else None


def comparison(
    interpreter: Interpreter, left: ast.expr, ops: list[ast.cmpop], rights: list[ast.expr]
) -> tuple[Value] | None:
    """The truth of a comparison, or of a chain of them up to the first that fails, in a tuple."""
    before = interpreter.value(left)
    for position, (op, node) in enumerate(zip(ops, rights, strict=True)):
        if isinstance(node, ast.Set):
            inside = entries(interpreter, node.elts)
            after: Value = tuple(inside[0]) if inside else interpreter.unknown(node)
        else:
            after = interpreter.value(node)
        holds = _compared(type(op), before, after)
        if holds is None:
            interpreter.forget(*rights[position + 1 :])
        if holds is None or not holds[0]:
            return holds
        before = after
    return (True,)


def _compared(kind: type[ast.cmpop], left: Value, right: Value) -> tuple[Value] | None:
    """The truth of one comparison, in a tuple; None: it is not known."""
    if kind in (ast.Is, ast.IsNot):
        objects = [value for value in (left, right) if value is not None]
        if len(objects) == 1 and isinstance(objects[0], ObjectValue | list | dict):
            return (kind is ast.IsNot,)
    return folded(compare, kind, left, right)


def joined(interpreter: Interpreter, nodes: list[ast.expr]) -> tuple[Value] | None:
    """The text of an f-string, in a tuple; None: a part of it is not known."""
    parts: list[str] = []
    known = True
    for node in nodes:
        if isinstance(node, ast.Constant):
            parts.append(str(node.value))
            continue
        assert isinstance(node, ast.FormattedValue)
        value = interpreter.value(node.value)
        inner = node.format_spec.values if isinstance(node.format_spec, ast.JoinedStr) else []
        spec = joined(interpreter, inner)
        conversion = chr(node.conversion) if node.conversion > 0 else ""
        text = folded(formatted, value, conversion, spec[0]) if spec else None
        known = known and text is not None
        parts.append(str(text[0]) if text else "")
    return folded(bounded, "".join(parts)) if known else None


def boolean(
    interpreter: Interpreter, decisive: bool, operands: list[ast.expr]
) -> tuple[Value] | None:
    """The value of `or` (decisive: True) or `and`: that of the first operand that decides."""
    value: Value = None
    for position, node in enumerate(operands):
        value = interpreter.value(node)
        truth = truth_of(value)
        if truth is None and position + 1 < len(operands):
            interpreter.forget(*operands[position + 1 :])
            return None
        if truth is decisive:
            break
    return (value,)


def comprehension(
    interpreter: Interpreter, element: ast.expr, generators: list[ast.comprehension]
) -> tuple[list[Value]] | None:
    """The list that a comprehension over known items makes, in a tuple; None: not known."""
    items: list[Value] = []
    interpreter.scopes = [*interpreter.scopes, Scope(inner=True)]
    try:
        known = _gather(interpreter, element, generators, items)
    finally:
        interpreter.scopes = interpreter.scopes[:-1]
    if not known:
        interpreter.forget(element, *generators)
    return (items,) if known else None


def _gather(
    interpreter: Interpreter,
    element: ast.expr,
    generators: list[ast.comprehension],
    items: list[Value],
) -> bool:
    """Adds what the generators make to `items`; False: only running the program would tell."""
    if not generators:
        items.append(interpreter.value(element))
        return True
    first, rest = generators[0], generators[1:]
    source = interpreter.raw(first.iter)
    if first.is_async or not isinstance(source, list | tuple | dict | str | Items):
        return False
    for turn in turns(interpreter, source):
        if turn is None:
            return False
        (item,) = turn
        interpreter.assign(first.target, item)
        truths = [interpreter.truth(test) for test in first.ifs]
        if None in truths:
            return False
        if all(truths) and not _gather(interpreter, element, rest, items):
            return False
    return True


def turns(
    interpreter: Interpreter,
    source: list[Value] | tuple[Value, ...] | dict[Value, Value] | str | Items,
) -> Iterator[tuple[Value] | None]:
    """Yields what each turn of a loop takes, in a tuple; None: from here on it is not known."""
    parts = source.parts if isinstance(source, Items) else (source,)
    items = iter(source.source if isinstance(source, Items) else source)
    while not any(id(part) in interpreter.lost for part in parts):
        try:
            item = next(items)
        except StopIteration:
            return
        except RuntimeError:  # a dictionary that grows while it is read
            break
        yield (item,)
    yield None


def mapping(interpreter: Interpreter, node: ast.DictComp) -> tuple[Value] | None:
    """The dictionary that a comprehension over known items makes, in a tuple; None: not known."""
    pair = ast.copy_location(ast.Tuple([node.key, node.value], ast.Load()), node)
    pairs = comprehension(interpreter, pair, node.generators)
    if pairs is None or not all(isinstance(key, PLAIN) for key, _ in pairs[0]):  # type: ignore
        return None
    return (dict(pairs[0]),)  # type: ignore
