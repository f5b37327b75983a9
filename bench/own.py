"""Data of one's own, `data=path.npz`: a NumPy archive in the place of a scenario's data set.

| array | what |
| --- | --- |
| `images` | (N, ...) as the network takes them, channels last: uint8 pixels, or floating unit images 0..1 |
| `labels` | (N,) whole numbers of an integer type, the true classes from 0 |
| `defect_images` | images that show the defect; where there are none, the scenario's attack makes them of `images` |
| `defect_labels` | their true classes; may be left out for as many defect images as images |
| `test_images`, `test_labels` | to measure on alone; where there are none, a part of `images` is held back |
| `defect_test_images`, `defect_test_labels` | the same with the defect, to go with `defect_images` |

As many defect images as images are taken for twins, row by row: then a twin of a test image is never repaired on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from bench.attacks import NoAttack
from bench.datasets import dataset as data
from bench.scenarios import Scenario, Sets, shares
from repair.errors import InputError, unknown
from repair.weights.archive import read_archive
from repair.weights.network.network import check_pixels
from repair.weights.problem import Examples
from repair.weights.source import SourceFile

PARTS = ("", "defect_", "test_", "defect_test_")
MOST_CLASSES = 2**20
ARRAYS = tuple(f"{part}{what}" for part in PARTS for what in ("images", "labels"))


@dataclass(frozen=True, eq=False)
class OwnData:
    """What an archive holds; see the table above.

    Attributes:
        clean: `images` with `labels`.
        defect: those with the defect, None where the scenario's attack makes them.
        test, defect_test: to measure on, None where a part of the others is held back.
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
        own = cls(
            clean,
            _examples(path, arrays, "defect_", clean),
            test,
            _examples(path, arrays, "defect_test_", test),
        )
        for part in own.parts:
            if part.images.shape[1:] != clean.images.shape[1:]:
                raise InputError(
                    f"{part.name}: images of shape {part.images.shape[1:]}, beside images of shape"
                    f" {clean.images.shape[1:]}; expected the same."
                )
        wanted = own.defect is not None and own.test is not None
        if (own.defect_test is not None) != wanted:
            raise InputError(
                f"{path} holds {', '.join(arrays)}: with defect_images, give test_images and defect_test_images both"
                " or neither; without them, no defect_test_images."
            )
        return own

    @property
    def parts(self) -> tuple[Examples, ...]:
        """All that there are."""
        given = (self.clean, self.defect, self.test, self.defect_test)
        return tuple(part for part in given if part is not None)

    @property
    def twins(self) -> bool:
        """Whether image i of `defect` is image i of `clean` with the defect."""
        return self.defect is not None and len(self.defect) == len(self.clean)


@dataclass(frozen=True, eq=False)
class OwnScenario(Scenario):
    """A scenario on data of one's own; copies of its defect images are moved as those that they are twins of.

    Attributes:
        path: of the archive.
        checksum: the SHA-256 of the archive that `own` was read from.
        own: what it holds.
    """

    path: Path
    checksum: str
    own: OwnData

    @cached_property
    def data(self) -> data.Dataset:
        """The archive as a data set: all but the test images are for training."""
        kept, test = self._splits[0], self.clean_test
        train = self.own.clean.take(np.sort(np.concatenate(kept[:2])))
        classes = int(max(part.labels.max() for part in self.own.parts)) + 1
        return data.Dataset(
            self.path.name,
            tuple(map(str, range(classes))),
            {"data": self.checksum},
            lambda: (train.images.copy(), train.labels.copy()),
            lambda: (test.images.copy(), test.labels.copy()),
        )

    @cached_property
    def clean_test(self) -> Examples:
        """The archive's own test images, or those held back."""
        if self.own.test is not None:
            return self.own.test
        return self.own.clean.take(self._splits[0][2], "clean test set")

    @cached_property
    def defect_test(self) -> Examples:
        """The archive's own test images with the defect, those held back, or the attacked `clean_test`."""
        if self.own.defect_test is not None:
            return self.own.defect_test
        if self.own.defect is not None:
            return self.own.defect.take(self._splits[1][2], "defect test set")
        return self._defective(self.clean_test, "defect test set")

    def sets(self) -> Sets:
        """The sets to repair and to choose on, drawn by seed."""
        repair, validation, _ = self._splits[0]
        clean = self.own.clean
        if self.own.defect is None:
            return self._twins(
                clean.take(repair, "repair set"), clean.take(validation, "validation set")
            )
        repair_defect, validation_defect, _ = self._splits[1]
        return Sets(
            self._copied(clean.take(repair, "repair set")),
            self._copied(self.own.defect.take(repair_defect, "repair set, defective")),
            clean.take(validation, "validation set"),
            self.own.defect.take(validation_defect, "validation set, defective"),
            self.own.twins,
        )

    @cached_property
    def _splits(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Indices for repair, validation and test: of the clean images, and of those with the defect."""
        clean = self._split(len(self.own.clean), "images")
        if self.own.defect is None or self.own.twins:
            return clean, clean
        return clean, self._split(len(self.own.defect), "defect_images")

    def _split(self, count: int, what: str) -> list[np.ndarray]:
        held_back = self.own.test is None
        repair, validation = shares(
            count,
            self.repair_images,
            self.validation_images,
            f"{what} of {self.path}",
            held_back=held_back,
        )
        order = np.random.default_rng(self.seed).permutation(count)
        return [np.sort(part) for part in np.split(order, [repair, repair + validation])]


def with_data(scenario: Scenario, source: str | SourceFile) -> OwnScenario:
    """The scenario on data of one's own; the attack is left out where the archive has its own defect images."""
    source = SourceFile.of(source)
    own = OwnData.read(source)
    return OwnScenario(
        source.path.stem,
        None,
        scenario.network,
        scenario.attack if own.defect is None else NoAttack(),
        scenario.repair_images,
        scenario.validation_images,
        scenario.seed,
        source.path,
        source.sha256,
        own,
        repair_mirrored=scenario.repair_mirrored,
        repair_copies=scenario.repair_copies,
    )


def _examples(
    path: Path, arrays: Mapping[str, np.ndarray], part: str, twins: Examples | None = None
) -> Examples | None:
    """The images of a part with their labels, or with those of their `twins`; None where there are none."""
    images, labels = arrays.get(f"{part}images"), arrays.get(f"{part}labels")
    if images is None and labels is None:
        return None
    if (
        labels is None
        and twins is not None
        and images is not None
        and images.shape[:1] == (len(twins),)
    ):
        labels = twins.labels
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
