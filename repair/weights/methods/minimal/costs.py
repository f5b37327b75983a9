"""What a change of a weight costs relative to others: the norm that a patch is small in."""

from typing import Literal

import numpy as np

from repair.weights.localization.localization import Entering, Localization, highest
from repair.weights.methods.minimal.merit import Merit
from repair.weights.methods.minimal.norms import Kind
from repair.weights.tangent import Tangent, margin_cotangents

Norm = Literal["l1", "weighted_l1", "l2", "linf"]
LEAST = 0.1  # no weight is cheaper than this: one that clean data never uses is not free


def kind(norm: Norm) -> Kind:
    """What the weights' costs go into."""
    return "l1" if norm == "weighted_l1" else norm


def costs(norm: Norm, tangent: Tangent, merit: Merit, clean: np.ndarray) -> np.ndarray:
    """(n,) costs with mean 1.

    Args:
        norm: "weighted_l1", by how much clean data uses a weight: the mean |gradient| of the
            margins of clean tests in it, for a change of one unit; any other one, all alike.
        tangent: at the unrepaired network.
        merit: knows margins and units.
        clean: (N,) bool.
    """
    if norm != "weighted_l1":
        return np.ones(len(merit.units))
    tests = np.flatnonzero(clean)
    rivals = merit.margins(tangent.logits)[tests].argmin(1)
    cotangents = margin_cotangents(merit.labels[tests], rivals, tangent.logits.shape[1])
    usage = tangent.factors(tests, cotangents).usage() * merit.units
    relative = np.maximum(usage / (usage.mean() or 1.0), LEAST)
    return relative / relative.mean()


def only_blamed(
    cost: np.ndarray,
    layer: str,
    tangent: Tangent,
    labels: np.ndarray,
    right: np.ndarray,
    localize: Localization,
    count: int,
) -> np.ndarray:
    """(n,) the costs, infinite for all but the `count` weights of the layer's kernel that are most to blame.

    Args:
        tangent: at the unrepaired network, with this one dense layer.
        labels, right: (N,) of its tests: true class, and whether the network gets it right.
        localize: scores weights from failing and passing tests.
    """
    tests = Entering(tangent.entering, labels, np.arange(len(labels)))
    network = tangent.weights.network
    scores = localize(network, layer, tests.take(~right), tests.take(right))
    blamed = highest(scores.ravel(), count, f"layer {layer!r}")
    where = tangent.weights.slices[layer, "kernel"]
    only = np.full_like(cost, np.inf)
    only[where][blamed] = cost[where][blamed]
    return only
