"""A record as one flat row: the form of a line in a table, in W&B or in a report."""

from bench.records import details
from bench.records.record import Accuracy, Record

Value = str | int | float | None

_PERCENT = ("clean_before", "clean_after", "defect_before", "defect_after")
_FIGURES = (
    "drawdown_pp",
    "generalization_pp",
    "efficacy",
    "negative_flips",
    "mcnemar_clean_p",
    "mcnemar_defect_p",
    "attack_success_before",
    "attack_success_after",
    "success",
    "edits_mean",
    "proven",
    "milliseconds_median",
    "milliseconds_max",
    "cases",
)


def row(record: Record) -> dict[str, Value]:
    """The flat row of a record; every row has the same columns in the same order.

    The accuracies `clean_before` to `defect_after` are percentages, `_pp` are percentage points;
    `efficacy`, `success` and `proven` are fractions. What a record lacks is None.
    """
    patch, solver = record.patch or {}, record.solver or {}
    return {
        "experiment": record.experiment,
        "scenario": record.scenario,
        "method": record.method,
        "seed": record.seed,
        "config_hash": record.config_hash,
        "status": record.status,
        "reason": record.reason,
        "layer": details.text(record, "layer"),
        "exp": details.text(record, "exp"),
        "passing_tests": details.count(record, "passing_tests"),
        "chosen": record.chosen,
        **{name: _percent(record.metrics.get(name)) for name in _PERCENT},
        **{name: number(record.metrics.get(name)) for name in _FIGURES},
        "weights_changed": number(patch.get("weights_changed")),
        "no_patch": details.text(record, "no_patch"),
        "solver": _text(solver.get("name")),
        "solver_status": _text(solver.get("status")),
        "objective": number(solver.get("objective")),
        "bound": number(solver.get("bound")),
        "seconds": record.seconds["total"],
        "device": _text(record.environment.get("device")),
        "code_version": _text(record.environment.get("code_version")),
    }


def _percent(value: object) -> float | None:
    return 100 * value.accuracy if isinstance(value, Accuracy) else None


def number(value: object) -> int | float | None:
    """The value itself where it is a number, else None.

    A column has one type, whatever a method of someone's own writes: W&B refuses a mixed one.
    """
    return value if isinstance(value, int | float) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
