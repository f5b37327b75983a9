"""Values that several expressions make together: lists, dictionaries, comprehensions, conditions."""

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from repair.architecture.source.folding import MOST_ITEMS, CannotFold, compare
from repair.architecture.source.scopes import Scope
from repair.architecture.source.values import Value

if TYPE_CHECKING:
    from repair.architecture.source.evaluate import Evaluator

PLAIN = (bool, int, float, str, type(None))


def folded(function: Callable[..., object], *values: object) -> tuple[Value] | None:
    """What a function makes of constants, in a tuple; None: it is not known."""
    try:
        return (function(*values),)
    except CannotFold:
        return None


def truth_of(value: Value) -> bool | None:
    """Whether a value counts as true; None: only running the program would tell."""
    return bool(value) if isinstance(value, (*PLAIN, list, tuple, dict)) else None


def items(walk: "Evaluator", nodes: list[ast.expr]) -> tuple[list[Value]] | None:
    """The values of the entries of a list, in a tuple; None: a starred entry is not known."""
    found: list[Value] = []
    known = True
    for node in nodes:
        value = walk.value(node.value if isinstance(node, ast.Starred) else node)
        if not isinstance(node, ast.Starred):
            found.append(value)
        elif isinstance(value, list | tuple) and len(found) + len(value) <= MOST_ITEMS:
            found += value
        else:
            known = False
    return (found,) if known else None


def dictionary(
    walk: "Evaluator", keys: list[ast.expr | None], values: list[ast.expr]
) -> tuple[Value] | None:
    """A dictionary with texts for keys."""
    found: dict[str, Value] = {}
    known = True
    for key, node in zip(keys, values, strict=True):
        name = None if key is None else walk.value(key)
        value = walk.value(node)
        if isinstance(name, str):
            found[name] = value
        elif key is None and isinstance(value, dict):
            found |= value
        else:
            known = False
    return (found,) if known else None


def compared(
    walk: "Evaluator", left: ast.expr, ops: list[ast.cmpop], rights: list[ast.expr]
) -> tuple[Value] | None:
    """The truth of a comparison, or of a chain of them up to the first that fails."""
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


def either(walk: "Evaluator", wanted: bool, operands: list[ast.expr]) -> tuple[Value] | None:
    """The value of `or` (wanted: True) or `and`: of the first operand that decides."""
    value: Value = None
    for position, node in enumerate(operands):
        value = walk.value(node)
        truth = truth_of(value)
        if truth is None and position + 1 < len(operands):
            walk.forget(*operands[position + 1 :])
            return None
        if truth is wanted:
            break
    return (value,)


def comprehension(
    walk: "Evaluator", element: ast.expr, generators: list[ast.comprehension]
) -> tuple[Value] | None:
    """The list that a comprehension over known items makes."""
    found: list[Value] = []
    walk.scopes = [*walk.scopes, Scope(inner=True)]
    try:
        known = _gather(walk, element, generators, found)
    finally:
        walk.scopes = walk.scopes[:-1]
    if not known:
        walk.forget(element, *generators)
    return (found,) if known else None


def _gather(
    walk: "Evaluator",
    element: ast.expr,
    generators: list[ast.comprehension],
    found: list[Value],
) -> bool:
    """Adds what the generators make to a list; False: only running the program would tell."""
    if not generators:
        found.append(walk.value(element))
        return True
    first, rest = generators[0], generators[1:]
    items = walk.value(first.iter)
    if first.is_async or not isinstance(items, list | tuple):
        return False
    for item in items:
        walk.assign(first.target, item)
        truths = [walk.truth(test) for test in first.ifs]
        if None in truths:
            return False
        if all(truths) and not _gather(walk, element, rest, found):
            return False
    return True
