"""Natural corruptions, after Hendrycks and Dietterich, "Benchmarking Neural Network Robustness", arXiv 1903.12261.

They give unit images, float32, so that a small change is not lost in the rounding to pixels.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from bench.attacks.attack import unit_images
from repair.weights.network.network import Network
from repair.weights.problem import Examples
from repair.weights.settings import NotNegative, Seed, Settings

# Further than any image reaches.
Pixels = Annotated[float, Field(ge=0, le=1000)]


@dataclass(frozen=True)
class GaussianNoise(Settings):
    """Independent normal noise on every number of an image, cut to 0..1.

    Attributes:
        sigma: the standard deviation of the noise, on unit images.
        seed: the seed of the noise.
    """

    sigma: NotNegative = 0.2
    seed: Seed = 0

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The examples with noise."""
        images = unit_images(examples.images)
        noise = np.random.default_rng(self.seed).standard_normal(images.shape, np.float32)
        return replace(examples, images=_cut(images + np.float32(self.sigma) * noise))


@dataclass(frozen=True)
class GaussianBlur(Settings):
    """Convolution of each channel with a normal density; the border's pixels go on outside.

    Attributes:
        sigma: the standard deviation of the density, in pixels.
    """

    sigma: Pixels = 1.0

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The examples (N, H, W, C), blurred."""
        # Here: half a second of every run's start, for this alone.
        from scipy.ndimage import gaussian_filter

        widths = (0, self.sigma, self.sigma, 0)
        blurred = gaussian_filter(unit_images(examples.images), widths, mode="nearest")
        return replace(examples, images=_cut(blurred))


@dataclass(frozen=True)
class Brightness(Settings):
    """The same number added everywhere, cut to 0..1.

    Attributes:
        delta: the number that is added, on unit images; below 0 darkens.
    """

    delta: Annotated[float, Field(ge=-1, le=1)] = 0.3

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The examples, brighter or darker."""
        return replace(examples, images=_cut(unit_images(examples.images) + np.float32(self.delta)))


def _cut(images: np.ndarray) -> np.ndarray:
    return np.clip(images, 0, 1).astype(np.float32, copy=False)
