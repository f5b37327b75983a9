"""Repair methods: a problem in, a repair out.

A method is a class of settings with `__call__(problem, *, seed) -> Repair`. One that also has
`repairable(network) -> Repairable` can be given the layers that a localization chooses.
"""

from repair.weights.methods.repair import Locatable, Method, Repair, Repairable
from repair.weights.status import RepairStatus

__all__ = ["Locatable", "Method", "Repair", "RepairStatus", "Repairable"]
