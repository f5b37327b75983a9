"""What Hydra asks of a program that adds to it. Hydra takes plugins from this namespace alone."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

# Nodes whose objects get further settings from the run, such as its seed.
_OF_A_RUN = ("scenario", "method", "localize")


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


class CompletedFiles(FileConfigSource):
    """The files of configs/, each node with the defaults of the class that it names: see `bench.defaults`."""

    @staticmethod
    def scheme() -> str:
        """The name of such a source in Hydra's search path."""
        return "repairbench"

    def load_config(self, config_path: str) -> ConfigResult:
        """One file; what its defaults list chooses gets no default here, nor what the run itself gives."""
        from bench.config import Config
        from bench.defaults import completed

        result = super().load_config(config_path)
        config: Any = OmegaConf.to_container(result.config, resolve=False)
        chosen = (entry for entry in config.get("defaults", ()) if isinstance(entry, dict))
        left_out = {group for entry in chosen for group in entry}
        if str(Path(config_path).parent) in _OF_A_RUN:
            left_out |= {field.name for field in fields(Config)}
        return replace(result, config=OmegaConf.create(completed(config, left_out)))


class CompletedPath(SearchPathPlugin):
    """Reads the configs that come with the code, and no other program's, as `CompletedFiles`."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Change the entry of these configs, where it is there."""
        from bench import shipped

        ours = Path(shipped("configs")).absolute()
        for entry in search_path.get_path():
            if Path(entry.path or "") == ours:
                entry.path = f"{CompletedFiles.scheme()}://{entry.path}"
