"""Shapes that a solution of the relaxed problem goes through: targets for the search.

The search inserts layers towards shapes that occur in the network. Where the lower bound says that
fewer edits might do, one solution of the relaxed problem is read off its arrays, from the outputs
up, and its shapes are tried as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from repair.architecture.errors import Diagnostic
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import Shape
from repair.architecture.layers import entry_of, infer
from repair.architecture.rules import Rules
from repair.architecture.search.bound.merge_guides import guiding_inputs
from repair.architecture.search.bound.relaxation import Relaxation
from repair.architecture.search.bound.shape_grid import RANKS, EditCounts, ShapeGrid
from repair.architecture.search.bound.shape_map import shape_map
from repair.architecture.search.choices.adapters import single_adapter
from repair.architecture.search.choices.factorizations import Sizes
from repair.architecture.search.choices.weights import without_weights

MOST = 400
"""Most shapes that are looked through for one that fits."""


@dataclass(frozen=True)
class Guide:
    """What the relaxed solution has at a node.

    Args:
        inputs: the shape of each input, batch first.
        output: the shape that comes out.
    """

    inputs: tuple[Shape, ...]
    output: Shape


def guides(
    graph: Graph, rules: Rules, relaxation: Relaxation, *, last: bool = False
) -> Mapping[str, Guide]:
    """The shapes of one relaxed solution, by node.

    Args:
        graph: the network.
        rules: the rule set.
        relaxation: the relaxed problem, solved.
        last: whether the last of several equally good shapes is taken, not the first.
    """
    by_node: dict[str, Guide] = {}
    outputs: dict[str, int] = {}
    for reference in graph.outputs:
        name = source(reference)[0]
        outputs.setdefault(name, int(relaxation.output_edits[name].argmin()))
    for node in reversed(graph.nodes):
        index = outputs.get(node.name)
        if index is None or not node.inputs:
            continue
        inputs = _inputs(node, index, rules, relaxation, last)
        for (name, number), given, sizes in zip(
            node.sources, relaxation.input_edits[node.name], inputs, strict=True
        ):
            if number == 0:
                above = _inserted_after(
                    relaxation.output_edits[name], given, sizes, relaxation, last
                )
                outputs.setdefault(name, above)
        output = relaxation.grid.shape_at(index)
        by_node[node.name] = Guide(tuple((None, *sizes) for sizes in inputs), (None, *output))
    return by_node


def _inserted_after(
    source_edits: EditCounts, given: EditCounts, target: Sizes, relaxation: Relaxation, last: bool
) -> int:
    """A shape that layers are inserted after, to reach the target as cheaply as it can be."""
    grid = relaxation.grid
    index = grid.index_of(target)
    if index is None or source_edits[index] == given[index]:
        return int(source_edits.argmin()) if index is None else index
    for other in _shapes_among(source_edits == given[index] - 1, last, grid):
        if single_adapter(other, target) is not None:
            return grid.index_of(other) or 0
    return int(source_edits.argmin())


def _shapes_among(among: np.ndarray, last: bool, grid: ShapeGrid) -> list[Sizes]:
    """Shapes of a grid that a Boolean array tells, from the first or the last on."""
    indices = np.flatnonzero(among)
    return grid.shapes_at(indices[-MOST:])[::-1] if last else grid.shapes_at(indices[:MOST])


def _inputs(
    node: Node, index: int, rules: Rules, relaxation: Relaxation, last: bool
) -> tuple[Sizes, ...]:
    """Inputs of a node that cost as little as its output does."""
    grid, given = relaxation.grid, relaxation.input_edits[node.name]
    edits = int(relaxation.output_edits[node.name][index])
    if len(given) == 1:
        return (_input(node, index, edits, rules, relaxation, last),)
    return guiding_inputs(node.layer, given, index, edits, rules, grid, last)


def _input(
    node: Node, index: int, edits: int, rules: Rules, relaxation: Relaxation, last: bool
) -> Sizes:
    """An input of which the layer makes the output as it stands, or else edited."""
    grid, (given,) = relaxation.grid, relaxation.input_edits[node.name]
    layer, rank = without_weights(node.layer), (entry_of(node.layer.type).rank or 0) - 1
    output = grid.shape_at(index)
    if rank in RANKS:
        mapped = shape_map(layer, rank, rules, grid)
        if mapped is not None:
            cheapest = mapped.source[(given[mapped.source] == edits) & (mapped.target == index)]
            if cheapest.size:
                choice = int(cheapest[-1 if last else 0])
                return output if index in cheapest else grid.shape_at(choice)
    else:
        for sizes in _likely_inputs(given == edits, output, rank, last, grid):
            if infer(layer, ((None, *sizes),), rules) == (None, *output):
                return sizes
    for sizes in _likely_inputs(given == edits - 1, output, rank, last, grid):
        if len(sizes) == len(output) or (rank in RANKS and len(sizes) != rank):
            return sizes
        if isinstance(infer(layer, ((None, *sizes),), rules), Diagnostic):
            return sizes
    return grid.shape_at(int(given.argmin()))


def _likely_inputs(
    among: np.ndarray, output: Sizes, rank: int, last: bool, grid: ShapeGrid
) -> Iterator[Sizes]:
    """Shapes of a grid, those of the rank that a layer takes first, and the output before others."""
    index = grid.index_of(output)
    keeps_output = index is not None and among[index]
    if rank in RANKS:
        if keeps_output and rank == len(output):
            yield output
        block = np.zeros_like(among)
        block[grid.blocks[rank - 1]] = among[grid.blocks[rank - 1]]
        yield from _shapes_among(block, last, grid)
    if keeps_output:
        yield output
    yield from _shapes_among(among, last, grid)
