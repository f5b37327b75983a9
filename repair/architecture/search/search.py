"""Finds the cheapest repairs of a network, and how few edits any repair needs."""

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from time import monotonic

from repair.architecture import cost
from repair.architecture.errors import show
from repair.architecture.graph import Graph
from repair.architecture.layer import LARGEST, Shape
from repair.architecture.rules import KERAS3, Rules
from repair.architecture.search.bound import relax, roots_bound
from repair.architecture.search.bound.guides import Hint, hints
from repair.architecture.search.bound.relaxation import Relaxation
from repair.architecture.search.build import build
from repair.architecture.search.choice_table import Choice
from repair.architecture.search.choices.targets import behind_head, heads, near_errors, wanted
from repair.architecture.search.limits import OutOfTime, Plan
from repair.architecture.search.meetings import shared
from repair.architecture.search.moves import moves
from repair.architecture.search.result import Repair, Result, Status, distinct, does_more
from repair.architecture.search.shared_layers import apart, shared_again
from repair.architecture.search.tables import Search
from repair.architecture.size import NOTHING, change, sizes, total
from repair.architecture.trace import Trace, trace
from repair.errors import InputError

STEPS = 16
"""So many layers above an error are edited at first; only if that is not enough, all."""


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: a search leaves few cycles, and all that is loaded would be walked."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_uncollected()
def repair(graph: Graph, rules: Rules = KERAS3, *, alternatives: int = 3,
           time_limit: float = 10.0) -> Result:  # fmt: skip
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
    before = trace(graph, rules)
    if before.valid:
        own = total(sizes(graph, before, rules).values())
        whole = Repair(graph, (), 0, own, NOTHING)
        return Result(Status.VALID, (whole,), 0, True, monotonic() - start)
    _bounded(before)
    deadline = start + time_limit
    repairs = _found(graph, rules, before, alternatives, deadline)
    if any(node.shares for node in graph.nodes):
        repairs = _best((*repairs, *_shared(graph, rules, before, deadline)), alternatives)
    bound, relaxation = roots_bound(graph, before), None
    if repairs and repairs[0].count > bound and monotonic() < deadline:
        relaxation = _relaxed(graph, rules, before, repairs[0])
    if relaxation is not None and repairs[0].count > relaxation.bound:
        first: Mapping[str, Hint] | None = None
        for last in (False, True):
            if monotonic() < deadline:
                tried = hints(graph, rules, relaxation, last=last)
                if tried != first:
                    more = _found(graph, rules, before, alternatives, deadline, tried, repairs)
                    repairs = _best((*repairs, *more), alternatives)
                first = tried
    if alternatives > 1 or not repairs:
        repairs = _best((*repairs, *moves(graph, rules, before)), alternatives)
    if relaxation is not None and not relaxation.box.holds(_shapes(repairs[0].graph, rules)):
        relaxation = _relaxed(graph, rules, before, repairs[0])  # a bound for repairs like this one
    bound = max(bound, relaxation.bound if relaxation is not None else 0)
    if not repairs:
        return Result(Status.UNREPAIRABLE, (), bound, False, monotonic() - start)
    proven = repairs[0].count <= bound and not repairs[0].not_kept
    return Result(Status.REPAIRED, repairs, bound, proven, monotonic() - start)


def _relaxed(graph: Graph, rules: Rules, before: Trace, best: Repair) -> Relaxation | None:
    """The relaxed problem in a box that holds the network and a repair of it."""
    known = [shape for shape in before.shapes.values() if shape and None not in shape[1:]]
    return relax(graph, rules, (*known, *_shapes(best.graph, rules)))


def _shapes(graph: Graph, rules: Rules) -> Iterable[Shape | None]:
    return trace(graph, rules).shapes.values()


def _bounded(before: Trace) -> None:
    """Refuses tensors from which a repair could not be made of arguments that layers take."""
    for name, shape in before.shapes.items():
        if prod(size or 1 for size in shape or ()) > LARGEST:
            raise InputError(
                f"{before.errors[0].sentence} No repair is looked for, because {name!r} yields "
                f"{show(shape)}, over {LARGEST} values an example: make it smaller."
            )


def _best(repairs: tuple[Repair, ...], most: int) -> tuple[Repair, ...]:
    """The cheapest repairs, none with the edits of a better one and more."""
    return distinct(sorted(repairs, key=lambda found: found.rank))[:most]


def _shared(graph: Graph, rules: Rules, before: Trace, deadline: float) -> Iterator[Repair]:
    """Repairs that edit layers which are called more than once."""
    split, given = apart(graph), sizes(graph, before, rules)
    for alone in _found(split, rules, trace(split, rules), 6, deadline):
        found = shared_again(graph, alone)
        after = found and trace(found.graph, rules)
        if found and after and after.valid:
            reached = sizes(found.graph, after, rules)
            yield replace(found, size=total(reached.values()), change=change(given, reached))


def _within_two_layers(graph: Graph, before: Trace) -> bool:
    """Whether two inserted layers lead from any row to any other: sizes are known, no layer is read twice."""
    inputs = [before.shapes[node.name] for node in graph.nodes if not node.inputs]
    return all(shape and None not in shape[1:] for shape in inputs) and not shared(graph)


def _found(graph: Graph, rules: Rules, before: Trace, alternatives: int, deadline: float,
           tried: Mapping[str, Hint] | None = None,
           known: tuple[Repair, ...] = ()) -> tuple[Repair, ...]:  # fmt: skip
    most = known[-1].cost if len(known) == alternatives else cost.NEVER
    plan = Plan(rules, most=most, deadline=deadline)
    if tried or alternatives > 1 or _within_two_layers(graph, before):
        plan = replace(plan, slack=cost.EDIT + cost.EDIT // 2)
    if alternatives > 1:
        plan = replace(plan, keep=2 * alternatives, rows=24)
    goals, behind = wanted(graph, before), behind_head(graph)
    kept = heads(graph, before)

    near, wide = (near_errors(graph, before, steps) for steps in (STEPS, len(graph)))

    def search(plan_: Plan, free: frozenset[str]) -> list[Choice]:
        return Search(graph, plan_, goals, behind, free, kept, before.shapes, tried or {}).run()

    try:
        choices = search(plan, near)
        if not choices and not known and wide != near:
            choices = search(plan, wide)
    except OutOfTime:
        choices = []
    if not choices and not known:
        # the cheapest row of each layer only: as fast as a trace, and it always leads to an end
        choices = search(Plan(rules, rows=1), wide)
    repairs: list[Repair] = []
    given = sizes(graph, before, rules)
    for choice in choices:
        if len(repairs) >= alternatives and choice.cost > repairs[-1].cost:
            break  # among equal ones the size decides
        made, edits = build(graph, choice)
        if does_more(edits, repairs):
            continue
        after = trace(made, rules)
        if after.valid and any(node.inputs for node in made.nodes):  # something is left
            reached = sizes(made, after, rules)
            grown = change(given, reached)
            repairs.append(Repair(made, edits, choice.cost, total(reached.values()), grown))
    return tuple(sorted(repairs, key=lambda found: found.rank)[:alternatives])
