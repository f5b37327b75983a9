"""Localization: which weights of a layer are to blame for failing tests."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from repair.errors import InputError
from repair.weights.network.network import Network


@dataclass(frozen=True, eq=False)
class Entering:
    """Activations that enter the layer under repair, with the true labels of their inputs.

    Attributes:
        values: (N, ...) activations.
        labels: (N,) true classes.
        indices: (N,) of the inputs in the set that they come from.
    """

    values: Float[np.ndarray, "N ..."]
    labels: Int[np.ndarray, " N"]
    indices: Int[np.ndarray, " N"]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, which: Int[np.ndarray, " K"] | Bool[np.ndarray, " N"] | slice) -> "Entering":
        """Those of the given indices (K,) or slice, or where a mask (N,) is true."""
        return Entering(self.values[which], self.labels[which], self.indices[which])


@runtime_checkable
class Localization(Protocol):
    """Scores weights by how much they are to blame."""

    def __call__(
        self, network: Network, layer: str, failing: Entering, passing: Entering
    ) -> Num[np.ndarray, "..."]:
        """Score the kernel of a layer.

        Args:
            network: the network under repair.
            layer: the layer.
            failing: tests that the network gets wrong.
            passing: tests that it gets right.

        Returns:
            Scores of the kernel's shape, at least 0; more is more to blame.
        """
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
    ) -> Float[np.ndarray, "in out"]:
        """Scores of a dense kernel.

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


def highest(scores: Num[np.ndarray, " n"], count: int, what: str) -> Int[np.ndarray, " count"]:
    """Ascending indices of the `count` highest scores; of equals the first.

    Args:
        scores: (n,) of weights.
        count: how many.
        what: whose weights they are, for the message.

    Raises:
        InputError: more weights than there are.
    """
    if not 1 <= count <= len(scores):
        raise InputError(
            f"{what}: {count} weights asked for, but there are {len(scores)}; choose k from 1 to {len(scores)}."
        )
    return np.sort(np.argsort(-scores, kind="stable")[:count])
