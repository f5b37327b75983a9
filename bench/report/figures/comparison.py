"""One figure for each published scenario: defect and clean accuracy, compared with ours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.escape import slug
from bench.records.record import Accuracy, Combination
from bench.report.build import Report
from bench.report.compare import ComparisonRow, cells, combinations_before
from bench.report.style import BEFORE, BLACK, BLUE, GREY, SKY, Drawing, legible

# Markers, not bars: differences of a point between 95 and 98 % must be seen.
_SERIES = (
    ("published, best on test", "o", GREY),
    ("published, our combination", "s", "#FFFFFF"),
    ("ours, chosen on validation", "D", BLUE),
    ("ours, best on test", "^", SKY),
)
_STEP = 0.2  # between the markers of a group; groups are 1 apart


@dataclass(frozen=True)
class Group:
    """The results at one position of the horizontal axis, in the order of the legend, each over seeds."""

    label: str
    before: list[Combination]
    results: tuple[list[Combination], ...]
    remark: str


def groups_of(scenario: str, rows: Sequence[ComparisonRow]) -> list[Group]:
    """Returns the groups of a scenario's figure: its rows of NNrepair."""
    return [_group(cell) for cell in cells(rows) if cell[0].scenario == scenario]


def comparison_figures(report: Report) -> list[Drawing]:
    """Draws a figure for each scenario with published results."""
    drawings = []
    for scenario in sorted({row.scenario for row in report.comparison}):
        groups = groups_of(scenario, report.comparison)
        drawings.append(
            Drawing(
                f"beside_published_{slug(scenario)}",
                f"Comparison with published results: {scenario.replace('_', ' ')}",
                "NNrepair on test data, for each layer and number of passing tests (ExpA to ExpD: 0, 10, 50, 100). "
                "Upper panel: images that show the defect; lower panel: clean ones. The line is the network before "
                "repair, its mean over the same seeds; whiskers are the least and the largest of several seeds. The "
                "paper chose its combination on test data, ours is chosen on validation data.",
                figure(groups),
            )
        )
    return drawings


def figure(groups: Sequence[Group]) -> Figure:
    """Draws defect accuracy above clean accuracy; a line marks the network before repair."""
    drawn = Figure(figsize=(max(4.5, 1.2 + 0.75 * len(groups)), 4.6), layout="constrained")
    defect, clean = drawn.subplots(2, 1, sharex=True)
    _draw(defect, groups, lambda result: result.defect)
    _draw(clean, groups, lambda result: result.clean)
    defect.set_ylabel("accuracy on\ndefect test data, %")
    clean.set_ylabel("accuracy on\nclean test data, %")
    clean.set_xticks(range(len(groups)), [group.label for group in groups])
    clean.set_xlim(-0.5, len(groups) - 0.5)
    handles, labels = defect.get_legend_handles_labels()
    drawn.legend(handles, labels, loc="outside lower center", ncols=3)
    return drawn


def _draw(axes: Axes, groups: Sequence[Group], choose: Callable[[Combination], Accuracy]) -> None:
    half = _STEP * len(_SERIES) / 2
    lines = [
        (x, np.mean([100 * choose(result).accuracy for result in group.before]))
        for x, group in enumerate(groups)
        if group.before
    ]
    axes.hlines(
        [height for _, height in lines],
        [x - half for x, _ in lines],
        [x + half for x, _ in lines],
        colors=BEFORE,
        linewidth=1.2,
        label="before repair",
    )
    for index, (label, marker, colour) in enumerate(_SERIES):
        offset = (index - (len(_SERIES) - 1) / 2) * _STEP
        marks = [
            (
                x + offset,
                np.mean(values),
                # The mean of equal values may differ from them in the last digit, and no error is below 0.
                max(np.mean(values) - min(values), 0.0),
                max(max(values) - np.mean(values), 0.0),
            )
            for x, group in enumerate(groups)
            if (values := [100 * choose(result).accuracy for result in group.results[index]])
        ]
        if marks:
            abscissas, means, *spread = zip(*marks, strict=True)
            axes.errorbar(
                abscissas,
                means,
                spread,
                fmt=marker,
                color=colour,
                ecolor=BLACK,
                elinewidth=0.8,
                mec="black",
                mew=0.5,
                label=label,
            )
    for x, group in enumerate(groups):
        axes.annotate(
            group.remark,
            (x + _STEP, 0.5),
            xycoords=("data", "axes fraction"),
            rotation=90,
            ha="center",
            va="center",
            fontsize=6,
        )
    axes.margins(y=0.15)


def _group(cell: Sequence[ComparisonRow]) -> Group:
    row = cell[0]
    seeds = f"\n{len(cell)} seeds" if len(cell) > 1 else ""
    once = tuple([item.result] if item else [] for item in (row.published_best, row.published_same))
    chosen, best = (
        [item.result for item in items if item]
        for items in ([one.chosen for one in cell], [one.best for one in cell])
    )
    remark = _remark(row.status, bool(chosen))
    return Group(
        f"{legible(row.layer)}\n{legible(row.exp)}{seeds}",
        combinations_before(cell),
        (*once, chosen, best),
        remark,
    )


def _remark(status: str, shown: bool) -> str:
    return "" if shown else f"ours: {status.replace('_', ' ')}"
