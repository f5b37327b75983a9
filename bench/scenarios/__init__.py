"""Scenarios: where a defect comes from, and the sets to repair, to choose and to measure on.

A scenario is a network, a data set and an attack. Repair and validation sets are drawn by seed from training data;
the test set is the data set's own and is only measured on.
"""

from bench.scenarios.custom import CustomScenario, with_data
from bench.scenarios.layers import AUTO, resolve_layers
from bench.scenarios.networks import File, NetworkSource, Published, Trained
from bench.scenarios.scenario import Scenario, Sets

__all__ = [
    "AUTO",
    "CustomScenario",
    "File",
    "NetworkSource",
    "Published",
    "Scenario",
    "Sets",
    "Trained",
    "resolve_layers",
    "with_data",
]
