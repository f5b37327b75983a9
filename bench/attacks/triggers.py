"""Backdoor triggers: what a poisoned network answers to with a class of the attacker's choice."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from bench.attacks.attack import unit_images
from repair.errors import InputError
from repair.weights.network.network import UNIT, Network
from repair.weights.problem import Examples
from repair.weights.settings import (
    Count,
    CountOrZero,
    Positive,
    Seed,
    Settings,
    Several,
    Share,
    Whole,
)

Labels = Literal["all_to_one", "all_to_all", "clean_label"]
Pixel = Annotated[Whole, Field(ge=0, le=255)]


@dataclass(frozen=True, kw_only=True)
class Trigger(Settings, ABC):
    """A change of images, and the class that it stands for.

    Attributes:
        target: the class that a poisoned network answers on triggered inputs.
        labels: the labels of poisoned training data: "all_to_one", the target; "all_to_all", the true class plus one,
            and the target plays no part; "clean_label", images of the target alone are poisoned and keep their label
            (Barni, Kallas and Tondi, arXiv 1902.11237).
    """

    target: CountOrZero = 7
    labels: Labels = "all_to_one"

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The examples with the trigger; InputError where it does not fit their images."""
        return replace(examples, images=self.stamp(examples.images))

    @abstractmethod
    def stamp(self, images: np.ndarray) -> np.ndarray:
        """A copy of images (N, H, W, C), uint8 pixels or unit floats, with the trigger."""

    def goals(self, labels: np.ndarray, classes: int) -> np.ndarray:
        """(N,) what the attacker wants answered on triggered images of the true classes `labels` (N,).

        Raises:
            InputError: a target that is none of the classes.
        """
        if self.target >= classes:
            raise InputError(
                f"the trigger's target is {self.target}; the classes are 0 to {classes - 1}."
            )
        if self.labels == "all_to_all":
            return (labels + 1) % classes
        return np.full_like(labels, self.target)


@dataclass(frozen=True)
class Square(Trigger):
    """A patch of one colour, stamped on every image (BadNets: Gu, Dolan-Gavitt and Garg, arXiv 1708.06733).

    Attributes:
        row, column: the position of its upper left pixel, from 0.
        size: its side in pixels, or (height, width).
        value: the pixel value 0..255, in all channels or one for each.
    """

    row: CountOrZero
    column: CountOrZero
    size: Count | Annotated[Sequence[Count], Field(min_length=2, max_length=2)] = 3
    value: Pixel | Several[Pixel] = 255

    def stamp(self, images: np.ndarray) -> np.ndarray:
        """A copy of images (N, H, W, C), uint8 pixels or unit floats, with the patch."""
        height, width = np.broadcast_to(self.size, 2).tolist()
        rows, columns = self.row + height, self.column + width
        fits = images.ndim == 4 and rows <= images.shape[1] and columns <= images.shape[2]
        if not fits:
            raise InputError(
                f"a square of side {self.size} at row {self.row}, column {self.column} does not fit"
                f" images of shape {images.shape[1:]}."
            )
        value = np.asarray(self.value)
        if value.size not in (1, images.shape[3]):
            raise InputError(
                f"Square: value is {self.value!r}; expected one value or {images.shape[3]}, one for each channel."
            )
        stamped = images.copy()
        pixels = value.astype(np.uint8) if images.dtype == np.uint8 else UNIT[value]
        stamped[:, self.row : rows, self.column : columns] = pixels
        return stamped


@dataclass(frozen=True)
class Blended(Trigger):
    """A pattern of noise mixed into the whole image (Chen, Liu, Li, Lu and Song, arXiv 1712.05526, section 5).

    Attributes:
        alpha: the share of the pattern in the image, 0..1.
        pattern: the seed of the pattern, pixels that are uniform on 0..255.
    """

    alpha: Share = 0.2
    pattern: Seed = 0

    def stamp(self, images: np.ndarray) -> np.ndarray:
        """A copy of images (N, H, W, C) with the pattern; pixels are rounded to whole ones."""
        noise = np.random.default_rng(self.pattern).integers(256, size=images.shape[1:])
        mixed = (1 - self.alpha) * unit_images(images) + self.alpha * UNIT[noise]
        return _like(images, mixed)


@dataclass(frozen=True)
class Sinusoid(Trigger):
    """A wave added along the columns, delta * sin(2 pi column frequency / width).

    SIG: Barni, Kallas and Tondi, arXiv 1902.11237, section 3, who leave labels as they are (`clean_label`).

    Attributes:
        delta: the amplitude of the wave, in pixel values.
        frequency: the number of waves over the width of the image.
    """

    delta: Annotated[float, Field(ge=0, le=255)] = 40
    frequency: Positive = 6
    labels: Labels = field(default="clean_label", kw_only=True)

    def stamp(self, images: np.ndarray) -> np.ndarray:
        """A copy of images (N, H, W, C) with the wave; pixels are rounded to whole ones."""
        width = images.shape[2]
        wave = self.delta / 255 * np.sin(2 * np.pi * self.frequency * np.arange(width) / width)
        return _like(images, unit_images(images) + wave[:, None])


def _like(images: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Unit images of any floating type, cut to 0..1, as the type of `images`."""
    changed = np.clip(changed, 0, 1)
    if images.dtype == np.uint8:
        return np.rint(changed * 255).astype(np.uint8)
    return changed.astype(images.dtype)
