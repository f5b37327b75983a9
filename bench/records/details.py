"""What reports read of a record's details, which methods of anybody fill: a value of another type counts as missing."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.escape import shortened
from bench.records.record import Record

# Characters: the names of many layers.
_LONGEST = 4000


def text(record: Record, name: str) -> str | None:
    """The text of a detail, that of a whole number too; None where there is none."""
    value = record.details.get(name)
    return shortened(str(value), _LONGEST) if isinstance(value, str | int) else None


def count(record: Record, name: str) -> int | None:
    """A detail that is a number of things, 0 or more, True being 1; None where there is none."""
    value = record.details.get(name)
    return int(value) if isinstance(value, int) and value >= 0 else None


def worth(record: Record) -> float:
    """The sum of the chosen combination's accuracies on validation data, fractions; -inf where it is not known."""
    named = record.details.get("validation")
    pair = named.get(record.chosen) if isinstance(named, Mapping) else None
    # From a file they are JSON objects, from a run of this process Combinations.
    both = [_of(pair, name) for name in ("clean", "defect")]
    known = [value for one in both if isinstance(value := _of(one, "accuracy"), int | float)]
    return float(sum(known)) if len(known) == len(both) else float("-inf")


def flips(record: Record) -> dict[str, np.ndarray] | None:
    """How many answers changed from which to which; None where that was not counted.

    Returns:
        "clean" and "defect" -> (classes, classes) counts.
    """
    given = record.details.get("flips")
    matrices = {name: _square(_of(given, name)) for name in ("clean", "defect")}
    return None if any(counts is None for counts in matrices.values()) else matrices  # type: ignore[return-value]


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _square(value: Any) -> np.ndarray | None:
    try:
        counts = np.array(value)
    except ValueError:  # lines of different lengths
        return None
    square = counts.ndim == 2 and 0 < len(counts) == counts.shape[1]
    return counts if square and counts.dtype.kind in "iu" and counts.min() >= 0 else None
