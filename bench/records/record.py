"""Record: the result of one run, the row that tables and figures are made of.

`record.json` is schema_version 1, the JSON Schema of `record.schema.json` beside this file.
"""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from bench.escape import shortened
from bench.records.canonical import canonical
from bench.records.record_schema import check, parsed
from repair.errors import InputError, unknown
from repair.weights.status import RepairStatus

SCHEMA_VERSION = 1
ORIGINAL = "ORIG"  # the combination that is the unrepaired network

# What says where a run reads, writes and shows, not what it computes; the seed has its own folder.
_OUTSIDE_THE_HASH = frozenset(
    (
        "seed",
        "results_dir",
        "overwrite",
        "retry",
        "wandb",
        "tracking",
        "progress",
        "hydra",
        "cluster",
        "data_dir",
    )
)


@dataclass(frozen=True)
class Accuracy:
    """A share of inputs classified right: `correct` of `total`."""

    correct: int
    total: int

    def __post_init__(self) -> None:
        if self.total < 1 or not 0 <= self.correct <= self.total:
            raise InputError(
                f"accuracy of {self.correct} of {self.total}: expected 0 <= correct <= total >= 1."
            )

    @property
    def accuracy(self) -> float:
        """Fraction in 0..1."""
        return self.correct / self.total

    @classmethod
    def of(cls, right: np.ndarray) -> "Accuracy":
        """From booleans, one for each input: was it classified right? Shape (n,)."""
        return cls(int(np.count_nonzero(right)), len(right))


@dataclass(frozen=True)
class Combination:
    """What one combination of experts reaches on the clean and on the defect test set."""

    clean: Accuracy
    defect: Accuracy


@dataclass(frozen=True)
class Record:
    """One run's result. The fields are those of the JSON Schema.

    Args:
        metrics: from `before_and_after`, or the figures of an architecture run.
        seconds: stage -> seconds; "total" is required.
        environment: from `bench.records.environment.environment`.
        reason: one sentence, required wherever status is not OK.
        chosen: the name in `combinations` that validation data chose.
        patch: of the chosen network: 0 weights where that is the unrepaired one, None where nothing was found.
        details: what only some methods have; for NNrepair `layer`, `passing_tests` and `exp`
            ("ExpA".."ExpD"), which the report reads; `no_patch`, one sentence, where there is no patch file.
    """

    experiment: str
    scenario: str
    method: str
    seed: int
    status: RepairStatus
    config_hash: str
    metrics: Mapping[str, Any]
    seconds: Mapping[str, float]
    environment: Mapping[str, Any]
    reason: str | None = None
    chosen: str | None = None
    combinations: Mapping[str, Combination] = field(default_factory=dict)
    patch: Mapping[str, Any] | None = None
    solver: Mapping[str, Any] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status not in tuple(RepairStatus):
            raise unknown("record status", str(self.status), RepairStatus)
        object.__setattr__(self, "status", RepairStatus(self.status))
        if self.status is not RepairStatus.OK and not self.reason:
            raise InputError(
                f"a record with status '{self.status}' needs a reason: one sentence, why."
            )
        if self.chosen is not None and self.combinations and self.chosen not in self.combinations:
            raise unknown("chosen combination", self.chosen, self.combinations)
        if "total" not in self.seconds:
            raise InputError("the seconds of a record need the entry 'total'.")

    @property
    def kept_original(self) -> bool:
        """Whether the network stays as it was: no repair did better on validation data, or there was none."""
        return self.chosen == ORIGINAL


def before_and_after(
    clean_before: Accuracy,
    clean_after: Accuracy | None,
    defect_before: Accuracy,
    defect_after: Accuracy | None,
    **further: Any,
) -> dict[str, Any]:
    """The metrics of a weight repair on test data, with those that follow from the accuracies.

    Args:
        clean_after, defect_after: None where there is no repaired network.
        further: other metrics of the schema, such as `efficacy` (fraction) or `negative_flips`.

    Returns:
        `generalization_pp` = defect after - before and `drawdown_pp` = clean before - after
        (percentage points) beside the accuracies.
    """
    metrics: dict[str, Any] = {
        "clean_before": clean_before,
        "defect_before": defect_before,
        **further,
    }
    if clean_after is not None:
        metrics["clean_after"] = clean_after
        metrics["drawdown_pp"] = 100 * (clean_before.accuracy - clean_after.accuracy)
    if defect_after is not None:
        metrics["defect_after"] = defect_after
        metrics["generalization_pp"] = 100 * (defect_after.accuracy - defect_before.accuracy)
    return metrics


def config_hash(config: Mapping[str, Any]) -> str:
    """The 16 first hexadecimal digits of the SHA-256 of a resolved run config.

    Two configs have the same hash exactly when they ask for the same computation: the seed, the
    results folder, tracking and other settings that do not change a result are left out; the rest
    is equal in value and type, as `bench.records.canonical` tells them apart.
    """
    settings = {key: value for key, value in config.items() if key not in _OUTSIDE_THE_HASH}
    return hashlib.sha256(canonical(settings).encode()).hexdigest()[:16]


# A list of numbers as json.dumps breaks it; no JSON string holds a line break, so none is touched.
_NUMBERS = re.compile(r"\[\n\s+([-+.\deE,\s]+?)\n\s+\]")


def to_json(record: Record) -> str:
    """The text of record.json: sorted keys, so that equal records are equal bytes; a matrix has a line for each row.

    Raises:
        InputError: the record does not fit the schema, so that nobody could read it back.
    """
    fields = {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}
    plain = _plain({"schema_version": SCHEMA_VERSION, **fields})
    check(plain)
    text = json.dumps(plain, sort_keys=True, indent=2, allow_nan=False, ensure_ascii=False)
    return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def from_json(text: str) -> Record:
    """The record of a text that `to_json` wrote; unknown top-level keys are kept in `details`.

    Raises:
        InputError: the text is no complete record of schema_version 1, and why.
    """
    raw = parsed(text)
    if not isinstance(raw, dict) or raw.get("schema_version") != SCHEMA_VERSION:
        given = raw.get("schema_version") if isinstance(raw, dict) else type(raw).__name__
        shown = shortened(repr(given), 40)
        raise InputError(f"no record of schema_version {SCHEMA_VERSION} (found {shown})")
    check(raw)
    names = {f.name for f in dataclasses.fields(Record)}
    known = {key: value for key, value in raw.items() if key in names}
    foreign = {
        key: value for key, value in raw.items() if key not in names and key != "schema_version"
    }
    try:
        known["metrics"] = {key: _read_accuracy(value) for key, value in known["metrics"].items()}
        known["combinations"] = {
            name: Combination(_read_accuracy(pair["clean"]), _read_accuracy(pair["defect"]))
            for name, pair in known.get("combinations", {}).items()
        }
        known["details"] = {**foreign, **known.get("details", {})}
        return Record(**known)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"not a complete record: {type(error).__name__} {error}") from error


def _read_accuracy(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() >= {"correct", "total"}:
        return Accuracy(value["correct"], value["total"])
    return value


def _plain(value: Any) -> Any:
    """`value` in the types of JSON; a bound that does not exist (inf or nan) becomes null."""
    if isinstance(value, Accuracy):
        return {"correct": value.correct, "total": value.total, "accuracy": value.accuracy}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Path):
        return str(value)
    raise InputError(f"{type(value).__name__} {value!r} in a record: expected what JSON can hold.")
