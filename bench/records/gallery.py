"""Attacked test images with the answers before and after repair: `examples.npz` in a run's folder.

For the eye of a reader (the report, W&B), not for computing: images are rounded to bytes.
"""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.records.regular import read_regular_archive
from repair.errors import InputError
from repair.weights.archive import write_archive

if TYPE_CHECKING:
    from repair.weights.problem import Examples

EXAMPLES = "examples.npz"
# Images in a gallery: a row of a figure, and less than 50 kB for CIFAR.
SHOWN = 8


@dataclass(frozen=True, eq=False)
class Gallery:
    """A few test images, n of them.

    Attributes:
        clean, attacked: (n, H, W, C) uint8; equal where the defect is low accuracy itself.
        labels: (n,) the true classes.
        before, after: (n,) answers to the attacked image of the unrepaired and of the repaired network.
    """

    clean: np.ndarray
    attacked: np.ndarray
    labels: np.ndarray
    before: np.ndarray
    after: np.ndarray

    @classmethod
    def of(
        cls, clean: "Examples", defect: "Examples", before: np.ndarray, after: np.ndarray
    ) -> "Gallery":
        """The first images that the unrepaired network gets wrong under attack, whatever repair does to them.

        Args:
            clean, defect: the test set without and with the defect, in the same order.
            before, after: (N,) answers to `defect`.
        """
        wrong = np.flatnonzero(before != defect.labels)[:SHOWN]
        return cls(
            _bytes(clean.images[wrong]),
            _bytes(defect.images[wrong]),
            defect.labels[wrong],
            before[wrong],
            after[wrong],
        )

    def save(self, path: Path) -> None:
        """Writes the gallery; equal galleries are equal bytes."""
        write_archive(path, {field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "Gallery":
        """Reads what `save` wrote; InputError for a file that is something else."""
        arrays = read_regular_archive(path)
        names = {field.name for field in fields(cls)}
        if arrays.keys() != names:
            raise InputError(
                f"{path} holds {', '.join(sorted(arrays)) or 'nothing'}; expected {', '.join(sorted(names))}."
            )
        if not _is_gallery(**arrays):
            raise InputError(
                f"{path} is no gallery: expected pairs of at most {SHOWN} images of bytes, with a class each, and two "
                "answers."
            )
        return cls(**arrays)


def _is_gallery(
    clean: np.ndarray,
    attacked: np.ndarray,
    labels: np.ndarray,
    before: np.ndarray,
    after: np.ndarray,
) -> bool:
    """Whether arrays of a file, of any shape and type, are those of a gallery."""
    images = clean.ndim == 4 and clean.shape == attacked.shape and min(clean.shape[1:]) > 0
    bytes_ = clean.dtype == attacked.dtype == np.uint8 and len(clean) <= SHOWN
    answers = (labels, before, after)
    integers = all(a.dtype.kind in "iu" and a.shape == clean.shape[:1] for a in answers)
    return bool(images and bytes_ and integers)


def _bytes(images: np.ndarray) -> np.ndarray:
    return images if images.dtype == np.uint8 else np.rint(images * 255).astype(np.uint8)
