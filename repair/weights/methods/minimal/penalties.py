"""Penalty factors: how much a change of each weight counts in the norm that a patch is small in.

As in the adaptive lasso (Zou, "The adaptive lasso and its oracle properties", Journal of the American Statistical
Association 101, 2006), a factor multiplies the weight's change within the norm, and an infinite one excludes it.
"""

from typing import Literal

import numpy as np

from repair.weights.localization.localization import Entering, Localization, highest
from repair.weights.methods.minimal.norms import Kind
from repair.weights.methods.minimal.objective import margins
from repair.weights.tangent import Tangent, margin_cotangents

Norm = Literal["l1", "weighted_l1", "l2", "linf"]
LEAST = 0.1  # no factor is smaller, relative to the mean: a weight that clean data never uses is not free


def kind(norm: Norm) -> Kind:
    """The norm of the changes that are multiplied by their factors."""
    return "l1" if norm == "weighted_l1" else norm


def penalty_factors(
    norm: Norm, tangent: Tangent, labels: np.ndarray, clean: np.ndarray
) -> np.ndarray:
    """Penalty factors with mean 1.

    Args:
        norm: "weighted_l1": by how much clean data uses a weight, the mean |gradient| of the margins of clean tests
            in it, for a change of one scale; any other norm: all alike.
        tangent: at the unrepaired network.
        labels: (N,) true classes of its tests.
        clean: (N,) bool, the tests without the defect.

    Returns:
        (n,) one factor for each weight.
    """
    if norm != "weighted_l1":
        return np.ones(len(tangent.weights))
    tests = np.flatnonzero(clean)
    rivals = margins(tangent.logits, labels)[tests].argmin(1)
    cotangents = margin_cotangents(labels[tests], rivals, tangent.logits.shape[1])
    usage = tangent.factors(tests, cotangents).mean_magnitude() * tangent.weights.scale
    relative = np.maximum(usage / (usage.mean() or 1.0), LEAST)
    return relative / relative.mean()


def restricted(
    factors: np.ndarray,
    layer: str,
    tangent: Tangent,
    labels: np.ndarray,
    right: np.ndarray,
    localize: Localization,
    count: int,
) -> np.ndarray:
    """The penalty factors, infinite for all but the `count` weights of a kernel that are most to blame.

    Args:
        factors: (n,) of all weights.
        layer: the dense layer of the kernel.
        tangent: at the unrepaired network, with this one layer.
        labels: (N,) true classes of its tests.
        right: (N,) bool, the tests that the network gets right.
        localize: scores weights from failing and passing tests.
        count: how many weights may change.

    Returns:
        (n,) one factor for each weight.
    """
    tests = Entering(tangent.entering, labels, np.arange(len(labels)))
    network = tangent.weights.network
    scores = localize(network, layer, tests.take(~right), tests.take(right))
    blamed = highest(scores.ravel(), count, f"layer {layer!r}")
    where = tangent.weights.slices[layer, "kernel"]
    only = np.full_like(factors, np.inf)
    only[where][blamed] = factors[where][blamed]
    return only
