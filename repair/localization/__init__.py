"""Further localizations, for the layer under repair and all that follows it; see `repair.localize.Localization`."""

from repair.localization.bidirectional import Bidirectional
from repair.localization.causal import CausalEffect
from repair.localization.gradient import Gradient
from repair.localization.integrated import IntegratedGradients

__all__ = ["Bidirectional", "CausalEffect", "Gradient", "IntegratedGradients"]
