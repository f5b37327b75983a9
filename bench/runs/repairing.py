"""The task "repair": one way through a run, prepare -> repair -> measure -> record."""

import time

from omegaconf import DictConfig

from bench.records.tasks import About, Done
from bench.runs.building import build
from bench.runs.measure import measure
from bench.runs.prepare import prepare
from bench.runs.recording import record
from bench.runs.repair import repair
from bench.runs.specification import method_name
from bench.scenarios import AUTO
from repair.weights.methods import Method


def run(config: DictConfig, about: About) -> Done:
    """Repairs and measures.

    Args:
        config: the run's settings, resolved; a `bench.config.Config`.
        about: what the record says of the run, and its files.

    Raises:
        InputError: settings that do not fit the scenario, or data that is not there.
    """
    began = time.perf_counter()
    method: Method = build("method", config.method)  # before the network, which may take hours
    prepared = prepare(config, about.files)
    repaired = repair(
        prepared,
        method,
        method_name(config),
        localize_layers=config.layers == AUTO,
        seed=config.seed,
    )
    measured = measure(prepared, repaired)
    total = time.perf_counter() - began
    return record(config, about, prepared, repaired, measured, total_seconds=total)
