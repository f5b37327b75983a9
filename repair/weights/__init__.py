"""Repair of weights: networks, what should hold of them, and methods that change few weights so that it does."""
