"""Dynamic programming over the graph: for each node, the cheapest ways to each output shape.

A node's table maps what comes out to the cheapest choices for everything above it. On a tree a
choice is made of one choice for each input. Where a layer is read twice, its readers' tables are
made under the assumption of one of its shapes; at the first node behind which no path leads past
(`sharing.meetings`), equal assumptions meet and the shared part is paid once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, product
from time import monotonic

from repair.architecture import cost
from repair.architecture.errors import Fault
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import Layer, Shape
from repair.architecture.layers import Outputs, infer
from repair.architecture.rules import Rules
from repair.architecture.search.bound.guides import Hint
from repair.architecture.search.choice_table import (
    Assumed,
    Choice,
    Group,
    Row,
    Table,
    agreeing,
    brought,
    implied,
    push,
    together,
)
from repair.architecture.search.choices.adapters import NOTHING, Chain
from repair.architecture.search.choices.changes import fit, same_weights
from repair.architecture.search.choices.merges import at, combinations
from repair.architecture.search.choices.options import Option, bridge, standing, unary
from repair.architecture.search.limits import OutOfTime, Plan
from repair.architecture.search.meetings import END, meetings, shared


@dataclass
class Search:
    """Tables of all nodes of a graph, filled in order by `run`."""

    graph: Graph
    plan: Plan
    wanted: Mapping[str, tuple[Shape, ...]]
    behind_head: frozenset[str]
    open: frozenset[str]
    heads: Mapping[str, Shape]
    natural: Mapping[str, Shape | None]
    hints: Mapping[str, Hint] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    lines: dict[str, list[tuple[Row, list[Choice]]]] = field(default_factory=dict)
    paid: dict[Assumed, int | None] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()
    closing: dict[str, list[str]] = field(default_factory=dict)

    def run(self) -> list[Choice]:
        """The cheapest choices for the whole network, cheapest first; none: not repairable."""
        self.shared = shared(self.graph)
        meets = meetings(self.graph)
        for name in self.shared:
            self.closing.setdefault(meets[name], []).append(name)
        position = {node.name: k for k, node in enumerate(self.graph.nodes)}
        for names in self.closing.values():
            names.sort(key=position.__getitem__, reverse=True)
        for node in self.graph.nodes:
            if monotonic() > self.plan.deadline:
                raise OutOfTime
            table = self._close(node.name, self._table(node))
            if not table:
                return []
            pruned = self.tables[node.name] = self._pruned(table)
            self.lines[node.name] = list(pruned.items())
        return self._end()

    def _table(self, node: Node) -> Table:
        rules, wanted, hint = self.plan.rules, self._wanted(node), self.hints.get(node.name)
        hinted = hint.inputs[0] if hint else None
        inputs = [self._read(name, index) for name, index in node.sources]
        free = node.name in self.open
        editable = free and node.shares is None and node.name not in self._owners
        first = any(not self.graph[name].inputs for name, _ in node.sources)
        extra = cost.KEPT if node.name in self.behind_head else 0
        table: Table = {}
        if not inputs:
            for option in unary_source(node.layer, rules):
                push(table, (option, ()), Choice(0, node.name, node.layer, (), ()), self.plan.keep)
        elif not free:
            for group in self._near(agreeing(inputs)):
                self._pass(node, group, table)
        elif len(inputs) == 1:
            room = self.plan.most
            for (shape, assumed), choices in inputs[0].items():
                paid = self._paid(assumed)
                if paid is None or choices[0].cost + paid > room:
                    continue
                if node.shares is not None:
                    ways = self._again(node, shape)
                elif choices[0].cost + paid + cost.EDIT > room:
                    ways = standing(node.layer, shape, rules)
                else:
                    ways = unary(node.layer, shape, rules, wanted, editable=editable, extra=extra,
                                 first=first, hinted=hinted)  # fmt: skip
                for way in ways:
                    for choice in choices:
                        price = choice.cost + way.cost
                        if self.heads.get(node.name, way.output) != way.output:
                            price += cost.KEPT
                        made = Choice(price, node.name, way.layer, way.chains, (choice,))
                        push(table, (way.output, assumed), made, self.plan.keep)
                        room = min(room, price + paid + self.plan.slack)
        else:
            for group in self._near(agreeing(inputs)):
                self._merge(node, group, table, editable)
        return table

    def _again(self, node: Node, shape: Shape) -> tuple[Option, ...]:
        """A further use of a layer: with the input of its first use, whose weights it has."""
        first = self.natural.get(self.graph[node.shares or ""].sources[0][0])
        ways = []
        for target in dict.fromkeys((shape, first or shape)):
            chain, stands = bridge(shape, target), fit(node.layer, (target,), self.plan.rules)
            if chain is None or isinstance(stands, Fault):
                continue
            if first is None or same_weights(node.layer, target, first):
                price = chain.cost + stands.cost
                ways.append(Option(price, stands.layer, (chain,), stands.output))
        return tuple(ways)

    def _pass(self, node: Node, group: Group, table: Table) -> None:
        """A layer far from all errors: as it stands, nothing inserted before it."""
        sides, assumed = group
        for shapes in product(*sides):
            stands = fit(node.layer, shapes, self.plan.rules)
            if isinstance(stands, Fault):
                continue
            chosen = [side[shape] for side, shape in zip(sides, shapes, strict=True)]
            for above in islice(product(*chosen), self.plan.keep):
                price = stands.cost + sum(choice.cost for choice in above)
                made = Choice(price, node.name, stands.layer, (NOTHING,) * len(above), above)
                push(table, (stands.output, assumed), made, self.plan.keep)

    def _wanted(self, node: Node) -> tuple[Shape, ...]:
        """Outputs that the reader would take, that of the relaxed solution among them."""
        wanted, hint = self.wanted.get(node.name, ()), self.hints.get(node.name)
        return (*wanted, hint.output) if hint and hint.output not in wanted else wanted

    @cached_property
    def _owners(self) -> frozenset[str]:
        return frozenset(node.shares for node in self.graph.nodes if node.shares)

    def _read(self, name: str, index: int) -> dict[tuple[Shape, Assumed], list[Choice]]:
        """One output of a node, for a reader: rows of a shared node become assumptions."""
        read: dict[tuple[Shape, Assumed], list[Choice]] = {}
        for number, ((output, assumed), choices) in enumerate(self.tables[name].items()):
            shapes = output.shapes if isinstance(output, Outputs) else (output,)
            if index >= len(shapes):
                continue
            if name in self.shared and not self._settled(name):
                assumed, choices = ((name, number),), [Choice(0, "", None, (), ())]
            read.setdefault((shapes[index], assumed), []).extend(choices)
        return read

    def _settled(self, name: str) -> bool:
        """There is but one way to this node, and nothing to pay for it."""
        rows = self.lines[name]
        return len(rows) == 1 and rows[0][0][1] == () and all(c.cost == 0 for c in rows[0][1])

    def _merge(self, node: Node, group: Group, table: Table, editable: bool) -> None:
        sides, assumed = group
        rules, keep = self.plan.rules, self.plan.keep
        given = [sorted(side, key=lambda shape: side[shape][0].cost) for side in sides]
        found: dict[tuple[int, Shape], list[tuple[int, Chain, Choice]]] = {}

        def part(place: int, target: Shape) -> list[tuple[int, Chain, Choice]]:
            known = found.get((place, target))
            if known is None:
                known = found[place, target] = brought(sides[place], given[place], target, keep)
            return known

        hint, wanted = self.hints.get(node.name), self._wanted(node) if editable else ()
        room = self._room(table, assumed)
        for shapes in combinations(node.layer, given, rules, (hint.inputs,) if hint else ()):
            parts = [part(place, shape) for place, shape in enumerate(shapes)]
            least = sum(items[0][0] if items else cost.NEVER for items in parts)
            if least > room:
                continue
            pays = editable and least + cost.EDIT <= room
            for goal in at(node.layer, shapes, rules, wanted, pays):
                ways = product(*parts) if keep > 1 else zip(*parts, strict=False)
                for way in list(ways)[: keep * keep]:
                    made = Choice(goal.cost + sum(item[0] for item in way), node.name, goal.layer,
                                  tuple(item[1] for item in way), tuple(item[2] for item in way))  # fmt: skip
                    push(table, (goal.output, assumed), made, keep)
                    room = min(room, made.cost + self.plan.slack)

    def _room(self, table: Table, assumed: Assumed) -> int:
        """The largest cost under some assumptions at which a row would be kept beside a table."""
        least = min((choices[0].cost + paid for (_, also), choices in table.items()
                     if (paid := self._paid(also)) is not None), default=cost.NEVER)  # fmt: skip
        return min(least + self.plan.slack, self.plan.most) - (self._paid(assumed) or 0)

    def _close(self, name: str, table: Table) -> Table:
        """Pays for the shared nodes whose paths have all met here."""
        for owner in self.closing.get(name, ()):
            if self._settled(owner):
                continue
            rows = self.lines[owner]
            closed: Table = {}
            for (output, assumed), choices in table.items():
                number = dict(assumed).get(owner)
                if number is None:  # no path from it was taken
                    merged: Assumed | None = assumed
                    options: Sequence[Choice] = [Choice(0, "", None, (), ())]
                else:
                    (_, before), options = rows[number]
                    merged = together([tuple(pair for pair in assumed if pair[0] != owner), before])
                if merged is None:
                    continue
                for choice, option in product(choices, options):
                    paid = choice._replace(cost=choice.cost + option.cost,
                                           above=(*choice.above, option))  # fmt: skip
                    push(closed, (output, merged), paid, self.plan.keep)
            table = closed
        return table

    def _near(self, groups: Iterable[Group]) -> Iterable[Group]:
        """The groups that may lead to rows near the cheapest one."""
        priced = [(paid + sum(min(c[0].cost for c in side.values()) for side in sides),
                   (sides, assumed)) for sides, assumed in groups
                  if (paid := self._paid(assumed)) is not None]  # fmt: skip
        least = min((price for price, _ in priced), default=0)
        return [group for price, group in sorted(priced, key=lambda item: item[0])[: self.plan.rows]
                if price <= least + self.plan.slack + cost.EDIT]  # fmt: skip

    def _pruned(self, table: Table) -> Table:
        """Rows near the cheapest one that adapters would not make as cheaply from another."""
        priced = [(choices[0].cost + paid, row, choices) for row, choices in table.items()
                  if (paid := self._paid(row[1])) is not None]  # fmt: skip
        priced.sort(key=lambda item: item[0])
        kept: Table = {}
        for price, (output, assumed), choices in priced:
            room = min(priced[0][0] + self.plan.slack, self.plan.most)
            if price > room or len(kept) == self.plan.rows:
                break
            if self.plan.keep == 1 and implied(output, assumed, choices[0].cost, kept):
                continue
            kept[output, assumed] = choices
        return kept

    def _paid(self, assumed: Assumed) -> int | None:
        """What the shared nodes of some assumptions will cost once their paths have met.

        None: the assumptions, and those that they stand on, contradict each other.
        """
        if assumed not in self.paid:
            held, stack, total = dict(assumed), list(assumed), 0
            while stack:
                (_, further), choices = self.lines[stack[-1][0]][stack.pop()[1]]
                total += choices[0].cost
                stack += [pair for pair in further if pair[0] not in held]
                for owner, number in further:
                    if held.setdefault(owner, number) != number:
                        self.paid[assumed] = None
                        return None
            self.paid[assumed] = total
        return self.paid[assumed]

    def _end(self) -> list[Choice]:
        """All outputs together, every shared node paid."""
        total: Table = {((), ()): [Choice(0, END, None, (), ())]}
        for reference in dict.fromkeys(self.graph.outputs):
            joined: Table = {}
            for (_, assumed), choices in total.items():
                for (_, more), others in self._read(*source(reference)).items():
                    merged = together([assumed, more])
                    if merged is None or self._paid(merged) is None:
                        continue
                    for choice, other in product(choices, others):
                        made = choice._replace(cost=choice.cost + other.cost,
                                               above=(*choice.above, other))  # fmt: skip
                        push(joined, ((), merged), made, max(self.plan.keep, 4))
            total = joined
        closed = self._close(END, total)
        return sorted((c for choices in closed.values() for c in choices), key=lambda c: c.cost)


def unary_source(layer: Layer, rules: Rules) -> Iterable[Shape | Outputs]:
    """What an input of the network yields; nothing when it is wrong, for it may not be changed."""
    output = infer(layer, (), rules)
    return [] if isinstance(output, Fault) else [output]
