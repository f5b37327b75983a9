"""The first step of a run: its scenario, and the problem that a method is given."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from omegaconf import DictConfig

from bench.progress import stage
from bench.runs.building import build
from bench.scenarios import File, Scenario, with_data
from repair.errors import InputError
from repair.weights.problem import Problem
from repair.weights.source import SourceFile

AUGMENTATIONS = ("mirrored_images", "augmented_copies")
_NETWORK_PATH = "scenario.network.path"


@dataclass(frozen=True, eq=False)
class Prepared:
    """What there is before a repair.

    Attributes:
        scenario: the scenario, on data and with the network of the user's where those are given.
        problem: the problem that the method is given.
        network_file: the file of the user's network, as it was read; None for any other network.
        seconds: how long this step took, by its name.
    """

    scenario: Scenario
    problem: Problem
    network_file: SourceFile | None
    seconds: Mapping[str, float] = field(default_factory=dict)


def prepare(config: DictConfig, files: Mapping[str, SourceFile]) -> Prepared:
    """The scenario and the problem of a run.

    Args:
        config: the run's settings, resolved; a `bench.config.Config`, of which only those that the problem depends on
            are read.
        files: the files that the settings name, by setting, as they were read.

    Raises:
        InputError: settings that do not fit the scenario, or data that is not there.
    """
    began = time.perf_counter()
    scenario: Scenario = build(
        "scenario",
        config.scenario,
        repair_images=config.repair_images,
        **augmentations(config),
        validation_images=config.validation_images,
        seed=config.seed,
    )
    if not isinstance(scenario, Scenario) and (config.network or config.data):
        raise InputError(
            f"network= and data= are for a bench.scenarios.Scenario; scenario is a {type(scenario).__name__}."
        )
    scenario, network_file = _with_user_files(scenario, config, files)
    layers = config.layers if isinstance(config.layers, str) else tuple(config.layers)
    with stage(f"{scenario.name}: network and repair set"):
        problem = scenario.problem(layers).limited(config.most_failing, config.most_passing)
    return Prepared(scenario, problem, network_file, {"prepare": time.perf_counter() - began})


def augmentations(config: DictConfig) -> dict[str, Any]:
    """The settings of augmentation that are not off: a scenario class of the user's need not know them."""
    return {name: config[name] for name in AUGMENTATIONS if config[name]}


def _with_user_files(
    scenario: Scenario, config: DictConfig, files: Mapping[str, SourceFile]
) -> tuple[Scenario, SourceFile | None]:
    """The scenario with the network and the data of the user's, and the file of that network."""
    network_file = None
    if config.network is not None:
        network_file = files["network"]
        scenario = replace(scenario, network=File(network_file, config.scale))
    elif _NETWORK_PATH in files and isinstance(scenario.network, File):
        network_file = files[_NETWORK_PATH]
        scenario = replace(scenario, network=File(network_file, scenario.network.scale))
    if config.data is not None:
        scenario = with_data(scenario, files["data"])
    return scenario, network_file
