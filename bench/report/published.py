"""The papers' numbers of results/published/, in the form of our own records."""

import csv
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench import shipped
from bench.records.record import Accuracy, Combination
from repair.errors import InputError

_ROWS = "nnrepair_rows.csv"
_ARCHITECTURES = "exais.csv"
_ORIGINAL = "ORIG"
_EXPERT = re.compile(r"L\d")


@dataclass(frozen=True)
class PublishedCell:
    """What the paper reports for one scenario, layer and experiment: accuracies on test data."""

    before: Combination
    combinations: Mapping[str, Combination]


# (scenario, layer, exp); exp is "" where the artifact has one experiment without a name
PublishedCells = Mapping[tuple[str, str, str], PublishedCell]


def name_of(row: str, selection: str) -> str:
    """Returns the name of a combination: CONF, or CONF@f1 where its experts were selected by F1."""
    return row if selection == "all" else f"{row}@{selection}"


def best_on_test(combinations: Mapping[str, Combination]) -> str | None:
    """Returns the combination with the highest defect accuracy on test data, then clean, then by name.

    This is how the paper chose; it is shown apart from what validation data chose.
    """
    return min(
        combinations,
        key=lambda name: (
            -combinations[name].defect.accuracy,
            -combinations[name].clean.accuracy,
            name,
        ),
        default=None,
    )


@cache
def published(folder: Path | None = None) -> PublishedCells:
    """Returns the cells of NNrepair (Usman et al., CAV 2021, arXiv 2103.12535).

    Args:
        folder: The folder of the tables; by default the one shipped with the code.

    Raises:
        InputError: The table is missing.
    """
    path = (folder or shipped("results/published")) / _ROWS
    if not path.is_file():
        raise InputError(
            f"no {path}: the published numbers are missing. "
            "Make them with `python scripts/published_tables.py`."
        )
    counts: dict[tuple[str, str, str], dict[str, dict[str, Accuracy]]] = defaultdict(dict)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["set"] in ("clean_test", "defect_test") and not _EXPERT.fullmatch(row["row"]):
                name = name_of(row["row"], row["selection"])
                cell = counts[row["scenario"], row["layer"], row["exp"]]
                cell.setdefault(name, {})[row["set"]] = Accuracy(
                    int(row["correct"]), int(row["total"])
                )
    return {key: _cell(names) for key, names in sorted(counts.items())}


def _cell(names: Mapping[str, Mapping[str, Accuracy]]) -> PublishedCell:
    # For low accuracy the defect set is the plain test data: one set serves as both. A combination
    # that the artifact left empty on clean data cannot be compared.
    both = {
        name: Combination(sets["clean_test"], sets.get("defect_test", sets["clean_test"]))
        for name, sets in names.items()
        if "clean_test" in sets
    }
    before = both[_ORIGINAL]
    return PublishedCell(
        before, {name: pair for name, pair in both.items() if name.split("@")[0] != _ORIGINAL}
    )


@cache
def published_architectures() -> Mapping[str, Mapping[str, str]]:
    """Returns the rows of ExAIS (Schumi and Sun, ISSTA 2023, arXiv 2306.07995) by the set of broken definitions."""
    path = shipped("results/published") / _ARCHITECTURES
    with path.open(newline="", encoding="utf-8") as file:
        return {row["set"]: row for row in csv.DictReader(file)}
