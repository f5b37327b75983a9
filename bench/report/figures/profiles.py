"""Methods over all scenarios and seeds: a cactus plot and performance profiles."""

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.records.record import Record
from bench.report.build import Report
from bench.report.figures.accuracy import legend
from bench.report.series import measured, preferred
from bench.report.style import SHORTEST, WIDTH, Drawing, logarithmic, looks
from repair.weights.status import RepairStatus

Block = tuple[str, int]  # scenario and seed
_LARGEST = 100.0  # factor at which profiles end


def cactus(report: Report) -> list[Drawing]:
    """Draws how many repairs a method completes when each is given a time."""
    seconds: dict[str, list[float]] = {}
    for one in report.series:
        for record in one.repaired:
            if record.kept_original:
                continue
            spent = record.seconds.get("repair", record.seconds["total"])
            seconds.setdefault(one.method, []).append(max(spent, SHORTEST))
    if not seconds:
        return []
    look = looks(seconds)
    drawn = Figure(figsize=(WIDTH / 2, 2.8), layout="constrained")
    axes = drawn.subplots()
    for name, values in sorted(seconds.items()):
        colour, marker = look[name]
        count = np.arange(1, len(values) + 1)
        axes.step(count, sorted(values), where="mid", color=colour)
        axes.plot(count, sorted(values), ls="", marker=marker, color=colour, ms=3)
    logarithmic(axes, "y")
    axes.set_xlabel("runs repaired")
    axes.set_ylabel("seconds of repair, each")
    drawn.legend(handles=legend(look), loc="outside lower center", ncols=3)
    caption = (
        "Cactus plot: how many of its runs a method repairs when each may take so many seconds; further right and "
        "lower is better. All runs that ended with a repair which validation data chose, of all scenarios, settings "
        "and seeds; methods with more runs reach further right. Seconds are wall clock of the machines that the "
        "records name."
    )
    return [Drawing("cactus", "Repairs within a time", caption, drawn)]


def profiles(report: Report) -> list[Drawing]:
    """Draws performance profiles (Dolan and Moré, Math. Programming 91, 2002) of error, weights changed and seconds."""
    best = preferred(report.runs)
    methods = sorted({method for _, method, _ in best})
    if len(methods) < 2:
        return []
    look = looks(methods)
    costs: dict[str, Callable[[Record], float | None]] = {
        "error on defect data": lambda r: _error(r, "defect"),
        "error on clean data": lambda r: _error(r, "clean"),
        "weights changed": lambda r: _repaired(r, (r.patch or {}).get("weights_changed")),
        "seconds of repair": lambda r: _repaired(r, r.seconds.get("repair", r.seconds["total"])),
    }
    drawn = Figure(figsize=(WIDTH, 2.4), layout="constrained")
    for axes, (name, cost) in zip(
        drawn.subplots(1, len(costs), sharey=True), costs.items(), strict=True
    ):
        _profile(axes, best, cost, look)
        axes.set_title(name)
    drawn.axes[0].set_ylabel("share of scenarios and seeds")
    drawn.supxlabel("at most this many times the best method's")
    drawn.legend(handles=legend(look), loc="outside upper center", ncols=6)
    caption = (
        "Performance profiles over the scenarios and seeds that at least two methods have: on what share of them a "
        "method comes within a factor of the best. Higher is better; at 1 it is the share on which the method is the "
        "best. A method without a run there, or without a repair that validation data chose, never comes within any "
        "factor of weights or seconds."
    )
    return [Drawing("profiles", "Performance profiles", caption, drawn)]


def _profile(
    axes: Axes,
    best: Mapping[tuple[str, str, int], Record],
    cost: Callable[[Record], float | None],
    look: Mapping[str, tuple[str, str]],
) -> None:
    table: dict[Block, dict[str, float]] = {}
    for (scenario, method, seed), record in best.items():
        value = cost(record)
        table.setdefault((scenario, seed), {})[method] = np.inf if value is None else value
    shared = {block: costs for block, costs in table.items() if len(costs) > 1}
    for name, (colour, _) in look.items():
        ratios = np.array([_ratio(costs, name) for _, costs in sorted(shared.items())])
        inside = np.sort(ratios[ratios <= _LARGEST])
        share = np.arange(1, len(inside) + 1) / max(len(ratios), 1)
        x = np.concatenate(([1.0], inside, [_LARGEST]))
        y = np.concatenate(([0.0], share, share[-1:] if len(share) else [0.0]))
        axes.step(x, y, where="post", color=colour)
    logarithmic(axes, "x")
    axes.set_xlim(1, _LARGEST)
    axes.set_ylim(0, 1.04)


def _ratio(costs: Mapping[str, float], name: str) -> float:
    least = min(costs.values())
    if name not in costs or not np.isfinite(costs[name]):
        return np.inf
    return 1.0 if costs[name] == least else costs[name] / max(least, 1e-9)


def _error(record: Record, measure: str) -> float | None:
    accuracies = measured(record)
    return None if accuracies is None else 100 - accuracies[measure]


def _repaired(record: Record, value: float | None) -> float | None:
    return value if record.status is RepairStatus.OK and not record.kept_original else None
