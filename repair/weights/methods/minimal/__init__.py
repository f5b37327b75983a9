"""Minimal, certified repair: distillation by proximal descent, or the hinge loss by linear programs.

`Minimal` is the method. Its loss, `Distillation` or `Hinge`, is minimised together with a norm of the change of weights
along a path of falling regularization strengths; a search on validation data chooses among the patches on the way. A
loss of one's own has the protocol `repair.weights.methods.minimal.loss.Loss`.
"""

from repair.weights.methods.minimal.distillation.loss import Distillation
from repair.weights.methods.minimal.linear_programs.generation import Generation
from repair.weights.methods.minimal.linear_programs.hinge import Hinge
from repair.weights.methods.minimal.method import Minimal

__all__ = ["Distillation", "Generation", "Hinge", "Minimal"]
