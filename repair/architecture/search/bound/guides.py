"""Shapes that a solution of the relaxed problem goes through: targets for the search.

The search inserts layers towards shapes that occur in the network. Where the lower bound says that
fewer edits might do, one solution of the relaxed problem is read off its arrays, from the outputs
up, and its shapes are tried as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from repair.architecture.errors import Fault
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import Shape
from repair.architecture.layers import entry_of, infer
from repair.architecture.rules import Rules
from repair.architecture.search.bound.merge_guides import merging
from repair.architecture.search.bound.relaxation import Relaxation
from repair.architecture.search.bound.shape_grid import RANKS, Box, Costs
from repair.architecture.search.bound.shape_map import mapped
from repair.architecture.search.choices.adapters import Sizes, single
from repair.architecture.search.choices.changes import bare

MOST = 400
"""Most shapes that are looked through for one that fits."""


@dataclass(frozen=True)
class Hint:
    """What the relaxed solution has at a node.

    Args:
        inputs: the shape of each input, batch first.
        output: the shape that comes out.
    """

    inputs: tuple[Shape, ...]
    output: Shape


def hints(graph: Graph, rules: Rules, relaxation: Relaxation, *,
          last: bool = False) -> Mapping[str, Hint]:  # fmt: skip
    """The shapes of one relaxed solution, by node.

    Args:
        graph: the network.
        rules: the rule set.
        relaxation: the relaxed problem, solved.
        last: of several equally good shapes the last, not the first.
    """
    found: dict[str, Hint] = {}
    wanted: dict[str, int] = {}
    for reference in graph.outputs:
        name = source(reference)[0]
        wanted.setdefault(name, int(relaxation.made[name].argmin()))
    for node in reversed(graph.nodes):
        place = wanted.get(node.name)
        if place is None or not node.inputs:
            continue
        inputs = _inputs(node, place, rules, relaxation, last)
        for (name, index), given, sizes in zip(
            node.sources, relaxation.given[node.name], inputs, strict=True
        ):
            if index == 0:
                above = _before(relaxation.made[name], given, sizes, relaxation, last)
                wanted.setdefault(name, above)
        output = relaxation.box.shape(place)
        found[node.name] = Hint(tuple((None, *sizes) for sizes in inputs), (None, *output))
    return found


def _before(made: Costs, given: Costs, target: Sizes, relaxation: Relaxation,
            last: bool) -> int:  # fmt: skip
    """A shape that layers are inserted after, to reach the target as cheaply as it can be."""
    box = relaxation.box
    place = box.place(target)
    if place is None or made[place] == given[place]:
        return int(made.argmin()) if place is None else place
    for other in _some(made == given[place] - 1, last, box):
        if single(other, target) is not None:
            return box.place(other) or 0
    return int(made.argmin())


def _some(right: np.ndarray, last: bool, box: Box) -> list[Sizes]:
    """Shapes of a box, from the first or the last on."""
    places = np.flatnonzero(right)
    return box.shapes(places[-MOST:])[::-1] if last else box.shapes(places[:MOST])


def _inputs(node: Node, place: int, rules: Rules, relaxation: Relaxation,
            last: bool) -> tuple[Sizes, ...]:  # fmt: skip
    """Inputs of a node that cost as little as its output does."""
    box, given = relaxation.box, relaxation.given[node.name]
    edits = int(relaxation.made[node.name][place])
    if len(given) == 1:
        return (_input(node, place, edits, rules, relaxation, last),)
    return merging(node.layer, given, place, edits, rules, box, last)


def _input(node: Node, place: int, edits: int, rules: Rules, relaxation: Relaxation,
           last: bool) -> Sizes:  # fmt: skip
    """An input of which the layer makes the output as it stands, or else edited."""
    box, (given,) = relaxation.box, relaxation.given[node.name]
    layer, rank = bare(node.layer), (entry_of(node.layer.type).rank or 0) - 1
    output = box.shape(place)
    if rank in RANKS:
        found = mapped(layer, rank, rules, box)
        if found is not None:
            right = found.source[(given[found.source] == edits) & (found.target == place)]
            if right.size:
                return output if place in right else box.shape(int(right[-1 if last else 0]))
    else:
        for sizes in _likely(given == edits, output, rank, last, box):
            if infer(layer, ((None, *sizes),), rules) == (None, *output):
                return sizes
    for sizes in _likely(given == edits - 1, output, rank, last, box):
        if len(sizes) == len(output) or (rank in RANKS and len(sizes) != rank):
            return sizes
        if isinstance(infer(layer, ((None, *sizes),), rules), Fault):
            return sizes
    return box.shape(int(given.argmin()))


def _likely(right: np.ndarray, output: Sizes, rank: int, last: bool, box: Box) -> Iterator[Sizes]:
    """Shapes of a box, those of the rank that a layer takes first, and the output before others."""
    place = box.place(output)
    own = place is not None and right[place]
    if rank in RANKS:
        if own and rank == len(output):
            yield output
        block = np.zeros_like(right)
        block[box.blocks[rank - 1]] = right[box.blocks[rank - 1]]
        yield from _some(block, last, box)
    if own:
        yield output
    yield from _some(right, last, box)
