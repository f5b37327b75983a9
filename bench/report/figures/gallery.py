"""Triggers and adversarial images, with the answers before and after repair."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.gallery import EXAMPLES, Gallery
from bench.report.build import Report
from bench.report.series import preferred
from bench.report.style import DIVERGING, WIDTH, Drawing

_ROWS = ("clean", "attacked", "difference")


def galleries(report: Report) -> list[Drawing]:
    """A figure for each scenario and method whose preferred run, of the lowest seed, has kept its examples."""
    best = preferred(report.runs)
    folders = {id(run.record): run.folder for run in report.runs}
    shown: dict[tuple[str, str], Gallery] = {}
    for (scenario, method, _), record in sorted(best.items()):
        path = folders[id(record)] / EXAMPLES
        if path.is_file() and (scenario, method) not in shown:
            shown[scenario, method] = Gallery.load(path)
    return [
        _drawing(scenario, method, gallery)
        for (scenario, method), gallery in shown.items()
        if len(gallery.labels)
    ]


def _drawing(scenario: str, method: str, gallery: Gallery) -> Drawing:
    count = len(gallery.labels)
    change = gallery.attacked.astype(float) - gallery.clean
    rows = _ROWS if change.any() else _ROWS[:1]
    drawn = Figure(figsize=(WIDTH, 0.9 * len(rows) + 0.7), layout="constrained")
    grid = drawn.subplots(len(rows), count, squeeze=False)
    for column in range(count):
        _image(grid[0, column], gallery.clean[column])
        grid[0, column].set_title(f"is {gallery.labels[column]}", fontsize=7)
        if len(rows) > 1:
            _image(grid[1, column], gallery.attacked[column])
            size = max(float(np.abs(change).max()), 1.0)
            mean = change[column].mean(axis=-1)
            grid[2, column].imshow(mean, cmap=DIVERGING, vmin=-size, vmax=size)
        right = gallery.after[column] == gallery.labels[column]
        answers = f"{gallery.before[column]} → {gallery.after[column]}"
        grid[-1, column].set_xlabel(answers, fontweight="bold" if right else "normal")
    for axes, name in zip(grid[:, 0], rows, strict=True):
        axes.set_ylabel(name)
    for axes in grid.ravel():
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set_visible(False)
    caption = (
        "The first test images that the unrepaired network gets wrong, whatever became of them. Below each: the answer "
        "to the attacked image before → after repair, in bold where it is right now."
    )
    title = f"Images before and after repair: {scenario.replace('_', ' ')}, {method}"
    return Drawing(f"examples_{scenario}_{method}", title, caption, drawn)


def _image(axes: Axes, image: np.ndarray) -> None:
    if image.shape[-1] == 3:
        axes.imshow(image)
    else:
        axes.imshow(image.mean(axis=-1), cmap="gray_r", vmin=0, vmax=255)
