"""Triggers and adversarial images, with the predictions before and after repair."""

import os
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from bench.escape import slug
from bench.records.gallery import EXAMPLES, Gallery
from bench.report.build import Report
from bench.report.run_files import read_run_file
from bench.report.series import preferred
from bench.report.style import WIDTH, Drawing, legible

_GAP = 0.08  # between images, in widths of one
_LINE = 0.16  # inches, of a line of answers


def galleries(report: Report) -> list[Drawing]:
    """Draws a figure for each scenario, with each method's run that has examples and that validation data prefers."""
    with_examples = [run for run in report.runs if os.path.lexists(run.folder / EXAMPLES)]
    folders = {id(run.record): run.folder for run in with_examples}
    shown: dict[str, dict[str, Gallery]] = {}
    for (scenario, method, _), record in sorted(preferred(with_examples).items()):
        if method in shown.get(scenario, {}):
            continue
        gallery = read_run_file(folders[id(record)] / EXAMPLES, Gallery.load)
        if gallery is not None:
            shown.setdefault(scenario, {})[method] = gallery
    return [
        _drawing(scenario, alike)
        for scenario, methods in shown.items()
        if (alike := _of_the_same_images(methods))
    ]


def _of_the_same_images(methods: Mapping[str, Gallery]) -> dict[str, Gallery]:
    """Returns the galleries of the same images as the first: networks trained by seed are wrong on other images."""
    first = next(iter(methods.values()))
    return {
        name: gallery
        for name, gallery in methods.items()
        if len(first.labels) and np.array_equal(gallery.attacked, first.attacked)
    }


def _drawing(scenario: str, methods: Mapping[str, Gallery]) -> Drawing:
    first = next(iter(methods.values()))
    names, strips = ["clean"], [_strip(first.clean)]
    if not np.array_equal(first.clean, first.attacked):
        change = first.attacked.astype(int) - first.clean
        names += ["attacked", "difference"]
        # Grey is no change; as the difference may be one of 2 in 255, it is stretched to the full range.
        stretched = 127.5 + 127.5 * change / max(np.abs(change).max(), 1)
        strips += [_strip(first.attacked), _strip(np.rint(stretched).astype(np.uint8))]
    side = WIDTH * 0.86 / (len(first.labels) * (1 + _GAP))
    height = side * len(strips) * (1 + _GAP) + _LINE * (len(methods) + 3)
    drawn = Figure(figsize=(WIDTH, height))
    step = 1 + _GAP
    axes = drawn.add_axes((0.12, 0, 0.88, 1))
    for row, strip in enumerate(strips):
        top = row * step
        axes.imshow(
            strip, cmap="gray", vmin=0, vmax=255, extent=(0, step * len(first.labels), top + 1, top)
        )
        axes.text(-0.1, top + 0.5, names[row], ha="right", va="center")
    below, line = len(strips) * step, _LINE / side
    answers = {"true class": first.labels, "before repair": first.before}
    answers |= {f"after {name}": gallery.after for name, gallery in methods.items()}
    for row, (name, classes) in enumerate(answers.items()):
        height = below + (row + 0.5) * line
        axes.text(-0.1, height, legible(name), ha="right", va="center", fontsize=7)
        for column, answer in enumerate(classes):
            weight = "bold" if row and answer == first.labels[column] else "normal"
            axes.text(
                column * step + 0.5,
                height,
                str(answer),
                ha="center",
                va="center",
                fontweight=weight,
            )
    axes.set(xlim=(-0.02, step * len(first.labels)), ylim=(below + len(answers) * line, -0.02))
    axes.axis("off")
    caption = (
        "The first test images that the unrepaired network gets wrong, whatever became of them, with the classes "
        "predicted for the attacked image; correct ones are bold. The difference is stretched: grey is no change."
    )
    title = f"Images before and after repair: {scenario.replace('_', ' ')}"
    return Drawing(f"examples_{slug(scenario)}", title, caption, drawn)


def _strip(images: np.ndarray) -> np.ndarray:
    """Returns images (n, H, W, C) in a row with white gaps, of shape (H', W') in grey or (H', W', 3)."""
    large = images.repeat(max(1, 128 // images.shape[1]), axis=1)  # viewers smooth small ones
    large = large.repeat(max(1, 128 // images.shape[2]), axis=2)
    if large.shape[-1] != 3:
        large = 255 - large.mean(axis=-1, keepdims=True).astype(np.uint8)  # dark on white paper
    gap = round(_GAP * large.shape[2])
    padded = np.pad(large, [(0, 0), (0, 0), (0, gap), (0, 0)], constant_values=255)
    return np.concatenate(list(padded), axis=1).squeeze()
