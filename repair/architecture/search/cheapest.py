"""The cheapest repairs that the dynamic programming finds, as networks that have been traced."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from repair.architecture import cost
from repair.architecture.search.bound.guides import Guide
from repair.architecture.search.broken_network import BrokenNetwork
from repair.architecture.search.build import repaired_graph
from repair.architecture.search.choice_table import Choice
from repair.architecture.search.choices.targets import (
    head_shapes,
    layers_behind_head,
    layers_near_errors,
    target_shapes,
)
from repair.architecture.search.limits import OutOfTime, SearchLimits
from repair.architecture.search.meetings import read_more_than_once
from repair.architecture.search.result import ArchitectureRepair, contains_another
from repair.architecture.search.tables import ArchitectureSearch

STEPS = 16
"""So many layers above an error are edited at first; only if that is not enough, all."""


def cheapest_repairs(
    network: BrokenNetwork,
    alternatives: int,
    deadline: float,
    guides: Mapping[str, Guide] | None = None,
    known: tuple[ArchitectureRepair, ...] = (),
) -> tuple[ArchitectureRepair, ...]:
    """Repairs that keep the connections, the best first.

    Args:
        network: the network to repair.
        alternatives: most repairs to return.
        deadline: `time.monotonic()` at which the search stops with what it has.
        guides: shapes of the relaxed solution to try.
        known: repairs that have been found before; without any, one is found past the deadline too.
    """
    graph, trace = network.graph, network.trace
    near, everywhere = (layers_near_errors(graph, trace, steps) for steps in (STEPS, len(graph)))
    search = ArchitectureSearch(
        graph=graph,
        limits=_limits(network, alternatives, deadline, guides, known),
        target_shapes=target_shapes(graph, trace),
        behind_head=layers_behind_head(graph),
        editable=near,
        head_shapes=head_shapes(graph, trace),
        given_shapes=trace.shapes,
        guides=guides or {},
    )
    try:
        choices = search.run()
        if not choices and not known and everywhere != near:
            choices = replace(search, editable=everywhere).run()
    except OutOfTime:
        choices = []
    if not choices and not known:
        # the cheapest row of each layer only: as fast as a trace, and it always leads to an end
        narrow = SearchLimits(network.rules, rows=1)
        choices = replace(search, limits=narrow, editable=everywhere).run()
    repairs = _measured(network, choices, alternatives)
    return tuple(sorted(repairs, key=lambda repair: repair.rank)[:alternatives])


def _limits(
    network: BrokenNetwork,
    alternatives: int,
    deadline: float,
    guides: Mapping[str, Guide] | None,
    known: tuple[ArchitectureRepair, ...],
) -> SearchLimits:
    most = known[-1].cost if len(known) == alternatives else cost.NEVER
    limits = SearchLimits(network.rules, most=most, deadline=deadline)
    if guides or alternatives > 1 or _two_layers_lead_everywhere(network):
        limits = replace(limits, slack=cost.EDIT + cost.EDIT // 2)
    if alternatives > 1:
        limits = replace(limits, keep=2 * alternatives, rows=24)
    return limits


def _two_layers_lead_everywhere(network: BrokenNetwork) -> bool:
    """Whether two inserted layers lead from any row to any other row of a table.

    They do where the sizes of the inputs are known and no layer is read more than once.
    """
    graph, shapes = network.graph, network.trace.shapes
    inputs = [shapes[node.name] for node in graph.nodes if not node.inputs]
    known = all(shape and None not in shape[1:] for shape in inputs)
    return known and not read_more_than_once(graph)


def _measured(
    network: BrokenNetwork, choices: Iterable[Choice], alternatives: int
) -> list[ArchitectureRepair]:
    """The choices as repairs, without those that contain a cheaper one or lose every layer."""
    repairs: list[ArchitectureRepair] = []
    for choice in choices:
        if len(repairs) >= alternatives and choice.cost > repairs[-1].cost:
            break  # among equal ones the size decides
        graph, edits = repaired_graph(network.graph, choice)
        if contains_another(edits, repairs):
            continue
        repair = network.measured(graph, edits, choice.cost)
        if repair is not None and any(node.inputs for node in graph.nodes):
            repairs.append(repair)
    return repairs
