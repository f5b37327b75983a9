"""Which rows of a table are kept: those near the cheapest one that others do not imply."""

from collections.abc import Iterable

from repair.architecture import cost
from repair.architecture.search.choice_table import (
    AgreeingRows,
    Assumptions,
    ChoiceTable,
    adapters_reach,
)
from repair.architecture.search.limits import SearchLimits
from repair.architecture.search.node_tables import NodeTables


class RowPruning:
    """Keeps tables small.

    Args:
        limits: how wide the search looks.
        tables: the finished tables, which tell what shared nodes cost.
    """

    def __init__(self, limits: SearchLimits, tables: NodeTables) -> None:
        self._limits = limits
        self._tables = tables

    def most_kept(self, table: ChoiceTable, assumed: Assumptions) -> int:
        """The largest cost under some assumptions at which a row would be kept beside a table."""
        least = min(
            (
                choices[0].cost + shared
                for (_, others_assumed), choices in table.items()
                if (shared := self._tables.shared_cost(others_assumed)) is not None
            ),
            default=cost.NEVER,
        )
        most = min(least + self._limits.slack, self._limits.most)
        return most - (self._tables.shared_cost(assumed) or 0)

    def near_cheapest(self, groups: Iterable[AgreeingRows]) -> Iterable[AgreeingRows]:
        """The groups that may lead to rows near the cheapest one."""
        totals = [
            (
                shared + sum(min(c[0].cost for c in side.values()) for side in sides),
                (sides, assumed),
            )
            for sides, assumed in groups
            if (shared := self._tables.shared_cost(assumed)) is not None
        ]
        least = min((total for total, _ in totals), default=0)
        return [
            group
            for total, group in sorted(totals, key=lambda item: item[0])[: self._limits.rows]
            if total <= least + self._limits.slack + cost.EDIT
        ]

    def pruned(self, table: ChoiceTable) -> ChoiceTable:
        """Rows near the cheapest one that adapters would not make as cheaply from another."""
        totals = [
            (choices[0].cost + shared, row, choices)
            for row, choices in table.items()
            if (shared := self._tables.shared_cost(row[1])) is not None
        ]
        totals.sort(key=lambda item: item[0])
        kept: ChoiceTable = {}
        for total, (output, assumed), choices in totals:
            most = min(totals[0][0] + self._limits.slack, self._limits.most)
            if total > most or len(kept) == self._limits.rows:
                break
            if self._limits.keep == 1 and adapters_reach(output, assumed, choices[0].cost, kept):
                continue
            kept[output, assumed] = choices
        return kept
