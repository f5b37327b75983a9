"""Blame by gradient: how fast the failing tests' loss falls when a weight moves."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from repair.weights.localization.backward import dense_kernel, returning, some
from repair.weights.localization.localization import Entering
from repair.weights.network.network import Network


@dataclass(frozen=True)
class Gradient:
    """|gradient of the mean cross-entropy of the failing tests|, the plain rule of fault localization by gradients."""

    def __call__(
        self, network: Network, layer: str, failing: Entering, passing: Entering
    ) -> Float[np.ndarray, "in out"]:
        """Scores of a dense kernel; InputError for another layer or no failing tests."""
        dense_kernel(network, layer)
        back = returning(network, layer, some(failing, "failing").values, failing.labels)
        return np.abs(failing.values.T @ back) / len(failing)
