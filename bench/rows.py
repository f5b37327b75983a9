"""A record as one flat row: the form of a line in a table, in W&B or in a report."""

from bench.record import Accuracy, Record

Value = str | int | float | None

_PERCENT = ("clean_before", "clean_after", "defect_before", "defect_after")
_FIGURES = (
    "drawdown_pp",
    "generalization_pp",
    "efficacy",
    "negative_flips",
    "attack_success_before",
    "attack_success_after",
    "success",
    "edits_mean",
    "proven",
    "milliseconds_median",
    "milliseconds_max",
    "cases",
)
_SOLVER = ("name", "status", "objective", "bound")
_DETAILS = ("layer", "exp", "passing_tests")


def row(record: Record) -> dict[str, Value]:
    """The flat row of a record; every row has the same columns in the same order.

    The accuracies `clean_before` to `defect_after` are percentages, `_pp` are percentage points;
    `efficacy`, `success` and `proven` are fractions. What a record lacks is None.
    """
    patch, solver, details = record.patch or {}, record.solver or {}, record.details
    return {
        "experiment": record.experiment,
        "scenario": record.scenario,
        "method": record.method,
        "seed": record.seed,
        "config_hash": record.config_hash,
        "status": record.status,
        "reason": record.reason,
        **{name: _scalar(details.get(name)) for name in _DETAILS},
        "chosen": record.chosen,
        **{name: _percent(record.metrics.get(name)) for name in _PERCENT},
        **{name: _scalar(record.metrics.get(name)) for name in _FIGURES},
        "weights_changed": _scalar(patch.get("weights_changed")),
        **{f"solver_{name}": _scalar(solver.get(name)) for name in _SOLVER},
        "seconds": record.seconds["total"],
        "device": _scalar(record.environment.get("device")),
        "code_version": _scalar(record.environment.get("code_version")),
    }


def _percent(value: object) -> float | None:
    return 100 * value.accuracy if isinstance(value, Accuracy) else None


def _scalar(value: object) -> Value:
    return value if value is None or isinstance(value, str | int | float) else str(value)
