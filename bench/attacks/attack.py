"""What every attack is, and the one that does nothing."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from repair.errors import InputError
from repair.network import UNIT, Network
from repair.problem import Examples


class Attack(Protocol):
    """What turns clean examples into defective ones."""

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The attacked examples, of the same length, order and labels."""
        ...


@dataclass(frozen=True)
class NoAttack:
    """The defect is low accuracy itself: defective examples are plain ones."""

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The examples as they are."""
        return examples


def unit_images(images: np.ndarray) -> np.ndarray:
    """Images as floats in 0..1: pixel / 255 for uint8 ones."""
    return UNIT[images] if images.dtype == np.uint8 else images.astype(np.float32, copy=False)


def require(holds: bool, attack: object, name: str, wanted: str) -> None:
    """InputError for a setting of an attack that is not what is wanted."""
    if not holds:
        raise InputError(
            f"{type(attack).__name__}: {name} is {getattr(attack, name)!r}; expected {wanted}."
        )
