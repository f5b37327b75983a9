"""What Hydra asks of a sweep, handed to `bench.sweep`. Hydra takes plugins from this namespace alone."""

from typing import NoReturn

from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class SweepOfRuns(Sweeper):
    """`-m`: every combination of the values given, those that are not finished yet."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Remembers what Hydra composed."""
        self._context, self._config = hydra_context, config

    def sweep(self, arguments: list[str]) -> NoReturn:
        """Does the sweep and ends the command with its exit code: Hydra returns nothing of a sweep."""
        from bench.sweep.sweep import sweep  # here: Hydra imports its plugins at every start

        raise SystemExit(sweep(self._context, self._config, arguments))
