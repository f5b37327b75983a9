"""Sweeps: many runs from one command, on one machine or a cluster, interrupted and resumed.

A sweep keeps no state of its own: which runs are finished is what the store says, so the same command goes on
where it was stopped, however that was.
"""
