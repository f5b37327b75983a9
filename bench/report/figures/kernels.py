"""Heat maps of the weights that repairs changed, for runs with different localizations."""

import os
import textwrap
from math import prod
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure

from bench.escape import shortened, slug
from bench.records.regular import read_regular_archive
from bench.records.store import PATCH
from bench.report.build import Report
from bench.report.run_files import read_run_file
from bench.report.series import Series
from bench.report.style import DIVERGING, WIDTH, Drawing, legible
from repair.errors import InputError

_KERNEL = "/kernel/shape"
_PARTS = ("shape", "indices", "values")
_MOST = 2**25  # numbers of a kernel that are worth a map
_LARGEST = 1e30  # of a change
_COLUMNS = 3
_LEAST = 50  # cells of a kernel that are worth a map
_POINTS = 600  # changes up to which each is drawn as a square of its own, however large the kernel


def kernels(report: Report) -> list[Drawing]:
    """Draws a figure for each scenario and repaired layer of two or more series, by their first seed with a patch."""
    by_layer: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    for one in report.series:
        path = _patch(one)
        by_name = read_run_file(path, changes) if path is not None else None
        for layer, change in (by_name or {}).items():
            if change.size >= _LEAST and change.any():
                by_layer.setdefault((one.scenario, layer), {})[one.name] = change
    return [
        _drawing(scenario, layer, maps)
        for (scenario, layer), maps in sorted(by_layer.items())
        if len(maps) > 1
    ]


def changes(path: Path) -> dict[str, np.ndarray]:
    """Returns the change of each kernel in a patch file by the name of its layer, shape (inputs, outputs).

    Of a convolution (height, width, in, out) it is the change of largest size in each window, with its sign.

    Raises:
        InputError: The file is no patch, or has a kernel that is too large for a map.
    """
    arrays = read_regular_archive(path)
    layers = [key.removesuffix(_KERNEL) for key in arrays if key.endswith(_KERNEL)]
    try:
        return {
            layer: _change(*(arrays[f"{layer}/kernel/{name}"] for name in _PARTS))
            for layer in layers
        }
    except (IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{path} has no map of kernels: {error}.") from error


def _change(shape: np.ndarray, indices: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns the change of one kernel, (inputs, outputs); raises ValueError and its like for arrays that are none."""
    sides = [int(side) for side in shape.tolist()]
    if len(sides) < 2 or min(sides) < 1 or prod(sides) > _MOST:
        raise ValueError(f"a kernel of shape {shortened(str(sides), 60)}")
    if values.dtype.kind != "f" or not (np.abs(values) < _LARGEST).all():
        raise ValueError("changes that are no finite numbers")
    dense = np.zeros(sides)
    dense.ravel()[indices] = values
    windows = dense.reshape(-1, *dense.shape[-2:])
    largest = np.abs(windows).argmax(axis=0)[None]
    return np.take_along_axis(windows, largest, axis=0)[0]


def _patch(series: Series) -> Path | None:
    paths = (run.folder / PATCH for run in series.runs)
    return next((path for path in paths if os.path.lexists(path)), None)


def _drawing(scenario: str, layer: str, maps: dict[str, np.ndarray]) -> Drawing:
    rows = -(-len(maps) // _COLUMNS)
    drawn = Figure(figsize=(WIDTH, 0.4 + 1.7 * rows), layout="constrained")
    grid = drawn.subplots(rows, _COLUMNS, squeeze=False, sharex=True, sharey=True)
    largest = max(float(np.abs(change).max()) for change in maps.values())
    norm = SymLogNorm(largest / 100, vmin=-largest, vmax=largest)
    for axes in grid.ravel():
        axes.set_visible(False)
    for axes, (name, change) in zip(grid.ravel(), maps.items(), strict=False):
        axes.set_visible(True)
        _map(axes, change, norm)
        count = np.count_nonzero(change)
        lines = textwrap.wrap(f"{shortened(name, 120)}: {count} weights", 34)
        axes.set_title("\n".join(map(legible, lines)), fontsize=7)
    drawn.supxlabel("input of the layer")
    drawn.supylabel("output")
    ticks = [-largest, -largest / 10, 0, largest / 10, largest]
    bar = drawn.colorbar(
        mpl.cm.ScalarMappable(norm, DIVERGING), ax=grid, ticks=ticks, format="%.2g"
    )
    bar.set_label("change of the weight")
    bar.minorticks_off()
    caption = (
        f"Kernel of {layer}: which weights each repair changed, and by how much. Of a convolution "
        "each cell is the largest change in the window from an input to an output channel."
    )
    title = f"Where the repairs are: {scenario.replace('_', ' ')}, {layer}"
    return Drawing(f"kernels_{slug(scenario, layer)}", title, caption, drawn)


def _map(axes: Axes, change: np.ndarray, norm: SymLogNorm) -> None:
    """Draws inputs along the page: they are many, and outputs few."""
    inputs, outputs = change.shape
    changed = np.argwhere(change)
    if len(changed) <= _POINTS:
        rows, columns = changed.T
        axes.scatter(
            rows,
            columns,
            c=change[rows, columns],
            norm=norm,
            cmap=DIVERGING,
            s=5,
            marker="s",
            ec="#555555",
            lw=0.2,
        )
    else:
        axes.imshow(change.T, norm=norm, cmap=DIVERGING, aspect="auto", interpolation="nearest")
        axes.grid(visible=False)
    axes.set_xlim(-0.5, inputs - 0.5)
    axes.set_ylim(outputs - 0.5, -0.5)
    axes.locator_params(integer=True)
