"""The answer of a repair search."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from repair.architecture import cost
from repair.architecture.edits import Edit, count
from repair.architecture.graph import Graph
from repair.architecture.size import Size

PROVEN = "no repair with fewer edits keeps widths, head and connections"
"""What a proof says in short; `repair.architecture.search` says what counts as an edit."""


class SearchStatus(StrEnum):
    """How a search ended."""

    VALID = "valid"
    REPAIRED = "repaired"
    UNREPAIRABLE = "unrepairable"


@dataclass(frozen=True)
class ArchitectureRepair:
    """One repaired network.

    Args:
        graph: the network, valid under the rules.
        edits: what was changed, in the order of the layers.
        cost: the packed cost, see `repair.architecture.cost`.
        size: the parameters and multiply-adds.
        change: how much the layers grow and shrink against the definition as it was given.
        disorder: how many new or edited layers mix time steps, and how many glue axes of the data.
    """

    graph: Graph
    edits: tuple[Edit, ...]
    cost: int
    size: Size
    change: Size
    disorder: tuple[int, int] = (0, 0)

    @property
    def rank(self) -> tuple[int, tuple[int, int], int, int]:
        """What repairs are sorted by: cost, disorder, then how much the size of the network changes."""
        return self.cost, self.disorder, self.change.parameters, self.change.operations

    @property
    def count(self) -> int:
        """Number of edits, as the data pack counts published ones."""
        return count(self.edits)

    @property
    def not_kept(self) -> int:
        """Widths and heads that it does not keep."""
        return cost.not_kept(self.cost)


def without_supersets(repairs: Iterable[ArchitectureRepair]) -> tuple[ArchitectureRepair, ...]:
    """The repairs in their order, without those that do all that one before does, and more."""
    kept: list[ArchitectureRepair] = []
    for candidate in repairs:
        if not contains_another(candidate.edits, kept):
            kept.append(candidate)
    return tuple(kept)


def contains_another(edits: Iterable[Edit], others: Sequence[ArchitectureRepair]) -> bool:
    """Whether edits are those of one of some repairs, perhaps among others."""
    if not others:
        return False
    texts = set(map(str, edits))
    return any(texts.issuperset(map(str, other.edits)) for other in others)


@dataclass(frozen=True)
class SearchResult:
    """The answer of a search.

    Args:
        status: valid as it was, repaired, or not repairable in the edit space or the time.
        repairs: valid networks, the best first.
        bound: no repair of the edit space has fewer edits.
        proven: the first repair keeps what it should and has exactly `bound` edits: see PROVEN.
        seconds: wall time of the search.
    """

    status: SearchStatus
    repairs: tuple[ArchitectureRepair, ...]
    bound: int
    proven: bool
    seconds: float
