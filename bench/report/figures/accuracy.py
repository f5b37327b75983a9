"""Accuracy after repair in each scenario: by method, and against repair images, weights changed and seconds."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.records.record import Accuracy, Record
from bench.report.build import Report
from bench.report.series import MEASURES, Series, measured, preferred, repair_images
from bench.report.statistics import interval
from bench.report.style import BLACK, SHORTEST, WIDTH, Drawing, legible, logarithmic, looks

Look = dict[str, tuple[str, str]]
_AXES: dict[str, tuple[str, Callable[[Record], float | None]]] = {
    "images": ("repair images", repair_images),
    "weights": ("weights changed", lambda record: (record.patch or {}).get("weights_changed")),
    "seconds": (
        "seconds of repair",
        lambda record: max(record.seconds.get("repair", record.seconds["total"]), SHORTEST),
    ),
}


def methods(report: Report) -> list[Drawing]:
    """Draws every method in every scenario, with the interval over its seeds."""
    best = preferred(report.runs)
    scenarios = sorted({scenario for scenario, _, _ in best})
    if not scenarios:
        return []
    look = looks(method for _, method, _ in best)
    drawn = Figure(figsize=(WIDTH, 0.6 + 0.2 * _rows(best)), layout="constrained")
    counts = [len({m for s, m, _ in best if s == scenario}) for scenario in scenarios]
    all_axes = drawn.subplots(len(scenarios), 1, squeeze=False, height_ratios=counts, sharex=True)
    for axes, scenario in zip(all_axes[:, 0], scenarios, strict=True):
        names = sorted({m for s, m, _ in best if s == scenario}, reverse=True)
        for row, name in enumerate(names):
            records = [r for (s, m, _), r in sorted(best.items()) if (s, m) == (scenario, name)]
            for measure in MEASURES:
                _dot(axes, row, records, measure, look[name])
            _before(axes, row, records)
        axes.set_yticks(range(len(names)), [legible(name) for name in names])
        axes.set_ylim(-0.6, len(names) - 0.4)
        axes.set_title(legible(scenario.replace("_", " ")), loc="left")
    all_axes[-1, 0].set_xlabel("accuracy on test data, %")
    shapes = (("defect data", "o", BLACK), ("clean data", "o", "white"))
    handles = [
        Line2D([], [], ls="", marker=m, mfc=c, mec=BLACK, label=label) for label, m, c in shapes
    ]
    handles += [
        Line2D([], [], color=BLACK, ls=style, lw=0.8, label=f"{what} data before repair")
        for what, style in zip(MEASURES, ("-", ":"), strict=True)
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=4)
    caption = (
        "Each method with the settings that did best on validation data, mean over seeds with its 95 % bootstrap "
        "interval (none for a single seed), on test data; before repair the mean over the same seeds. Whether two "
        "methods differ, the table of comparisons says."
    )
    return [Drawing("accuracy_by_method", "Accuracy after repair", caption, drawn)]


def trade_offs(report: Report) -> list[Drawing]:
    """Draws accuracy against the number of repair images, weights changed and seconds, a figure each."""
    return [
        Drawing(
            f"accuracy_by_{name}",
            f"Accuracy against {label}",
            f"Upper row: images that show the defect; lower row: clean ones; both test data. Against {label}: each "
            "point is a run, "
            + (
                "lines join the means over seeds of the settings that did best on validation data at each."
                if name == "images"
                else "so that seeds and settings can be told."
            )
            + " The line across is the network before repair, its mean over these runs.",
            _trade_off(report.series, label, read, joined=name == "images"),
        )
        for name, (label, read) in _AXES.items()
        # No weight changed, 0, cannot be shown on a logarithmic axis.
        if any(read(record) for one in report.series for record in one.repaired)
    ]


def _trade_off(
    series: Sequence[Series], label: str, read: Callable[[Record], float | None], *, joined: bool
) -> Figure:
    scenarios = sorted({one.scenario for one in series})
    look = looks(one.method for one in series)
    drawn = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    grid = drawn.subplots(2, len(scenarios), squeeze=False, sharex=True)
    for column, scenario in enumerate(scenarios):
        shown = [one for one in series if one.scenario == scenario]
        for axes, measure in zip(grid[:, column], MEASURES, strict=True):
            for one in shown:
                _points(axes, one.repaired, read, measure, look[one.method])
            if joined:
                _joined(axes, shown, read, measure, look)
            _before_across(axes, [r for one in shown for r in one.repaired], measure)
            axes.margins(0.12)
            axes.locator_params(axis="y", nbins=4)
        first, _, rest = scenario.partition("_")
        title = (first, rest.replace("_", " ")) if rest else (first,)
        grid[0, column].set_title("\n".join(map(legible, title)))
    for axes, measure in zip(grid[:, 0], MEASURES, strict=True):
        axes.set_ylabel(f"accuracy on\n{measure} data, %")
    logarithmic(grid[0, 0], "x")  # the axis of all panels, which share it
    drawn.supxlabel(label)
    drawn.legend(handles=legend(look), loc="outside upper center", ncols=6)
    return drawn


def legend(look: Look) -> list[Line2D]:
    """Returns a handle of the legend for each method."""
    return [
        Line2D([], [], color=colour, marker=marker, label=legible(name))
        for name, (colour, marker) in look.items()
    ]


def _points(
    axes: Axes,
    records: Iterable[Record],
    read: Callable[[Record], float | None],
    measure: str,
    look: tuple[str, str],
) -> None:
    marks = [
        (x, values[measure])
        for record in records
        if (x := read(record)) and (values := measured(record))
    ]
    if marks:
        axes.plot(
            *zip(*marks, strict=True),
            ls="",
            marker=look[1],
            color=look[0],
            ms=4,
            mec="white",
            mew=0.4,
            alpha=0.8,
        )


def _joined(
    axes: Axes,
    series: Sequence[Series],
    read: Callable[[Record], float | None],
    measure: str,
    look: Look,
) -> None:
    """Draws a line of means over seeds for each method, at each abscissa of the runs that validation data prefers."""
    for method in sorted({one.method for one in series}):
        means: dict[float, list[float]] = {}
        for (x, _, _), record in sorted(_per_abscissa(series, method, read).items()):
            values = measured(record)
            if values:
                means.setdefault(x, []).append(values[measure])
        if len(means) > 1:
            points = sorted((x, fmean(values)) for x, values in means.items())
            axes.plot(*zip(*points, strict=True), color=look[method][0])


def _per_abscissa(
    series: Sequence[Series], method: str, read: Callable[[Record], float | None]
) -> dict[tuple[float, str, int], Record]:
    """Returns the run that validation data prefers by (abscissa, scenario, seed)."""
    runs = [run for one in series if one.method == method for run in one.runs]
    abscissas = sorted({x for run in runs if (x := read(run.record))})
    return {
        (x, scenario, seed): record
        for x in abscissas
        for (scenario, _, seed), record in preferred(
            run for run in runs if read(run.record) == x
        ).items()
    }


def _rows(best: Iterable[tuple[str, str, int]]) -> int:
    pairs = {(scenario, method) for scenario, method, _ in best}
    return len(pairs) + 2 * len({scenario for scenario, _ in pairs})


def _dot(
    axes: Axes, row: int, records: Sequence[Record], measure: str, look: tuple[str, str]
) -> None:
    over_seeds = interval([v[measure] for record in records if (v := measured(record))])
    offset = 0.12 if measure == "defect" else -0.12
    face = look[0] if measure == "defect" else "white"
    if over_seeds.low is not None and over_seeds.high is not None:
        axes.hlines(row + offset, over_seeds.low, over_seeds.high, colors=look[0])
    axes.plot(over_seeds.mean, row + offset, look[1], mfc=face, mec=look[0])


def _before(axes: Axes, row: int, records: Sequence[Record]) -> None:
    """Draws the means over the seeds of the method; where all seeds have one network, the rows make one line."""
    for measure, style in zip(MEASURES, ("-", ":"), strict=True):
        values = _accuracies_before(records, measure)
        if values:
            ends = row - 0.5, row + 0.5
            axes.plot([fmean(values)] * 2, ends, color=BLACK, ls=style, lw=0.8)


def _before_across(axes: Axes, records: Iterable[Record], measure: str) -> None:
    values = _accuracies_before(records, measure)
    if values:
        axes.axhline(fmean(values), color=BLACK, lw=0.8)


def _accuracies_before(records: Iterable[Record], measure: str) -> list[float]:
    values = (record.metrics.get(f"{measure}_before") for record in records)
    return [100 * value.accuracy for value in values if isinstance(value, Accuracy)]
