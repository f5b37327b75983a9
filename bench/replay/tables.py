"""The published tables of results/published/, as the counts that a replay must reach."""

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from bench import shipped
from repair.errors import InputError

Counts = tuple[int, ...]


@dataclass(frozen=True, order=True)
class Key:
    """Which table: its scenario, layer, experiment, set of images and selection of experts."""

    scenario: str
    layer: str
    exp: str
    set: str
    selection: str

    def of(self, scenario: str, which: str) -> bool:
        """Whether it is about this scenario and set."""
        return (self.scenario, self.set) == (scenario, which)


@dataclass(frozen=True)
class PublishedTable:
    """One published table.

    Attributes:
        key: which table it is.
        rows: the counts of each row, by its name. For a combination they are (right, wrong), for an expert L0..L9
            (right, wrong, tp, tn, fp, fn), for the unrepaired network as the detector of a class,
            ORIG_L0..ORIG_L9, (tp, tn, fp, fn). TAR-PASS and TAR-FAIL of the artifact are tp and fn.
    """

    key: Key
    rows: Mapping[str, Counts]

    @property
    def experts(self) -> tuple[int, ...]:
        """The classes whose experts take part, ascending."""
        return tuple(c for c in range(10) if f"L{c}" in self.rows)

    @property
    def precisions(self) -> dict[int, float]:
        """Class -> precision of its expert: tp / (tp + fp), 0 where it never names its class."""
        counts = {c: self.rows[f"L{c}"] for c in self.experts}
        return {c: tp / max(tp + fp, 1) for c, (_, _, tp, _, fp, _) in counts.items()}


@cache
def published() -> Mapping[Key, PublishedTable]:
    """All 184 tables of accuracies, in order.

    Raises:
        InputError: a table is missing from the installation.
    """
    rows: dict[Key, dict[str, Counts]] = defaultdict(dict)
    for line in _lines("nnrepair_rows.csv"):
        right = int(line["correct"])
        rows[_key(line)][line["row"]] = (right, int(line["total"]) - right)
    for line in _lines("nnrepair_experts.csv"):
        table, counts = (
            rows[_key(line)],
            tuple(int(line[name]) for name in ("tp", "tn", "fp", "fn")),
        )
        if line["network"] == "original":
            table[f"ORIG_L{line['expert']}"] = counts
        else:
            table[f"L{line['expert']}"] += counts
    return {key: PublishedTable(key, rows[key]) for key in sorted(rows)}


def _lines(name: str) -> Iterator[dict[str, str]]:
    path = shipped("results/published") / name
    if not path.is_file():
        raise InputError(
            f"no {path}: the published numbers are missing. "
            "Make them with `python scripts/published_tables.py`."
        )
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _key(line: Mapping[str, str]) -> Key:
    return Key(line["scenario"], line["layer"], line["exp"], line["set"], line["selection"])
