"""Values that several expressions make together: lists, dictionaries, comprehensions, conditions."""

import ast
from collections.abc import Callable

from repair.architecture.source.python.folding import MOST_ITEMS, CannotFold, compare
from repair.architecture.source.python.scopes import Scope
from repair.architecture.source.python.semantics import Interpreter
from repair.architecture.source.python.values import Value

PLAIN = (bool, int, float, str, type(None))


def folded(function: Callable[..., object], *values: object) -> tuple[Value] | None:
    """The value of a function of constants, in a tuple; None: it is not known."""
    try:
        return (function(*values),)
    except CannotFold:
        return None


def truth_of(value: Value) -> bool | None:
    """Whether a value counts as true; None: only running the program would tell."""
    return bool(value) if isinstance(value, (*PLAIN, list, tuple, dict)) else None


def entries(interpreter: Interpreter, nodes: list[ast.expr]) -> tuple[list[Value]] | None:
    """The values of the entries of a list, in a tuple; None: a starred entry is not known."""
    values: list[Value] = []
    known = True
    for node in nodes:
        value = interpreter.value(node.value if isinstance(node, ast.Starred) else node)
        if not isinstance(node, ast.Starred):
            values.append(value)
        elif isinstance(value, list | tuple) and len(values) + len(value) <= MOST_ITEMS:
            values += value
        else:
            known = False
    return (values,) if known else None


def dictionary(
    interpreter: Interpreter, keys: list[ast.expr | None], values: list[ast.expr]
) -> tuple[Value] | None:
    """A dictionary with texts for keys, in a tuple; None: a key is not known, or is no text."""
    entries: dict[str, Value] = {}
    known = True
    for key, node in zip(keys, values, strict=True):
        name = None if key is None else interpreter.value(key)
        value = interpreter.value(node)
        if isinstance(name, str):
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
        after = interpreter.value(node)
        holds = folded(compare, type(op), before, after)
        if holds is None:
            interpreter.forget(*rights[position + 1 :])
        if holds is None or not holds[0]:
            return holds
        before = after
    return (True,)


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
) -> tuple[Value] | None:
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
    source = interpreter.value(first.iter)
    if first.is_async or not isinstance(source, list | tuple):
        return False
    for item in source:
        interpreter.assign(first.target, item)
        truths = [interpreter.truth(test) for test in first.ifs]
        if None in truths:
            return False
        if all(truths) and not _gather(interpreter, element, rest, items):
            return False
    return True
