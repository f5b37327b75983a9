"""A repair problem: a network, the layers that may change, and the inputs to repair and to choose on.

Test data is not part of a problem: no choice can be made on it.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from jaxtyping import Bool, Int, Int32, Num

from repair.errors import InputError
from repair.weights.network.network import UNIT, Network
from repair.weights.settings import MOST

Which = Int[np.ndarray, " K"] | Bool[np.ndarray, " N"] | slice


@dataclass(frozen=True, eq=False)
class Examples:
    """Images with their true labels.

    Attributes:
        images: (N, H, W, C) or (N, D); uint8 pixels or floating unit images, as `Network` takes them.
        labels: (N,) int32, true classes from 0.
        name: what they are, for messages and records.
    """

    images: Num[np.ndarray, "N ..."]
    labels: Int[np.ndarray, " N"]
    name: str = ""

    def __post_init__(self) -> None:
        """Bring labels to int32; InputError for labels that do not go with the images."""
        labels = np.asarray(self.labels)
        if np.ndim(self.images) < 2:
            raise InputError(
                f"{self.name or 'examples'}: images have shape {np.shape(self.images)}; expected (N, ...)."
            )
        if labels.ndim != 1 or len(labels) != len(self.images):
            raise InputError(
                f"{self.name or 'examples'}: labels have shape {labels.shape};"
                f" expected ({len(self.images)},), one for each image."
            )
        if not np.issubdtype(labels.dtype, np.integer):
            raise InputError(
                f"{self.name or 'examples'}: labels of type {labels.dtype}; expected whole numbers, of an integer type."
            )
        if labels.size and not (
            labels.min() >= 0 and labels.max() <= MOST
        ):  # else the cast would wrap
            raise InputError(
                f"{self.name or 'examples'}: labels from {labels.min()} to {labels.max()}; expected classes 0, 1, ..."
            )
        object.__setattr__(self, "labels", labels.astype(np.int32, copy=False))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, which: Which, name: str | None = None) -> Self:
        """The examples of the given indices (K,) or slice, in that order, or those where a mask (N,) is true."""
        return replace(
            self,
            images=self.images[which],
            labels=self.labels[which],
            name=self.name if name is None else name,
        )

    def subset(self, count: int, seed: int) -> Self:
        """`count` different examples drawn by seed, in their present order.

        Raises:
            InputError: more than there are.
        """
        if not 0 <= count <= len(self):
            raise InputError(
                f"{self.name or 'examples'}: {count} asked for, but there are {len(self)}."
            )
        drawn = np.random.default_rng(seed).choice(len(self), count, replace=False)
        return self.take(np.sort(drawn))

    def of_class(self, label: int) -> Self:
        """The examples whose true label is the given one."""
        return self.take(self.labels == label)

    def concat(self, other: "Examples", name: str | None = None) -> Self:
        """These followed by others of the same image shape; pixels beside unit images become unit images."""
        mine, theirs = self.images, other.images
        if mine.shape[1:] != theirs.shape[1:]:
            raise InputError(
                f"cannot join images of shapes {mine.shape} and {theirs.shape}: expected the same shape."
            )
        if mine.dtype != theirs.dtype:
            mine, theirs = (UNIT[x] if x.dtype == np.uint8 else x for x in (mine, theirs))
        return replace(
            self,
            images=np.concatenate([mine, theirs]),
            labels=np.concatenate([self.labels, other.labels]),
            name=self.name if name is None else name,
        )


def check_examples(network: Network, examples: Examples) -> None:
    """InputError, with the examples' name, for images or labels that the network does not have."""
    name = examples.name or "examples"
    try:
        network.check_images(examples.images)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    if len(examples) and examples.labels.max() >= network.classes:
        raise InputError(
            f"{name} have labels up to {examples.labels.max()};"
            f" the network knows the classes 0 to {network.classes - 1}."
        )


@dataclass(frozen=True, eq=False)
class Problem:
    """What a repair method is given.

    Attributes:
        network: the network with the defect.
        layers: names of the layers whose weights may change.
        repair_clean: inputs without the defect, to keep right.
        repair_defect: inputs that show it, to put right. May be the same object as `repair_clean`
            where the defect is plain low accuracy.
        validation_clean, validation_defect: unseen inputs to choose settings and experts on.
        paired: whether the examples are paired: each input of `repair_defect` is the one of `repair_clean` at the
            same index, with the defect.
    """

    network: Network
    layers: tuple[str, ...]
    repair_clean: Examples
    repair_defect: Examples
    validation_clean: Examples
    validation_defect: Examples
    paired: bool = False

    def __post_init__(self) -> None:
        """Check layers and inputs against the network."""
        for name in self.layers:
            if not self.network.weights(name):
                raise InputError(
                    f"layer {name!r} has no weights to change; those that have:"
                    f" {', '.join(self.network.weighted)}."
                )
        if self.paired and len(self.repair_defect) != len(self.repair_clean):
            raise InputError(
                f"paired examples: {len(self.repair_clean)} clean inputs to repair with and {len(self.repair_defect)}"
                " with the defect; expected as many, pair by pair."
            )
        if len(set(self.layers)) < len(self.layers):
            raise InputError(f"layers {', '.join(self.layers)}: expected each of them once.")
        for examples in (
            self.repair_clean,
            self.repair_defect,
            self.validation_clean,
            self.validation_defect,
        ):
            check_examples(self.network, examples)

    @property
    def layer(self) -> str:
        """The layer that may change, where it is one; InputError where there are several."""
        if len(self.layers) != 1:
            raise InputError(
                f"this method repairs one layer; got {', '.join(self.layers) or 'none'}."
            )
        return self.layers[0]

    @cached_property
    def tests(self) -> Examples:
        """The repair set: inputs with the defect, then the clean ones."""
        if self.repair_clean is self.repair_defect:
            return self.repair_defect
        return self.repair_defect.concat(self.repair_clean, name="repair set")

    @cached_property
    def is_clean(self) -> Bool[np.ndarray, " N"]:
        """Whether each of `tests` is a clean one; all are where the defect is plain low accuracy."""
        count = len(self.tests)
        return np.arange(count) >= count - len(self.repair_clean)

    @cached_property
    def predictions(self) -> Int32[np.ndarray, " N"]:
        """The network's answers to `tests`."""
        return self.network.predict(self.tests.images)

    @cached_property
    def failing(self) -> Examples:
        """The tests that the network gets wrong."""
        return self.tests.take(self.predictions != self.tests.labels, name="failing tests")

    @cached_property
    def passing(self) -> Examples:
        """The tests that the network gets right."""
        return self.tests.take(self.predictions == self.tests.labels, name="passing tests")

    def limited(self, failing: int | None = None, passing: int | None = None) -> Self:
        """The same with fewer tests: as small a repair set as the paper of NNrepair had.

        Args:
            failing: of inputs with the defect, most of each class that the network gets wrong, the first ones, and
                none that it gets right; None: all.
            passing: of clean inputs, most of each class that it gets right, and none that it gets wrong; None: all.
        """
        if min(failing or 0, passing or 0) < 0:
            raise InputError(
                f"{failing} failing and {passing} passing tests of each class asked for; expected at least 0."
            )
        if failing is None and passing is None:
            return self
        defect, clean = self.repair_defect, self.repair_clean
        if failing is not None:
            defect = self._first(defect, failing, right=False)
        if passing is not None:
            clean = self._first(clean, passing, right=True)
        return replace(self, repair_clean=clean, repair_defect=defect, paired=False)

    def _first(self, examples: Examples, count: int, right: bool) -> Examples:
        suits = (self.network.predict(examples.images) == examples.labels) == right
        of_class = (examples.labels[:, None] == np.arange(self.network.classes)) & suits[:, None]
        return examples.take((of_class & (of_class.cumsum(0) <= count)).any(1))
