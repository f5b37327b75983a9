"""Data of the user's, `data=path.npz`: a NumPy archive of images, labels, and images that show the defect.

| array | what it holds |
| --- | --- |
| `images` | (N, ...) images as the network takes them, channels last: uint8 pixels, or floating unit images 0..1 |
| `labels` | (N,) the true classes from 0, whole numbers of an integer type |
| `defect_images` | images that show the defect; where there are none, the scenario's attack makes them of `images` |
| `defect_labels` | their true classes; may be left out for as many defect images as images |
| `test_images`, `test_labels` | images to measure on alone; where there are none, a part of `images` is held back |
| `defect_test_images`, `defect_test_labels` | test images with the defect, to go with `defect_images` |

As many defect images as images are taken for paired examples, row by row: then the pair of a test image is never
repaired on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from repair.errors import InputError, unknown
from repair.weights.archive import read_archive
from repair.weights.network.network import check_pixels
from repair.weights.problem import Examples
from repair.weights.source import SourceFile

PARTS = ("", "defect_", "test_", "defect_test_")
MOST_CLASSES = 2**20
ARRAYS = tuple(f"{part}{what}" for part in PARTS for what in ("images", "labels"))


@dataclass(frozen=True, eq=False)
class CustomData:
    """What an archive holds; see the table above.

    Attributes:
        clean: `images` with `labels`.
        defect: the images with the defect, None where the scenario's attack makes them.
        test, defect_test: examples to measure on, None where a part of the others is held back.
    """

    clean: Examples
    defect: Examples | None = None
    test: Examples | None = None
    defect_test: Examples | None = None

    @classmethod
    def read(cls, source: Path | SourceFile) -> Self:
        """The data in an archive.

        Raises:
            InputError: no readable archive, an unknown array, one that is missing or empty, lengths or shapes that
                differ, or values that are no images or no labels.
        """
        source = SourceFile.of(source)
        path, arrays = source.path, read_archive(source)
        for name in arrays:
            if name not in ARRAYS:
                raise unknown(f"array in {path}", name, ARRAYS)
        clean = _examples(path, arrays, "")
        if clean is None:
            raise InputError(
                f"{path} holds {', '.join(arrays) or 'nothing'}; expected at least the arrays images and labels."
            )
        test = _examples(path, arrays, "test_")
        data = cls(
            clean,
            _examples(path, arrays, "defect_", clean),
            test,
            _examples(path, arrays, "defect_test_", test),
        )
        for part in data.parts:
            if part.images.shape[1:] != clean.images.shape[1:]:
                raise InputError(
                    f"{part.name}: images of shape {part.images.shape[1:]}, beside images of shape"
                    f" {clean.images.shape[1:]}; expected the same."
                )
        expected = data.defect is not None and data.test is not None
        if (data.defect_test is not None) != expected:
            raise InputError(
                f"{path} holds {', '.join(arrays)}: with defect_images, give test_images and defect_test_images both"
                " or neither; without them, no defect_test_images."
            )
        return data

    @property
    def parts(self) -> tuple[Examples, ...]:
        """All sets of examples that the archive has."""
        parts = (self.clean, self.defect, self.test, self.defect_test)
        return tuple(part for part in parts if part is not None)

    @property
    def paired(self) -> bool:
        """Whether image i of `defect` is image i of `clean` with the defect."""
        return self.defect is not None and len(self.defect) == len(self.clean)


def _examples(
    path: Path, arrays: Mapping[str, np.ndarray], part: str, paired: Examples | None = None
) -> Examples | None:
    """The images of a part with their labels, or with those of the `paired` examples; None where there are none."""
    images, labels = arrays.get(f"{part}images"), arrays.get(f"{part}labels")
    if images is None and labels is None:
        return None
    if (
        labels is None
        and paired is not None
        and images is not None
        and images.shape[:1] == (len(paired),)
    ):
        labels = paired.labels
    if images is None or labels is None:
        given, missing = ("images", "labels") if labels is None else ("labels", "images")
        raise InputError(f"{path} holds {part}{given}, but no {part}{missing} to go with them.")
    examples = Examples(images, labels, f"{part}images of {path}")
    if not len(examples):
        raise InputError(
            f"{examples.name}: there are none; expected at least one, or no such array."
        )
    try:
        check_pixels(images)
    except InputError as error:
        raise InputError(f"{examples.name}: {error}") from error
    if examples.labels.max() >= MOST_CLASSES:
        raise InputError(
            f"{examples.name}: labels up to {examples.labels.max()}; expected classes below {MOST_CLASSES:,}."
        )
    return examples
