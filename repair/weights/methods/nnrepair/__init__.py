"""NNrepair (Usman et al., CAV 2021, arXiv 2103.12535)."""

from repair.weights.methods.nnrepair.method import NNRepair

__all__ = ["NNRepair"]
