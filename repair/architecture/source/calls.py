"""Calls of layers on tensors."""

import ast

from repair.architecture.source.pool import Site
from repair.architecture.source.values import Given, Made, Tensor, Tensors, Value
from repair.architecture.source.walk import Walk

ANY = Tensor | Tensors
NAMED = ("query", "value", "key", "inputs", "initial_state")


def call_layer(walk: Walk, made: Made, given: Given, node: ast.Call) -> Value:
    """A call of a layer on tensors: a node of the graph."""
    inputs = tensors(given)
    site = Site(
        made.written,
        node,
        tuple(place for _, place in inputs),
        walk.statement,
        walk.pool.tick(),
    )
    reads = [reference for reference, _ in inputs]
    name = walk.pool.add(made.layer, reads, site, made.name, made.first)
    made.first = made.first or name
    return Tensors(name)


def tensors(given: Given) -> list[tuple[str, ast.expr | None]]:
    """The tensors that a call reads, by position, then by name, with their expressions."""
    found: list[tuple[str, ast.expr | None]] = []
    named = [given.named[name] for name in NAMED if name in given.named]
    for value, place in (*given.positional, *named):
        if isinstance(value, ANY):
            found.append((value.reference, place))
        elif isinstance(value, list | tuple) and value:
            inside = [item for item in value if isinstance(item, ANY)]
            if len(inside) == len(value):
                literal = isinstance(place, ast.List | ast.Tuple) and len(place.elts) == len(value)
                places = place.elts if literal else [None] * len(value)  # type: ignore
                found += [(t.reference, p) for t, p in zip(inside, places, strict=True)]
    return found


def references(value: Value) -> tuple[str, ...]:
    """The tensors of a value: one, or a list of them."""
    if isinstance(value, ANY):
        return (value.reference,)
    if isinstance(value, list | tuple):
        inside = [item.reference for item in value if isinstance(item, ANY)]
        return tuple(inside) if len(inside) == len(value) else ()
    return ()
