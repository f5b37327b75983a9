"""Arachne's bidirectional localization: weights with a steep loss and a large forward impact."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from repair.weights.localization.backward import dense_kernel, returning, some
from repair.weights.localization.localization import Entering
from repair.weights.network.network import Network


@dataclass(frozen=True)
class Bidirectional:
    """The lesser of two ranks, by gradient loss and by forward impact, failing tests relative to passing ones.

    Both costs of Sohn, Kang and Yoo, "Arachne: Search Based Repair of Deep Neural Networks", arXiv 1912.12463,
    section 3.2: |gradient of the loss| and |what the connection carries x how the loss depends on its neuron|, each
    divided by 1 + that of passing tests. The paper takes the Pareto front; a budget of weights needs an order, and the
    lesser rank is one that ranks a weight before all that it dominates.
    """

    def __call__(
        self, network: Network, layer: str, failing: Entering, passing: Entering
    ) -> Int[np.ndarray, "in out"]:
        """Scores of a dense kernel; InputError for another layer, no failing or no passing tests."""
        kernel = dense_kernel(network, layer)
        some(failing, "failing")
        some(passing, "passing")
        costs = [self._costs(network, layer, kernel, tests) for tests in (failing, passing)]
        scores = [(wrong / (1 + right)).ravel() for wrong, right in zip(*costs, strict=True)]
        # As rankdata(method="max") of scipy.stats, which takes a second to import for every method that starts.
        ranks = [np.searchsorted(np.sort(score), score, side="right") for score in scores]
        return np.minimum(*ranks).reshape(kernel.shape)

    def _costs(
        self, network: Network, layer: str, kernel: np.ndarray, tests: Entering
    ) -> tuple[np.ndarray, np.ndarray]:
        back = returning(network, layer, tests.values, tests.labels)
        gradient = np.abs(tests.values.T @ back) / len(tests)
        carried = np.abs(tests.values).mean(0)[:, None] * np.abs(kernel)
        return gradient, carried * np.abs(back).mean(0)
