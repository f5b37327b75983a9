"""How wide a search looks, and when it stops."""

from dataclasses import dataclass

from repair.architecture import cost
from repair.architecture.rules import Rules


@dataclass(frozen=True)
class SearchLimits:
    """What the search keeps.

    Args:
        rules: the rule set.
        keep: choices for each row.
        rows: most rows of a table.
        slack: the packed cost over the cheapest row up to which rows are kept.
        most: the packed cost of the costliest choices that are of use.
        deadline: `time.monotonic()` at which to stop.
    """

    rules: Rules
    keep: int = 1
    rows: int = 48
    slack: int = 2 * cost.EDIT + cost.EDIT // 2
    most: int = cost.NEVER
    deadline: float = float("inf")


class OutOfTime(Exception):  # noqa: N818  an expected stop, caught by the search
    """The deadline has passed."""
