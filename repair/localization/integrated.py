"""Blame by integrated gradients: what a connection adds to the loss between passing and failing tests."""

from dataclasses import dataclass

import numpy as np

from repair.errors import InputError
from repair.localization.backward import dense_kernel, returning, some
from repair.localize import Entering
from repair.network import Network


@dataclass(frozen=True)
class IntegratedGradients:
    """|integrated gradient of the failing tests' loss through each connection|, from the mean passing test.

    Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", arXiv 1703.01365, equation 1, applied to the
    terms a_i * kernel_ij of a layer instead of pixels: summed over connections it is the difference of the losses.

    Attributes:
        steps: of the midpoint rule along the straight line.
    """

    steps: int = 16

    def __post_init__(self) -> None:
        """InputError for no steps."""
        if self.steps < 1:
            raise InputError(f"integrated gradients: steps is {self.steps}; expected at least 1.")

    def __call__(
        self, network: Network, layer: str, failing: Entering, passing: Entering
    ) -> np.ndarray:
        """Scores (in, out) of a dense kernel; InputError for another layer, no failing or no passing tests."""
        return np.abs(self.attributed(network, layer, failing, passing))

    def attributed(
        self, network: Network, layer: str, failing: Entering, passing: Entering
    ) -> np.ndarray:
        """(in, out) mean attribution to each connection, signed."""
        kernel = dense_kernel(network, layer)
        base = some(passing, "passing").values.mean(0)
        away = some(failing, "failing").values - base
        back = np.zeros((len(failing), kernel.shape[1]))
        for step in range(self.steps):
            at = base + (step + 0.5) / self.steps * away
            back += returning(network, layer, at.astype(np.float32), failing.labels) / self.steps
        return away.T @ back / len(failing) * kernel
