"""Predictions that repair changed: classes before against classes after, for each scenario and method."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from bench.escape import slug
from bench.records import details
from bench.records.record import Record
from bench.report.build import Report
from bench.report.series import MEASURES, preferred
from bench.report.style import SEQUENTIAL, WIDTH, Drawing, legible

_MOST = 20  # classes beyond which numbers of cells cannot be read
_LEAST = 10  # images for which a cell gets its number


def flips(report: Report) -> list[Drawing]:
    """Draws a figure for each scenario, with each method's run that has counts and that validation data prefers."""
    counted = [run for run in report.runs if details.flips(run.record) is not None]
    shown: dict[str, dict[str, Record]] = {}
    for (scenario, method, _), record in sorted(preferred(counted).items()):
        shown.setdefault(scenario, {}).setdefault(method, record)
    return [_drawing(scenario, methods) for scenario, methods in shown.items()]


def _drawing(scenario: str, methods: Mapping[str, Record]) -> Drawing:
    sets = _sets(methods)
    shape = (len(methods), 2) if len(sets) == 2 else (1, len(methods))
    drawn = Figure(figsize=(WIDTH, 0.5 + 5.8 * shape[0] / shape[1]), layout="constrained")
    grid = drawn.subplots(*shape, squeeze=False, sharex=True, sharey=True)
    panels = [
        (name, what, *_changes(record, what)) for name, record in methods.items() for what in sets
    ]
    norm = LogNorm(1, max(2, *(counts.max() for _, _, counts, _ in panels)))
    for axes, (name, what, counts, same) in zip(grid.ravel(), panels, strict=True):
        _matrix(axes, counts, norm)
        axes.set_title(f"{legible(name)}, {what} data:\n{counts.sum()} changed, {same} kept")
    drawn.supylabel("predicted class before")
    drawn.supxlabel("predicted class after")
    drawn.colorbar(
        mpl.cm.ScalarMappable(norm, SEQUENTIAL), ax=grid, label="test images", shrink=0.6
    )
    seeds = {name: record.seed for name, record in methods.items()}
    alike = len(set(seeds.values())) == 1
    of = (
        f"Seed {min(seeds.values())}"
        if alike
        else ", ".join(f"{n}: seed {s}" for n, s in seeds.items())
    )
    caption = (
        "How many test images moved from which predicted class to which. Predictions that stayed are left out and "
        f"counted above it; cells of {_LEAST} images or more have their number. {of}."
    )
    title = f"What repair changed: {scenario.replace('_', ' ')}"
    return Drawing(f"flips_{slug(scenario)}", title, caption, drawn)


def _sets(methods: Mapping[str, Record]) -> tuple[str, ...]:
    """Returns defect and clean data, or one of them where the defect is low accuracy itself: they are the same."""
    both = [_counts(record) for record in methods.values()]
    alike = all(np.array_equal(counts["clean"], counts["defect"]) for counts in both)
    return MEASURES[:1] if alike else MEASURES


def _counts(record: Record) -> dict[str, np.ndarray]:
    counts = details.flips(record)
    assert counts is not None  # others are not drawn
    return counts


def _changes(record: Record, what: str) -> tuple[np.ndarray, int]:
    counts = _counts(record)[what]
    same = int(counts.trace())
    np.fill_diagonal(counts, 0)
    return counts, same


def _matrix(axes: Axes, counts: np.ndarray, norm: LogNorm) -> None:
    classes = len(counts)
    axes.pcolormesh(np.ma.masked_equal(counts, 0), norm=norm, cmap=SEQUENTIAL)
    axes.grid(visible=False)
    axes.set(aspect="equal", ylim=(classes, 0))
    if classes > _MOST:
        return
    middles = np.arange(classes) + 0.5  # of the cells
    axes.set_xticks(middles, map(str, range(classes)))
    axes.set_yticks(middles, map(str, range(classes)))
    darkest = np.sqrt(norm.vmax or 1.0)  # cells darker than this get light letters
    for before, after in np.argwhere(counts >= _LEAST):
        count = counts[before, after]
        colour = "white" if count < darkest else "black"
        text = axes.text(
            after + 0.5, before + 0.5, str(count), ha="center", va="center", color=colour
        )
        text.set(fontsize=5, in_layout=False)
