"""The finished tables of nodes, and the cost of nodes that are read more than once.

Where a node is read more than once, its readers assume one of its rows. At the first node behind
which no path leads past (`meetings.meeting_nodes`), equal assumptions meet, and the shared part is
paid for once.
"""

from collections.abc import Mapping, Sequence
from itertools import product

from repair.architecture.graph import Graph
from repair.architecture.layer import Shape
from repair.architecture.layers import Outputs
from repair.architecture.search.choice_table import (
    NO_CHOICE,
    Assumptions,
    Choice,
    ChoiceTable,
    Row,
    add_choice,
    joined_assumptions,
)
from repair.architecture.search.meetings import meeting_nodes, read_more_than_once


class NodeTables:
    """The rows of each node, in order of their cost; tables are added in the order of the graph.

    Args:
        graph: the network.
        keep: choices for each row.
    """

    def __init__(self, graph: Graph, keep: int) -> None:
        self._keep = keep
        self._rows: dict[str, list[tuple[Row, list[Choice]]]] = {}
        self._shared = read_more_than_once(graph)
        self._shared_costs: dict[Assumptions, int | None] = {}
        self._closed_at: dict[str, list[str]] = {}
        meetings = meeting_nodes(graph)
        for node in reversed(graph.nodes):
            if node.name in self._shared:
                self._closed_at.setdefault(meetings[node.name], []).append(node.name)

    def add(self, name: str, table: ChoiceTable) -> None:
        """Takes the finished table of a node."""
        self._rows[name] = list(table.items())

    def read(self, name: str, index: int) -> Mapping[tuple[Shape, Assumptions], list[Choice]]:
        """One output of a node, for a reader: rows of a shared node become assumptions."""
        rows: dict[tuple[Shape, Assumptions], list[Choice]] = {}
        for number, ((output, assumed), choices) in enumerate(self._rows[name]):
            shapes = output.shapes if isinstance(output, Outputs) else (output,)
            if index >= len(shapes):
                continue
            if name in self._shared and not self._is_free(name):
                assumed, choices = ((name, number),), [NO_CHOICE]
            rows.setdefault((shapes[index], assumed), []).extend(choices)
        return rows

    def close(self, name: str, table: ChoiceTable) -> ChoiceTable:
        """The table of a node after paying for the shared nodes whose paths have all met there."""
        for owner in self._closed_at.get(name, ()):
            if not self._is_free(owner):
                table = self._paid_for(owner, table)
        return table

    def shared_cost(self, assumed: Assumptions) -> int | None:
        """What the shared nodes of some assumptions will cost once their paths have met.

        Returns:
            The packed cost; None where the assumptions, and those that they stand on, contradict
            each other.
        """
        if assumed not in self._shared_costs:
            self._shared_costs[assumed] = self._summed(assumed)
        return self._shared_costs[assumed]

    def _is_free(self, name: str) -> bool:
        """Whether there is but one way to a node, and nothing to pay for it."""
        rows = self._rows[name]
        return len(rows) == 1 and rows[0][0][1] == () and all(c.cost == 0 for c in rows[0][1])

    def _paid_for(self, owner: str, table: ChoiceTable) -> ChoiceTable:
        closed: ChoiceTable = {}
        for (output, assumed), choices in table.items():
            number = dict(assumed).get(owner)
            joined: Assumptions | None = assumed
            owner_choices: Sequence[Choice] = (NO_CHOICE,)  # no path from it was taken
            if number is not None:
                (_, before), owner_choices = self._rows[owner][number]
                others = tuple(pair for pair in assumed if pair[0] != owner)
                joined = joined_assumptions([others, before])
            if joined is None:
                continue
            for choice, above in product(choices, owner_choices):
                add_choice(closed, (output, joined), choice.with_above(above), self._keep)
        return closed

    def _summed(self, assumed: Assumptions) -> int | None:
        held, stack, total = dict(assumed), list(assumed), 0
        while stack:
            name, row = stack.pop()
            (_, further), choices = self._rows[name][row]
            total += choices[0].cost
            stack += [pair for pair in further if pair[0] not in held]
            for owner, number in further:
                if held.setdefault(owner, number) != number:
                    return None
        return total
