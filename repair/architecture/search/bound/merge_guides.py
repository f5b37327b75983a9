"""Input shapes of layers of several inputs that a solution of the relaxed problem goes through."""

from collections.abc import Iterator, Sequence
from itertools import product

from repair.architecture.layer import Layer
from repair.architecture.rules import Rules
from repair.architecture.search.bound.several_inputs import axes_cost
from repair.architecture.search.bound.shape_grid import RANKS, Box, Costs
from repair.architecture.search.choices.adapters import Sizes
from repair.architecture.search.choices.merges import ELEMENTWISE


def merging(layer: Layer, given: Sequence[Costs], place: int, edits: int, rules: Rules, box: Box,
            last: bool) -> tuple[Sizes, ...]:  # fmt: skip
    """Inputs of which the layer makes an output, cheapest together.

    Args:
        layer: the layer.
        given: fewest edits to every shape of each input.
        place: of the output.
        edits: what it costs.
        rules: the rule set.
        box: what the arrays mean.
        last: of several equally good combinations the last, not the first.
    """
    output = box.shape(place)
    if layer.type in ELEMENTWISE:
        if rules.strict:
            return (output,) * len(given)
        return _broadcasting(given, output, box, last)
    if layer.type == "Dot":
        for pair, price in _factors(layer, output, rules, box, last):
            if _cost(given[0], pair[0], box) + _cost(given[1], pair[1], box) + price == edits:
                return pair
    return tuple(box.shape(int(costs.argmin())) for costs in given)


def _cost(given: Costs, sizes: Sizes, box: Box) -> float:
    place = box.place(sizes)
    return float("inf") if place is None else int(given[place])


def _broadcasting(given: Sequence[Costs], output: Sizes, box: Box,
                  last: bool) -> tuple[Sizes, ...]:  # fmt: skip
    """The cheapest shapes that together broadcast to the output: each axis is whole in one of them."""
    rank = len(output)
    parts: dict[Sizes, frozenset[int]] = {}
    for lower in range(1, rank + 1):
        axes = range(rank - lower, rank)
        for whole in product((False, True), repeat=lower):
            kept = zip(axes, whole, strict=True)
            sizes = tuple(output[axis] if stays else 1 for axis, stays in kept)
            equal = zip(axes, sizes, strict=True)
            parts[sizes] = frozenset(axis for axis, size in equal if size == output[axis])
    ways = list(parts.items())[:: -1 if last else 1]
    best: dict[frozenset[int], tuple[float, tuple[Sizes, ...]]] = {frozenset(): (0, ())}
    for costs in given:
        prices = [(sizes, more, _cost(costs, sizes, box)) for sizes, more in ways]
        joined: dict[frozenset[int], tuple[float, tuple[Sizes, ...]]] = {}
        for (have, (price, chosen)), (sizes, more, extra) in product(best.items(), prices):
            total = price + extra
            if total < joined.get(have | more, (float("inf"),))[0]:
                joined[have | more] = total, (*chosen, sizes)
        best = joined
    return best[frozenset(range(rank))][1]


def _factors(layer: Layer, output: Sizes, rules: Rules, box: Box,
             last: bool) -> Iterator[tuple[tuple[Sizes, Sizes], int]]:  # fmt: skip
    """Pairs of inputs of a Dot with this output, and the edits of its axes."""
    rank = len(output)
    ranks = [(p, rank + 2 - p) for p in RANKS if rank + 2 - p in RANKS]
    ranks += [(1, 1)] * (output == (1,))
    for p, q in ranks[:: -1 if last else 1]:
        for i, j in product(range(p), range(q)):
            price = axes_cost(layer, (i + 1, j + 1), (p, q), rules)
            mine, other = output[: p - 1], output[p - 1 : p + q - 2]
            for size in range(1, min(box.limits[p - 1][i], box.limits[q - 1][j]) + 1):
                yield ((*mine[:i], size, *mine[i:]), (*other[:j], size, *other[j:])), price
