"""Exact repair of a few weights, by a MILP through the states of ReLUs."""

from repair.weights.methods.exact.method import Exact

__all__ = ["Exact"]
