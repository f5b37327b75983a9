"""Rows of the tables of the search: choices by what comes out and under which assumptions."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from repair.architecture import cost
from repair.architecture.layer import Layer, Shape
from repair.architecture.layers import Outputs
from repair.architecture.search.choices.adapters import NOTHING, Chain, single
from repair.architecture.search.choices.options import bridge

Assumed = tuple[tuple[str, int], ...]
"""Shared nodes and the number of the row of their table that is assumed."""


class Choice(NamedTuple):
    """What is done at a node and above it.

    Args:
        cost: packed, of everything above and of the node.
        node: its name; "" for the assumption of a row of a shared node.
        layer: the layer; None: taken out.
        chains: what is inserted before each input.
        above: the choices of the inputs, then those of shared nodes that were paid here.
    """

    cost: int
    node: str
    layer: Layer | None
    chains: tuple[Chain, ...]
    above: tuple["Choice", ...]


Row = tuple[Shape | Outputs, Assumed]
Table = dict[Row, list[Choice]]


Group = tuple[list[dict[Shape, list[Choice]]], Assumed]


def brought(side: Mapping[Shape, list[Choice]], order: Sequence[Shape], target: Shape,
             keep: int) -> list[tuple[int, Chain, Choice]]:  # fmt: skip
    """The cheapest choices of one input, brought to the target by inserted layers."""
    found: list[tuple[int, Chain, Choice]] = []
    if target in side:
        found += [(c.cost, NOTHING, c) for c in side[target]]
    for shape in order:
        least = side[shape][0].cost + cost.EDIT
        if len(found) >= keep and least >= found[keep - 1][0]:
            break
        if shape == target:
            continue
        chain = _shortest(shape, target, found[keep - 1][0] - least if len(found) >= keep else None)
        if chain is not None:
            found += [(c.cost + chain.cost, chain, c) for c in side[shape]]
            found.sort(key=lambda item: item[0])
    return found[:keep]


def _same(a: Choice, b: Choice) -> bool:
    """Equal here and made of the same choices above; all the way up would be deep."""
    alike = (a.layer, a.chains) == (b.layer, b.chains) and len(a.above) == len(b.above)
    return alike and all(x is y for x, y in zip(a.above, b.above, strict=True))


def _shortest(source: Shape, target: Shape, budget: int | None) -> Chain | None:
    """As `bridge`, but without the search for two layers where only one pays."""
    known = None not in source[1:] and None not in target[1:]
    if budget is not None and budget < cost.EDIT and known:
        return single(source[1:], target[1:])  # type: ignore[arg-type]
    return bridge(source, target)


def push(table: Table, row: Row, choice: Choice, keep: int) -> None:
    """Adds a choice to a table that holds the `keep` cheapest of each row."""
    choices = table.get(row)
    if choices is None:
        table[row] = [choice]
        return
    if len(choices) >= keep and choices[-1].cost <= choice.cost:
        return
    if any(c.cost == choice.cost and _same(c, choice) for c in choices):
        return
    choices.append(choice)
    choices.sort(key=lambda c: c.cost)
    del choices[keep:]


def implied(output: Shape | Outputs, assumed: Assumed, price: int, kept: Table) -> bool:
    """Whether inserted layers make this row as cheaply from one that is kept."""
    if isinstance(output, Outputs):
        return False
    for (other, assuming), choices in kept.items():
        left = price - choices[0].cost - cost.EDIT
        if left < cost.RESHAPE:
            return False
        if assuming == assumed and not isinstance(other, Outputs):
            chain = _shortest(other, output, left)
            if chain is not None and chain.cost <= left + cost.EDIT:
                return True
    return False


def together(several: Iterable[Assumed]) -> Assumed | None:
    """All assumptions together; None where two contradict each other."""
    merged: dict[str, int] = {}
    for assumed in several:
        for name, number in assumed:
            if merged.setdefault(name, number) != number:
                return None
    return tuple(sorted(merged.items()))


def agreeing(inputs: Sequence[Mapping[tuple[Shape, Assumed], list[Choice]]]) -> Iterable[Group]:
    """The rows of all inputs, grouped by assumptions that agree."""
    grouped: list[dict[Assumed, dict[Shape, list[Choice]]]] = []
    for rows in inputs:
        side: dict[Assumed, dict[Shape, list[Choice]]] = {}
        for (shape, assumed), choices in rows.items():
            side.setdefault(assumed, {})[shape] = choices
        grouped.append(side)
    for combination in product(*grouped):
        assumptions = together(combination)
        if assumptions is not None:
            sides = [side[key] for side, key in zip(grouped, combination, strict=True)]
            yield sides, assumptions
