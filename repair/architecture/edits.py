"""What a repair changes, as values that a person can read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from repair.architecture.layer import LayerSpec, Shape, Value

ABSENT = "<absent>"
"""Stands for the value of an argument that is not written."""


@dataclass(frozen=True)
class ChangeArgument:
    """Another value of one argument; ABSENT before or after where it is not written."""

    layer: str
    argument: str
    before: Value
    after: Value

    def __str__(self) -> str:
        was = "" if self.before == ABSENT else f" (was {self.before!r})"
        if self.after == ABSENT:
            return f"{self.layer}: without {self.argument}{was}"
        return f"{self.layer}: {self.argument}={self.after!r}{was}"


@dataclass(frozen=True)
class ChangeType:
    """Another layer type in the same place, such as the same layer in other dimensions."""

    layer: str
    before: LayerSpec
    after: LayerSpec

    def __str__(self) -> str:
        return f"{self.layer}: {self.after} instead of {self.before.type}"


@dataclass(frozen=True)
class ChangeInner:
    """Another wrapped layer, or other arguments of it."""

    layer: str
    before: LayerSpec
    after: LayerSpec

    def __str__(self) -> str:
        return f"{self.layer}: {self.after} instead of {self.before}"


@dataclass(frozen=True)
class MakeWeights:
    """Given weights made anew, because their shapes do not fit or no longer do."""

    layer: str
    before: Mapping[str, Shape]
    after: Mapping[str, Shape]

    def __str__(self) -> str:
        changed = [name for name in self.after if self.before.get(name) != self.after[name]]
        shown = ", ".join(
            f"{name} {self.before.get(name)} -> {self.after[name]}" for name in changed
        )
        return f"{self.layer}: weights made anew: {shown}"


def _where(source: str, target: str | None) -> str:
    return f"between {source} and {target}" if target else f"after {source}"


@dataclass(frozen=True)
class Insert:
    """A new layer `name` between `source` and `target`; target None: after the last layer."""

    name: str
    layer: LayerSpec
    source: str
    target: str | None

    def __str__(self) -> str:
        return f"insert {self.layer} {_where(self.source, self.target)}"


@dataclass(frozen=True)
class Remove:
    """A layer taken out; what read it reads its input."""

    name: str
    layer: LayerSpec

    def __str__(self) -> str:
        return f"remove {self.name}: {self.layer}"


@dataclass(frozen=True)
class Move:
    """A layer taken out and put in between `source` and `target`."""

    name: str
    source: str
    target: str | None

    def __str__(self) -> str:
        return f"move {self.name} {_where(self.source, self.target)}"


@dataclass(frozen=True)
class Rewire:
    """Input number `position` of a layer read from elsewhere."""

    layer: str
    position: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.layer}: reads {self.after} instead of {self.before}"


Edit = ChangeArgument | ChangeType | ChangeInner | MakeWeights | Insert | Remove | Move | Rewire


def count(edits: Iterable[Edit]) -> int:
    """Number of edits: layers added, moved or removed, types changed, layers with other arguments.

    As the data pack counts the published repairs: all arguments of one layer are one edit, weights
    made anew are none. A move counts twice, as the removal and the insertion that it is.
    """
    total = 0
    for _, group in groupby(sorted(edits, key=_edited_layer), key=_edited_layer):
        weights = [
            2 if isinstance(e, Move) else 0 if isinstance(e, MakeWeights) else 1 for e in group
        ]
        total += max(weights)
    return total


def _edited_layer(edit: Edit) -> str:
    return edit.name if isinstance(edit, Insert | Remove | Move) else edit.layer
