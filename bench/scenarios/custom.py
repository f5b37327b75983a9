"""A scenario on data of the user's, `data=path.npz`: an archive in the place of a scenario's data set."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.attacks import NoAttack
from bench.datasets.custom import CustomData
from bench.datasets.dataset import Dataset
from bench.scenarios.scenario import Scenario, Sets
from bench.scenarios.shares import shares
from repair.weights.problem import Examples
from repair.weights.source import SourceFile


@dataclass(frozen=True, eq=False)
class CustomScenario(Scenario):
    """A scenario on data of the user's; paired examples are augmented alike.

    Attributes:
        path: the path of the archive.
        checksum: the SHA-256 of the archive that `custom` was read from.
        custom: what the archive holds.
    """

    path: Path
    checksum: str
    custom: CustomData

    @cached_property
    def data(self) -> Dataset:
        """The archive as a data set: all but the test images are for training."""
        kept, test = self._splits[0], self.clean_test
        train = self.custom.clean.take(np.sort(np.concatenate(kept[:2])))
        classes = int(max(part.labels.max() for part in self.custom.parts)) + 1
        return Dataset(
            self.path.name,
            tuple(map(str, range(classes))),
            {"data": self.checksum},
            lambda: (train.images.copy(), train.labels.copy()),
            lambda: (test.images.copy(), test.labels.copy()),
        )

    @cached_property
    def clean_test(self) -> Examples:
        """The archive's test images, or those held back."""
        if self.custom.test is not None:
            return self.custom.test
        return self.custom.clean.take(self._splits[0][2], "clean test set")

    @cached_property
    def defect_test(self) -> Examples:
        """The archive's test images with the defect, those held back, or the attacked `clean_test`."""
        if self.custom.defect_test is not None:
            return self.custom.defect_test
        if self.custom.defect is not None:
            return self.custom.defect.take(self._splits[1][2], "defect test set")
        return self._defective(self.clean_test, "defect test set")

    def sets(self) -> Sets:
        """The sets to repair and to choose on, drawn by seed."""
        repair, validation, _ = self._splits[0]
        clean = self.custom.clean
        if self.custom.defect is None:
            return self._attacked_sets(
                clean.take(repair, "repair set"), clean.take(validation, "validation set")
            )
        repair_defect, validation_defect, _ = self._splits[1]
        return Sets(
            self._augmented(clean.take(repair, "repair set")),
            self._augmented(self.custom.defect.take(repair_defect, "repair set, defective")),
            clean.take(validation, "validation set"),
            self.custom.defect.take(validation_defect, "validation set, defective"),
            self.custom.paired,
        )

    @cached_property
    def _splits(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Indices for repair, validation and test: of the clean images, and of those with the defect."""
        clean = self._split(len(self.custom.clean), "images")
        if self.custom.defect is None or self.custom.paired:
            return clean, clean
        return clean, self._split(len(self.custom.defect), "defect_images")

    def _split(self, count: int, what: str) -> list[np.ndarray]:
        held_back = self.custom.test is None
        repair, validation = shares(
            count,
            self.repair_images,
            self.validation_images,
            f"{what} of {self.path}",
            held_back=held_back,
        )
        order = np.random.default_rng(self.seed).permutation(count)
        return [np.sort(part) for part in np.split(order, [repair, repair + validation])]


def with_data(scenario: Scenario, source: str | SourceFile) -> CustomScenario:
    """The scenario on the data of an archive; its attack is left out where the archive has defect images."""
    source = SourceFile.of(source)
    custom = CustomData.read(source)
    return CustomScenario(
        source.path.stem,
        None,
        scenario.network,
        scenario.attack if custom.defect is None else NoAttack(),
        scenario.repair_images,
        scenario.validation_images,
        scenario.seed,
        source.path,
        source.sha256,
        custom,
        mirrored_images=scenario.mirrored_images,
        augmented_copies=scenario.augmented_copies,
    )
