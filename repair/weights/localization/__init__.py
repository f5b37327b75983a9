"""Localization: which weights of a layer are to blame for failing tests."""

from repair.weights.localization.bidirectional import Bidirectional
from repair.weights.localization.causal import CausalEffect
from repair.weights.localization.gradient import Gradient
from repair.weights.localization.integrated import IntegratedGradients
from repair.weights.localization.localization import ActivationDifference

__all__ = [
    "ActivationDifference",
    "Bidirectional",
    "CausalEffect",
    "Gradient",
    "IntegratedGradients",
]
