"""Input shapes of layers of several inputs that a solution of the relaxed problem goes through."""

from collections.abc import Iterator, Sequence
from itertools import product

from repair.architecture.layer import LayerSpec
from repair.architecture.rules import Rules
from repair.architecture.search.bound.several_inputs import axes_cost
from repair.architecture.search.bound.shape_grid import RANKS, EditCounts, ShapeGrid
from repair.architecture.search.choices.factorizations import Sizes
from repair.architecture.search.choices.merges import ELEMENTWISE


def guiding_inputs(
    layer: LayerSpec,
    given: Sequence[EditCounts],
    index: int,
    edits: int,
    rules: Rules,
    grid: ShapeGrid,
    last: bool,
) -> tuple[Sizes, ...]:
    """Inputs of which the layer makes an output, cheapest together.

    Args:
        layer: the layer.
        given: fewest edits to every shape of each input.
        index: the index of the output in the arrays.
        edits: fewest edits to that output.
        rules: the rule set.
        grid: the shapes that the arrays are about.
        last: whether the last of several equally good combinations is taken, not the first.
    """
    output = grid.shape_at(index)
    if layer.type in ELEMENTWISE:
        if rules.strict:
            return (output,) * len(given)
        return _broadcasting(given, output, grid, last)
    if layer.type == "Dot":
        for pair, axes_edits in _factors(layer, output, rules, grid, last):
            if (
                _edits_to(given[0], pair[0], grid) + _edits_to(given[1], pair[1], grid) + axes_edits
                == edits
            ):
                return pair
    return tuple(grid.shape_at(int(costs.argmin())) for costs in given)


def _edits_to(given: EditCounts, sizes: Sizes, grid: ShapeGrid) -> float:
    index = grid.index_of(sizes)
    return float("inf") if index is None else int(given[index])


def _broadcasting(
    given: Sequence[EditCounts], output: Sizes, grid: ShapeGrid, last: bool
) -> tuple[Sizes, ...]:
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
        parts_cost = [(sizes, more, _edits_to(costs, sizes, grid)) for sizes, more in ways]
        joined: dict[frozenset[int], tuple[float, tuple[Sizes, ...]]] = {}
        for (covered, (least, chosen)), (sizes, more, extra) in product(best.items(), parts_cost):
            total = least + extra
            if total < joined.get(covered | more, (float("inf"),))[0]:
                joined[covered | more] = total, (*chosen, sizes)
        best = joined
    return best[frozenset(range(rank))][1]


def _factors(
    layer: LayerSpec, output: Sizes, rules: Rules, grid: ShapeGrid, last: bool
) -> Iterator[tuple[tuple[Sizes, Sizes], int]]:
    """Pairs of inputs of a Dot with this output, and the edits of its axes."""
    rank = len(output)
    ranks = [(p, rank + 2 - p) for p in RANKS if rank + 2 - p in RANKS]
    ranks += [(1, 1)] * (output == (1,))
    for p, q in ranks[:: -1 if last else 1]:
        for i, j in product(range(p), range(q)):
            edits = axes_cost(layer, (i + 1, j + 1), (p, q), rules)
            mine, other = output[: p - 1], output[p - 1 : p + q - 2]
            for size in range(1, min(grid.limits[p - 1][i], grid.limits[q - 1][j]) + 1):
                yield ((*mine[:i], size, *mine[i:]), (*other[:j], size, *other[j:])), edits
