"""What every attack is, and the one that does nothing."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from repair.weights.network.network import UNIT, Network
from repair.weights.problem import Examples


@runtime_checkable
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
