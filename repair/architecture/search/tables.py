"""Dynamic programming over the graph: for each node, the cheapest ways to each output shape.

A node's table maps what comes out to the cheapest choices for everything above it. On a tree a
choice is made of one choice for each input. Where a layer is read twice, its readers' tables are
made under the assumption of one of its shapes: see `node_tables`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from time import monotonic

from repair.architecture import cost
from repair.architecture.errors import Diagnostic
from repair.architecture.graph import Graph, Node, source
from repair.architecture.layer import Shape
from repair.architecture.layers import infer
from repair.architecture.search.bound.guides import Guide
from repair.architecture.search.choice_table import (
    NO_CHOICE,
    AdaptedChoice,
    AgreeingRows,
    Assumptions,
    Choice,
    ChoiceTable,
    adapted_choices,
    add_choice,
    agreeing_rows,
    joined_assumptions,
)
from repair.architecture.search.choices.adapters import NO_ADAPTERS
from repair.architecture.search.choices.merges import candidate_inputs, merge_options
from repair.architecture.search.choices.options import (
    LayerOption,
    cheapest_adapters,
    single_input_options,
    unchanged_options,
)
from repair.architecture.search.choices.weights import fit_weights, same_weights
from repair.architecture.search.limits import OutOfTime, SearchLimits
from repair.architecture.search.meetings import END
from repair.architecture.search.node_tables import NodeTables
from repair.architecture.search.pruning import RowPruning

FEWEST_KEPT_AT_END = 4
"""So many choices for all outputs together are kept at least."""


@dataclass
class ArchitectureSearch:
    """Tables of all nodes of a graph, filled in order by `run`.

    Args:
        graph: the network.
        limits: how wide the search looks, and when it stops.
        target_shapes: for each layer, output shapes that its reader would take.
        behind_head: layers before which an inserted layer would not keep the head.
        editable: layers that may be edited or have layers inserted before them.
        head_shapes: the output shapes of the heads, which a repair keeps.
        given_shapes: the output shapes of the network as it was given.
        guides: shapes of the relaxed solution, which are tried besides the likely ones.
    """

    graph: Graph
    limits: SearchLimits
    target_shapes: Mapping[str, tuple[Shape, ...]]
    behind_head: frozenset[str]
    editable: frozenset[str]
    head_shapes: Mapping[str, Shape]
    given_shapes: Mapping[str, Shape | None]
    guides: Mapping[str, Guide] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._called_again = frozenset(node.shares for node in self.graph.nodes if node.shares)
        self._tables = NodeTables(self.graph, self.limits.keep)
        self._pruning = RowPruning(self.limits, self._tables)

    def run(self) -> list[Choice]:
        """The cheapest choices for the whole network, cheapest first; none: not repairable.

        Raises:
            OutOfTime: the deadline has passed.
        """
        for node in self.graph.nodes:
            if monotonic() > self.limits.deadline:
                raise OutOfTime
            table = self._tables.close(node.name, self._table(node))
            if not table:
                return []
            self._tables.add(node.name, self._pruning.pruned(table))
        return self._all_outputs()

    def _table(self, node: Node) -> ChoiceTable:
        inputs = [self._tables.read(name, index) for name, index in node.sources]
        if not inputs:
            return self._of_input(node)
        table: ChoiceTable = {}
        if node.name not in self.editable:
            for group in self._pruning.near_cheapest(agreeing_rows(inputs)):
                self._add_unchanged(node, group, table)
        elif len(inputs) == 1:
            self._add_single_input(node, inputs[0], table)
        else:
            for group in self._pruning.near_cheapest(agreeing_rows(inputs)):
                self._add_merges(node, group, table)
        return table

    def _layer_may_change(self, node: Node) -> bool:
        """Whether the layer of an editable node may change: not so where its weights are shared."""
        return node.shares is None and node.name not in self._called_again

    def _of_input(self, node: Node) -> ChoiceTable:
        """What an input of the network yields; nothing when it is wrong: it may not be changed."""
        output = infer(node.layer, (), self.limits.rules)
        if isinstance(output, Diagnostic):
            return {}
        return {(output, ()): [Choice(0, node.name, node.layer, (), ())]}

    def _add_unchanged(self, node: Node, group: AgreeingRows, table: ChoiceTable) -> None:
        """A layer far from all errors: as it stands, nothing inserted before it."""
        sides, assumed = group
        for shapes in product(*sides):
            unchanged = fit_weights(node.layer, shapes, self.limits.rules)
            if isinstance(unchanged, Diagnostic):
                continue
            choices = [side[shape] for side, shape in zip(sides, shapes, strict=True)]
            for above in islice(product(*choices), self.limits.keep):
                total = unchanged.cost + sum(choice.cost for choice in above)
                chains = (NO_ADAPTERS,) * len(above)
                choice = Choice(total, node.name, unchanged.layer, chains, above)
                add_choice(table, (unchanged.output, assumed), choice, self.limits.keep)

    def _add_single_input(
        self,
        node: Node,
        rows: Mapping[tuple[Shape, Assumptions], list[Choice]],
        table: ChoiceTable,
    ) -> None:
        """A layer of one input: nothing, edits in place, layers before it."""
        most = self.limits.most
        head = self.head_shapes.get(node.name)
        for (shape, assumed), choices in rows.items():
            shared = self._tables.shared_cost(assumed)
            if shared is None or choices[0].cost + shared > most:
                continue
            within = most - choices[0].cost - shared
            for option in self._single_input_options(node, shape, within):
                for above in choices:
                    total = above.cost + option.cost
                    if head is not None and option.output != head:
                        total += cost.KEPT
                    choice = Choice(total, node.name, option.layer, option.chains, (above,))
                    add_choice(table, (option.output, assumed), choice, self.limits.keep)
                    most = min(most, total + shared + self.limits.slack)

    def _single_input_options(
        self, node: Node, shape: Shape, within: int
    ) -> tuple[LayerOption, ...]:
        """What may be done at a layer of one input for at most some packed cost."""
        rules, guide = self.limits.rules, self.guides.get(node.name)
        if node.shares is not None:
            return self._called_again_options(node, shape)
        if within < cost.EDIT:
            return unchanged_options(node.layer, shape, rules)
        return single_input_options(
            node.layer,
            shape,
            rules,
            self._target_shapes(node),
            editable=self._layer_may_change(node),
            extra=cost.KEPT if node.name in self.behind_head else 0,
            first=any(not self.graph[name].inputs for name, _ in node.sources),
            guided=guide.inputs[0] if guide else None,
        )

    def _called_again_options(self, node: Node, shape: Shape) -> tuple[LayerOption, ...]:
        """A further call of a layer: with the input of its first call, whose weights it has."""
        first = self.given_shapes.get(self.graph[node.shares or ""].sources[0][0])
        options = []
        for target in dict.fromkeys((shape, first or shape)):
            chain = cheapest_adapters(shape, target)
            unchanged = fit_weights(node.layer, (target,), self.limits.rules)
            if chain is None or isinstance(unchanged, Diagnostic):
                continue
            if first is None or same_weights(node.layer, target, first):
                total = chain.cost + unchanged.cost
                options.append(LayerOption(total, unchanged.layer, (chain,), unchanged.output))
        return tuple(options)

    def _target_shapes(self, node: Node) -> tuple[Shape, ...]:
        """Outputs that the reader would take, that of the relaxed solution among them."""
        targets, guide = self.target_shapes.get(node.name, ()), self.guides.get(node.name)
        return (*targets, guide.output) if guide and guide.output not in targets else targets

    def _add_merges(self, node: Node, group: AgreeingRows, table: ChoiceTable) -> None:
        """A layer of several inputs: its inputs brought to shapes that it takes."""
        sides, assumed = group
        rules, keep = self.limits.rules, self.limits.keep
        given = [sorted(side, key=lambda shape: side[shape][0].cost) for side in sides]
        known: dict[tuple[int, Shape], list[AdaptedChoice]] = {}

        def adapted(position: int, target: Shape) -> list[AdaptedChoice]:
            choices = known.get((position, target))
            if choices is None:
                choices = adapted_choices(sides[position], given[position], target, keep)
                known[position, target] = choices
            return choices

        editable, guide = self._layer_may_change(node), self.guides.get(node.name)
        targets = self._target_shapes(node) if editable else ()
        guided = (guide.inputs,) if guide else ()
        most = self._pruning.most_kept(table, assumed)
        for shapes in candidate_inputs(node.layer, given, rules, guided):
            parts = [adapted(position, shape) for position, shape in enumerate(shapes)]
            least = sum(items[0][0] if items else cost.NEVER for items in parts)
            if least > most:
                continue
            pays = editable and least + cost.EDIT <= most
            for option in merge_options(node.layer, shapes, rules, targets, pays):
                combined = product(*parts) if keep > 1 else zip(*parts, strict=False)
                for adapters in list(combined)[: keep * keep]:
                    choice = Choice(
                        option.cost + sum(item[0] for item in adapters),
                        node.name,
                        option.layer,
                        tuple(item[1] for item in adapters),
                        tuple(item[2] for item in adapters),
                    )
                    add_choice(table, (option.output, assumed), choice, keep)
                    most = min(most, choice.cost + self.limits.slack)

    def _all_outputs(self) -> list[Choice]:
        """All outputs together, every shared node paid for."""
        keep = max(self.limits.keep, FEWEST_KEPT_AT_END)
        table: ChoiceTable = {((), ()): [NO_CHOICE]}
        for reference in dict.fromkeys(self.graph.outputs):
            joined: ChoiceTable = {}
            for (_, assumed), choices in table.items():
                for (_, more), others in self._tables.read(*source(reference)).items():
                    both = joined_assumptions([assumed, more])
                    if both is None or self._tables.shared_cost(both) is None:
                        continue
                    for choice, other in product(choices, others):
                        add_choice(joined, ((), both), choice.with_above(other), keep)
            table = joined
        closed = self._tables.close(END, table)
        return sorted((c for choices in closed.values() for c in choices), key=lambda c: c.cost)
