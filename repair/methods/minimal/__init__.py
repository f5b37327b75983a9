"""Minimal, certified repair: distillation by proximal descent, or margins by linear programs."""

from repair.methods.minimal.distillation import Distillation
from repair.methods.minimal.hinge import Hinge
from repair.methods.minimal.linear import Generation
from repair.methods.minimal.method import Minimal

__all__ = ["Distillation", "Generation", "Hinge", "Minimal"]
