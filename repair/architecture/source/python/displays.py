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


def entries(walk: Interpreter, nodes: list[ast.expr]) -> tuple[list[Value]] | None:
    """The values of the entries of a list, in a tuple; None: a starred entry is not known."""
    values: list[Value] = []
    known = True
    for node in nodes:
        value = walk.value(node.value if isinstance(node, ast.Starred) else node)
        if not isinstance(node, ast.Starred):
            values.append(value)
        elif isinstance(value, list | tuple) and len(values) + len(value) <= MOST_ITEMS:
            values += value
        else:
            known = False
    return (values,) if known else None


def dictionary(
    walk: Interpreter, keys: list[ast.expr | None], values: list[ast.expr]
) -> tuple[Value] | None:
    """A dictionary with texts for keys, in a tuple; None: a key is not known, or is no text."""
    entries: dict[str, Value] = {}
    known = True
    for key, node in zip(keys, values, strict=True):
        name = None if key is None else walk.value(key)
        value = walk.value(node)
        if isinstance(name, str):
            entries[name] = value
        elif key is None and isinstance(value, dict):
            entries |= value
        else:
            known = False
    return (entries,) if known else None


def comparison(
    walk: Interpreter, left: ast.expr, ops: list[ast.cmpop], rights: list[ast.expr]
) -> tuple[Value] | None:
    """The truth of a comparison, or of a chain of them up to the first that fails, in a tuple."""
    before = walk.value(left)
    for position, (op, node) in enumerate(zip(ops, rights, strict=True)):
        after = walk.value(node)
        holds = folded(compare, type(op), before, after)
        if holds is None:
            walk.forget(*rights[position + 1 :])
        if holds is None or not holds[0]:
            return holds
        before = after
    return (True,)


def boolean(walk: Interpreter, decisive: bool, operands: list[ast.expr]) -> tuple[Value] | None:
    """The value of `or` (decisive: True) or `and`: that of the first operand that decides."""
    value: Value = None
    for position, node in enumerate(operands):
        value = walk.value(node)
        truth = truth_of(value)
        if truth is None and position + 1 < len(operands):
            walk.forget(*operands[position + 1 :])
            return None
        if truth is decisive:
            break
    return (value,)


def comprehension(
    walk: Interpreter, element: ast.expr, generators: list[ast.comprehension]
) -> tuple[Value] | None:
    """The list that a comprehension over known items makes, in a tuple; None: not known."""
    items: list[Value] = []
    walk.scopes = [*walk.scopes, Scope(inner=True)]
    try:
        known = _gather(walk, element, generators, items)
    finally:
        walk.scopes = walk.scopes[:-1]
    if not known:
        walk.forget(element, *generators)
    return (items,) if known else None


def _gather(
    walk: Interpreter,
    element: ast.expr,
    generators: list[ast.comprehension],
    items: list[Value],
) -> bool:
    """Adds what the generators make to `items`; False: only running the program would tell."""
    if not generators:
        items.append(walk.value(element))
        return True
    first, rest = generators[0], generators[1:]
    source = walk.value(first.iter)
    if first.is_async or not isinstance(source, list | tuple):
        return False
    for item in source:
        walk.assign(first.target, item)
        truths = [walk.truth(test) for test in first.ifs]
        if None in truths:
            return False
        if all(truths) and not _gather(walk, element, rest, items):
            return False
    return True
