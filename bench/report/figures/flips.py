"""What repair changed in the predictions: answers before against answers after, for each scenario and method."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from bench.record import Record
from bench.report.build import Report
from bench.report.series import MEASURES, preferred
from bench.report.style import SEQUENTIAL, WIDTH, Drawing

_MOST = 20  # classes beyond which numbers of cells cannot be read
_LEAST = 10  # images for which a cell gets its number


def flips(report: Report) -> list[Drawing]:
    """A figure for each scenario: of each method the run, of those with counts, that validation data prefers."""
    counted = [run for run in report.runs if "flips" in run.record.details]
    shown: dict[str, dict[str, Record]] = {}
    for (scenario, method, _), record in sorted(preferred(counted).items()):
        shown.setdefault(scenario, {}).setdefault(method, record)
    return [_drawing(scenario, methods) for scenario, methods in shown.items()]


def _drawing(scenario: str, methods: Mapping[str, Record]) -> Drawing:
    drawn = Figure(figsize=(WIDTH, 0.5 + 2.9 * len(methods)), layout="constrained")
    grid = drawn.subplots(len(methods), 2, squeeze=False, sharex=True, sharey=True)
    largest = max(
        np.max(_changes(record, what)[0]) for record in methods.values() for what in MEASURES
    )
    norm = LogNorm(1, max(largest, 2))
    for row, (name, record) in zip(grid, methods.items(), strict=True):
        for axes, what in zip(row, MEASURES, strict=True):
            counts, same = _changes(record, what)
            _matrix(axes, counts, norm)
            axes.set_title(f"{name}, {what} data: {counts.sum()} changed, {same} kept")
            axes.set_ylabel("answer before")
    for axes in grid[-1]:
        axes.set_xlabel("answer after")
    drawn.colorbar(
        mpl.cm.ScalarMappable(norm, SEQUENTIAL), ax=grid, label="test images", shrink=0.6
    )
    seed = min(record.seed for record in methods.values())
    caption = (
        "How many test images moved from which answer to which. Answers that stayed are left out of the picture and "
        f"counted above it; cells of {_LEAST} images or more have their number. Seed {seed}."
    )
    title = f"What repair changed: {scenario.replace('_', ' ')}"
    return Drawing(f"flips_{scenario}", title, caption, drawn)


def _changes(record: Record, what: str) -> tuple[np.ndarray, int]:
    counts = np.array(record.details["flips"][what])
    same = int(counts.trace())
    np.fill_diagonal(counts, 0)
    return counts, same


def _matrix(axes: Axes, counts: np.ndarray, norm: LogNorm) -> None:
    classes = len(counts)
    axes.imshow(np.ma.masked_equal(counts, 0), norm=norm, cmap=SEQUENTIAL)
    axes.grid(visible=False)
    if classes > _MOST:
        return
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes))
    middle = np.sqrt(norm.vmax or 1.0)  # cells darker than this get light letters
    for before, after in np.argwhere(counts >= _LEAST):
        count = counts[before, after]
        colour = "white" if count < middle else "black"
        text = axes.text(after, before, str(count), ha="center", va="center", color=colour)
        text.set(fontsize=5, in_layout=False)
