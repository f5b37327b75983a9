"""Blame by integrated gradients: what a connection adds to the loss between passing and failing tests."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from repair.weights.localization.backward import dense_kernel, returning, some
from repair.weights.localization.localization import Entering
from repair.weights.network.network import Network
from repair.weights.settings import Count, Settings


@dataclass(frozen=True)
class IntegratedGradients(Settings):
    """|integrated gradient of the failing tests' loss through each connection|, from the mean passing test.

    Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", arXiv 1703.01365, equation 1, applied to the
    terms a_i * kernel_ij of a layer instead of pixels: summed over connections it is the difference of the losses.

    Attributes:
        steps: of the midpoint rule along the straight line.
    """

    steps: Count = 16

    def __call__(
        self, network: Network, layer: str, failing: Entering, passing: Entering
    ) -> Float[np.ndarray, "in out"]:
        """Scores of a dense kernel; InputError for another layer, no failing or no passing tests."""
        return np.abs(self.attributed(network, layer, failing, passing))

    def attributed(
        self, network: Network, layer: str, failing: Entering, passing: Entering
    ) -> Float[np.ndarray, "in out"]:
        """The mean attribution to each connection, signed."""
        kernel = dense_kernel(network, layer)
        base = some(passing, "passing").values.mean(0)
        away = some(failing, "failing").values - base
        back = np.zeros((len(failing), kernel.shape[1]))
        for step in range(self.steps):
            at = base + (step + 0.5) / self.steps * away
            back += returning(network, layer, at.astype(np.float32), failing.labels) / self.steps
        return away.T @ back / len(failing) * kernel
