"""Minimal, certified repair by linear programs that generate their rows and columns."""

from repair.methods.minimal.linear import Generation
from repair.methods.minimal.method import Minimal

__all__ = ["Generation", "Minimal"]
