"""Repair methods: a problem in, a repair out.

A method is a class of settings with `__call__(problem, *, seed) -> Repair`, named in a config by `_target_`.
"""

from repair.methods.repair import Method, Repair

__all__ = ["Method", "Repair"]
