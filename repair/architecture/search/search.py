"""Finds the cheapest repairs of a network, and how few edits any repair needs."""

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from time import monotonic

from repair.architecture.errors import shape_text
from repair.architecture.graph import Graph
from repair.architecture.layer import LARGEST, Shape
from repair.architecture.rules import KERAS3, Rules
from repair.architecture.search.bound.guides import Guide, guides
from repair.architecture.search.bound.relaxation import Relaxation, relax
from repair.architecture.search.bound.roots import roots_bound
from repair.architecture.search.broken_network import BrokenNetwork
from repair.architecture.search.cheapest import cheapest_repairs
from repair.architecture.search.reconnections import reconnections
from repair.architecture.search.result import (
    ArchitectureRepair,
    SearchResult,
    SearchStatus,
    without_supersets,
)
from repair.architecture.search.shared_layers import with_own_layers, with_shared_layers
from repair.architecture.size import NO_SIZE, layer_sizes, total_size
from repair.architecture.trace import Trace, trace
from repair.errors import InputError

Repairs = tuple[ArchitectureRepair, ...]
"""Repairs, the best first."""
MOST_WITH_OWN_LAYERS = 6
"""So many repairs at most of the network with a layer of its own for each call are looked at."""


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Garbage collection is off meanwhile: a search leaves few cycles, and all that is loaded would be walked."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_garbage_collection()
def repair(
    graph: Graph, rules: Rules = KERAS3, *, alternatives: int = 3, time_limit: float = 10.0
) -> SearchResult:
    """Valid networks that differ least from a broken one.

    Args:
        graph: the network.
        rules: the rule set under which it shall be valid.
        alternatives: most repairs to return.
        time_limit: seconds after which the search stops with what it has.

    Raises:
        InputError: the network is broken, and a tensor has over 2^31 values an example.
    """
    start = monotonic()
    network = BrokenNetwork.of(graph, rules)
    if network.trace.valid:
        size = total_size(layer_sizes(graph, network.trace, rules).values())
        unchanged = ArchitectureRepair(graph, (), 0, size, NO_SIZE)
        return SearchResult(SearchStatus.VALID, (unchanged,), 0, True, monotonic() - start)
    _refuse_huge_tensors(network.trace)
    deadline = start + time_limit
    repairs = cheapest_repairs(network, alternatives, deadline)
    if any(node.shares for node in graph.nodes):
        repairs = _best((*repairs, *_of_shared_layers(network, deadline)), alternatives)
    bound, relaxation = roots_bound(graph, network.trace), None
    if repairs and repairs[0].count > bound and monotonic() < deadline:
        relaxation = _relaxation(network, repairs[0])
    if relaxation is not None and repairs[0].count > relaxation.bound:
        repairs = _guided(network, relaxation, repairs, alternatives, deadline)
    if alternatives > 1 or not repairs:
        repairs = _best((*repairs, *reconnections(network)), alternatives)
    if relaxation is not None and not relaxation.grid.holds(_shapes(repairs[0].graph, rules)):
        relaxation = _relaxation(network, repairs[0])  # a bound for repairs like this one
    bound = max(bound, relaxation.bound if relaxation is not None else 0)
    if not repairs:
        return SearchResult(SearchStatus.UNREPAIRABLE, (), bound, False, monotonic() - start)
    proven = repairs[0].count <= bound and not repairs[0].not_kept
    return SearchResult(SearchStatus.REPAIRED, repairs, bound, proven, monotonic() - start)


def _refuse_huge_tensors(trace: Trace) -> None:
    """Refuses tensors from which a repair could not be made of arguments that layers take."""
    for name, shape in trace.shapes.items():
        if prod(size or 1 for size in shape or ()) > LARGEST:
            raise InputError(
                f"{trace.errors[0].sentence} No repair is looked for, because {name!r} yields "
                f"{shape_text(shape)}, over {LARGEST} values an example: make it smaller."
            )


def _of_shared_layers(network: BrokenNetwork, deadline: float) -> Iterator[ArchitectureRepair]:
    """Repairs that edit layers which are called more than once."""
    apart = BrokenNetwork.of(with_own_layers(network.graph), network.rules)
    for repair_apart in cheapest_repairs(apart, MOST_WITH_OWN_LAYERS, deadline):
        joined = with_shared_layers(network.graph, repair_apart)
        measured = joined and network.measured(joined.graph, joined.edits, joined.cost)
        if measured:
            yield measured


def _relaxation(network: BrokenNetwork, best: ArchitectureRepair) -> Relaxation | None:
    """The relaxed problem in a shape grid that holds the network and a repair of it."""
    shapes = network.trace.shapes.values()
    known = [shape for shape in shapes if shape and None not in shape[1:]]
    return relax(network.graph, network.rules, (*known, *_shapes(best.graph, network.rules)))


def _shapes(graph: Graph, rules: Rules) -> Iterable[Shape | None]:
    return trace(graph, rules).shapes.values()


def _guided(
    network: BrokenNetwork,
    relaxation: Relaxation,
    repairs: Repairs,
    alternatives: int,
    deadline: float,
) -> Repairs:
    """The repairs, and those that the shapes of two relaxed solutions lead to."""
    before: Mapping[str, Guide] | None = None
    for last in (False, True):
        if monotonic() < deadline:
            shapes = guides(network.graph, network.rules, relaxation, last=last)
            if shapes != before:
                more = cheapest_repairs(network, alternatives, deadline, shapes, repairs)
                repairs = _best((*repairs, *more), alternatives)
            before = shapes
    return repairs


def _best(repairs: Repairs, most: int) -> Repairs:
    """The cheapest repairs, none with the edits of a better one and more."""
    return without_supersets(sorted(repairs, key=lambda repair: repair.rank))[:most]
