"""Minimal, certified repair: distillation by proximal descent, or margins by linear programs."""

from repair.weights.methods.minimal.distillation import Distillation
from repair.weights.methods.minimal.hinge import Hinge
from repair.weights.methods.minimal.linear import Generation
from repair.weights.methods.minimal.method import Minimal

__all__ = ["Distillation", "Generation", "Hinge", "Minimal"]
