"""The table of series: means over seeds with bootstrap intervals."""

from collections.abc import Callable, Mapping, Sequence

from bench.records.record import Record
from bench.records.rows import Value
from bench.report.series import MEASURES, Series, before_and_after
from bench.report.statistics import Interval, interval
from bench.report.tables.table import NONE, Table


def series_table(series: Sequence[Series]) -> Table:
    """Returns a line for each series: means over seeds with 95 % bootstrap intervals."""
    numbers = [_series_numbers(one) for one in series]
    return Table(
        title="Methods over seeds",
        note=(
            "Mean over seeds [95 % bootstrap interval, of two seeds or more], on test data, of the runs that "
            "ended with a repair; failed counts the others. Before → after: both of the same seeds; before without "
            "an interval is the same in all of them. Where validation data chose the network as it was, these "
            "are its accuracies, and 0 weights. Certified: every constraint held when the patched network was run. "
            "Intervals of few seeds are too narrow."
        ),
        columns=(
            "scenario",
            "method",
            "seeds",
            "failed",
            "defect accuracy, %",
            "clean accuracy, %",
            "weights changed",
            "certified",
            "seconds",
        ),
        lines=[
            (
                one.scenario,
                one.name,
                str(n["seeds"]),
                str(n["failed"] or NONE),
                *(_change(n, what) for what in MEASURES),
                _interval(n, "weights_changed", 0),
                NONE if n["certificates"] == 0 else f"{n['certified']} of {n['certificates']}",
                _interval(n, "seconds", 1),
            )
            for one, n in zip(series, numbers, strict=True)
        ],
        numbers=numbers,
    )


def _series_numbers(series: Series) -> dict[str, Value]:
    repaired = series.repaired
    certificates = [
        certificate.get("ok")
        for record in repaired
        if isinstance(certificate := record.details.get("certificate"), Mapping)
        and not record.kept_original
    ]
    columns: dict[str, Callable[[Record], float | None]] = {
        "weights_changed": lambda r: (r.patch or {}).get("weights_changed"),
        "seconds": lambda r: r.seconds.get("repair", r.seconds["total"]),
    }
    numbers: dict[str, Value] = {
        "scenario": series.scenario,
        "method": series.method,
        "setting": series.setting,
        "seeds": len(repaired),
        "failed": len(series.runs) - len(repaired),
        "left_as_it_was": sum(record.kept_original for record in repaired),
        "certified": sum(bool(ok) for ok in certificates),
        "certificates": len(certificates),
    }
    values_of = {
        name: [value for record in repaired if (value := read(record)) is not None]
        for name, read in columns.items()
    }
    for what in MEASURES:
        pairs = before_and_after(repaired, what)
        for index, when in enumerate(("before", "after")):
            values_of[f"{what}_{when}"] = [pair[index] for pair in pairs]
    for name, values in values_of.items():
        over_seeds = interval(values) if values else Interval(float("nan"), None, None, 0)
        numbers[name] = over_seeds.mean if values else None
        numbers[f"{name}_low"], numbers[f"{name}_high"] = over_seeds.low, over_seeds.high
    return numbers


def _change(numbers: Mapping[str, Value], what: str) -> str:
    before, after = (f"{what}_{when}" for when in ("before", "after"))
    if numbers[f"{before}_low"] == numbers[f"{before}_high"]:  # the same network for every seed
        return f"{_figure(numbers[before], '{:.2f}')} → {_interval(numbers, after, 2)}"
    return f"{_interval(numbers, before, 2)} → {_interval(numbers, after, 2)}"


def _interval(numbers: Mapping[str, Value], name: str, digits: int) -> str:
    mean, low, high = (numbers[key] for key in (name, f"{name}_low", f"{name}_high"))
    if mean is None:
        return NONE
    if low is None:
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _figure(value: Value, form: str) -> str:
    return NONE if value is None else form.format(value)
