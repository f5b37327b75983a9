"""Localization: which weights of a layer are to blame for failing tests."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from repair.errors import InputError
from repair.weights.network.network import Network


@dataclass(frozen=True, eq=False)
class Entering:
    """Activations that enter the layer under repair, with the true labels of their inputs.

    Attributes:
        values: (N, ...) float32.
        labels: (N,) int32.
        indices: (N,) of the inputs in the set that they come from.
    """

    values: np.ndarray
    labels: np.ndarray
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, which: np.ndarray | slice) -> "Entering":
        """Those of the given indices or slice, or where a mask (N,) of bool is true."""
        return Entering(self.values[which], self.labels[which], self.indices[which])


@runtime_checkable
class Localization(Protocol):
    """Scores weights by how much they are to blame."""

    def __call__(
        self, network: Network, layer: str, failing: Entering, passing: Entering
    ) -> np.ndarray:
        """Scores of the kernel's shape, at least 0; more is more to blame."""
        ...


@dataclass(frozen=True)
class ActivationDifference:
    """|mean activation over failing tests - mean activation over passing tests| x |weight|.

    The weights whose input differs most between the tests that fail and those that pass, weighed by what the weight
    makes of the difference (NNrepair, Usman et al., CAV 2021, arXiv 2103.12535; the rule is the one that explains its
    artifact's choices).
    For dense layers.
    """

    def __call__(
        self, network: Network, layer: str, failing: Entering, passing: Entering
    ) -> np.ndarray:
        """Scores (in, out) of a dense kernel.

        Raises:
            InputError: a layer that is not dense, or no failing or no passing tests.
        """
        kernel = np.asarray(network.weights(layer)["kernel"])
        if kernel.ndim != 2:
            raise InputError(
                f"the activation difference scores dense layers; {layer!r} has a kernel of shape"
                f" {kernel.shape}. Dense layers have kernels of two axes."
            )
        if not len(failing) or not len(passing):
            raise InputError(
                f"localization compares failing with passing tests; got {len(failing)} and {len(passing)}."
            )
        difference = failing.values.mean(0) - passing.values.mean(0)
        return np.abs(difference)[:, None] * np.abs(kernel)


def highest(scores: np.ndarray, count: int, what: str) -> np.ndarray:
    """Ascending indices (count,) of the highest of scores (n,); of equals the first.

    Raises:
        InputError: more than there are.
    """
    if not 1 <= count <= len(scores):
        raise InputError(
            f"{what}: {count} weights asked for, but there are {len(scores)}; choose k from 1 to {len(scores)}."
        )
    return np.sort(np.argsort(-scores, kind="stable")[:count])
