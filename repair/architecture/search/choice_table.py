"""Rows of the tables of the search: choices by what comes out and under which assumptions."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from repair.architecture import cost
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import Outputs
from repair.architecture.search.choices.adapters import NO_ADAPTERS, AdapterChain, single_adapter
from repair.architecture.search.choices.options import cheapest_adapters

Assumptions = tuple[tuple[str, int], ...]
"""Nodes that are read more than once, and for each the number of the row that is assumed."""


class Choice(NamedTuple):
    """What is done at a node and above it.

    Args:
        cost: the packed cost of everything above and of the node.
        node: the name of the node; "" for the assumption of a row of a shared node.
        layer: the layer; None: it is taken out.
        chains: the layers that are inserted before each input.
        above: the choices of the inputs, then those of shared nodes that were paid for here.
    """

    cost: int
    node: str
    layer: LayerSpec | None
    chains: tuple[AdapterChain, ...]
    above: tuple["Choice", ...]

    def with_above(self, other: "Choice") -> "Choice":
        """The choice with another one above it, paid for."""
        return self._replace(cost=self.cost + other.cost, above=(*self.above, other))


NO_CHOICE = Choice(0, "", None, (), ())
Row = tuple[Shape | Outputs, Assumptions]
ChoiceTable = dict[Row, list[Choice]]
"""For each row the cheapest choices, cheapest first."""
AdaptedChoice = tuple[int, AdapterChain, Choice]
"""A packed cost, inserted layers, and the choice that they follow."""
AgreeingRows = tuple[list[dict[Shape, list[Choice]]], Assumptions]
"""For each input the choices by shape, and the assumptions that all of them share."""


def adapted_choices(
    side: Mapping[Shape, list[Choice]], order: Sequence[Shape], target: Shape, keep: int
) -> list[AdaptedChoice]:
    """The cheapest choices of one input, brought to the target shape by inserted layers.

    Args:
        side: choices of the input by shape.
        order: the shapes, cheapest first.
        target: the shape to reach.
        keep: most choices to return.
    """
    adapted: list[AdaptedChoice] = []
    if target in side:
        adapted += [(c.cost, NO_ADAPTERS, c) for c in side[target]]
    for shape in order:
        least = side[shape][0].cost + cost.EDIT
        full = len(adapted) >= keep
        if full and least >= adapted[keep - 1][0]:
            break
        if shape == target:
            continue
        chain = _chain_within(shape, target, adapted[keep - 1][0] - least if full else None)
        if chain is not None:
            adapted += [(c.cost + chain.cost, chain, c) for c in side[shape]]
            adapted.sort(key=lambda item: item[0])
    return adapted[:keep]


def _chain_within(source: Shape, target: Shape, budget: int | None) -> AdapterChain | None:
    """As `cheapest_adapters`, but without the search for two layers where only one pays."""
    known = None not in source[1:] and None not in target[1:]
    if budget is not None and budget < cost.EDIT and known:
        return single_adapter(source[1:], target[1:])  # type: ignore[arg-type]
    return cheapest_adapters(source, target)


def add_choice(table: ChoiceTable, row: Row, choice: Choice, keep: int) -> None:
    """Adds a choice to a table that holds the `keep` cheapest of each row."""
    choices = table.get(row)
    if choices is None:
        table[row] = [choice]
        return
    if len(choices) >= keep and choices[-1].cost <= choice.cost:
        return
    if any(c.cost == choice.cost and _equal_here(c, choice) for c in choices):
        return
    choices.append(choice)
    choices.sort(key=lambda c: c.cost)
    del choices[keep:]


def _equal_here(a: Choice, b: Choice) -> bool:
    """Whether two are equal and made of the same choices above; all the way up would be deep."""
    alike = (a.layer, a.chains) == (b.layer, b.chains) and len(a.above) == len(b.above)
    return alike and all(x is y for x, y in zip(a.above, b.above, strict=True))


def adapters_reach(
    output: Shape | Outputs, assumed: Assumptions, total: int, kept: ChoiceTable
) -> bool:
    """Whether inserted layers make a row as cheaply from one that is kept.

    Args:
        output: the shape that the row is for.
        assumed: the assumptions of the row.
        total: the packed cost of the row.
        kept: the rows that are kept, cheapest first.
    """
    if isinstance(output, Outputs):
        return False
    for (other, others_assumed), choices in kept.items():
        budget = total - choices[0].cost - cost.EDIT
        if budget < cost.RESHAPE:
            return False
        if others_assumed == assumed and not isinstance(other, Outputs):
            chain = _chain_within(other, output, budget)
            if chain is not None and chain.cost <= budget + cost.EDIT:
                return True
    return False


def joined_assumptions(several: Iterable[Assumptions]) -> Assumptions | None:
    """All assumptions together; None where two contradict each other."""
    merged: dict[str, int] = {}
    for assumed in several:
        for name, number in assumed:
            if merged.setdefault(name, number) != number:
                return None
    return tuple(sorted(merged.items()))


def agreeing_rows(
    inputs: Sequence[Mapping[tuple[Shape, Assumptions], list[Choice]]],
) -> Iterable[AgreeingRows]:
    """The rows of all inputs, grouped by assumptions that agree."""
    grouped: list[dict[Assumptions, dict[Shape, list[Choice]]]] = []
    for rows in inputs:
        side: dict[Assumptions, dict[Shape, list[Choice]]] = {}
        for (shape, assumed), choices in rows.items():
            side.setdefault(assumed, {})[shape] = choices
        grouped.append(side)
    for combination in product(*grouped):
        joined = joined_assumptions(combination)
        if joined is not None:
            yield [side[key] for side, key in zip(grouped, combination, strict=True)], joined
