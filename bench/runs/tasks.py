"""What a run can do: the code of each task, by its name in the config."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from bench.records.tasks import SETTINGS, About, Done
from repair.errors import unknown

# Where the function `run(config, about) -> Done` of each task is.
MODULES = {
    "repair": "bench.runs.repairing",
    "replay": "bench.replay.task",
    "architecture": "bench.architecture.task",
}


@dataclass(frozen=True)
class RunTask:
    """One kind of run.

    Attributes:
        module: the module of its function `run(config, about) -> Done`, which is imported when it is needed.
        settings: the top-level settings that its result depends on.
    """

    module: str
    settings: tuple[str, ...]

    def run(self, config: Any, about: About) -> Done:
        """Does the task."""
        return import_module(self.module).run(config, about)


def task(name: str) -> RunTask:
    """The task of a name; InputError with those that exist."""
    if name not in MODULES:
        raise unknown("task", name, MODULES)
    return RunTask(MODULES[name], SETTINGS[name])
