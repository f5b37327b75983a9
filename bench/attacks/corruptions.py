"""Natural corruptions, after Hendrycks and Dietterich, "Benchmarking Neural Network Robustness", arXiv 1903.12261.

They give unit images, float32, so that a small change is not lost in the rounding to pixels.
"""

from dataclasses import dataclass, replace

import numpy as np

from bench.attacks.attack import require, unit_images
from repair.network import Network
from repair.problem import Examples


@dataclass(frozen=True)
class GaussianNoise:
    """Independent normal noise on every number of an image, cut to 0..1.

    Attributes:
        sigma: its standard deviation, on unit images.
        seed: of the noise.
    """

    sigma: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """InputError for a setting outside its range."""
        require(self.sigma >= 0, self, "sigma", "at least 0")

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The examples with noise."""
        images = unit_images(examples.images)
        noise = np.random.default_rng(self.seed).standard_normal(images.shape, np.float32)
        return replace(examples, images=_cut(images + np.float32(self.sigma) * noise))


@dataclass(frozen=True)
class GaussianBlur:
    """Convolution of each channel with a normal density; the border's pixels go on outside.

    Attributes:
        sigma: its standard deviation in pixels.
    """

    sigma: float = 1.0

    def __post_init__(self) -> None:
        """InputError for a setting outside its range."""
        require(self.sigma >= 0, self, "sigma", "at least 0")

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The examples (N, H, W, C), blurred."""
        # Here: half a second of every run's start, for this alone.
        from scipy.ndimage import gaussian_filter

        widths = (0, self.sigma, self.sigma, 0)
        blurred = gaussian_filter(unit_images(examples.images), widths, mode="nearest")
        return replace(examples, images=_cut(blurred))


@dataclass(frozen=True)
class Brightness:
    """The same number added everywhere, cut to 0..1.

    Attributes:
        delta: what is added, on unit images; below 0 darkens.
    """

    delta: float = 0.2

    def __post_init__(self) -> None:
        """InputError for a setting outside its range."""
        require(-1 <= self.delta <= 1, self, "delta", "-1..1")

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The examples, brighter or darker."""
        return replace(examples, images=_cut(unit_images(examples.images) + np.float32(self.delta)))


def _cut(images: np.ndarray) -> np.ndarray:
    return np.clip(images, 0, 1).astype(np.float32, copy=False)
