"""What a run can do: a task by its name, and the settings that its result depends on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.records.record import Record
from repair.errors import unknown
from repair.weights.source import SourceFile

Writers = dict[str, Callable[[Path], object]]


@dataclass(frozen=True)
class Done:
    """A task's result.

    Attributes:
        record: the run's record.
        files: name -> what writes it into the run's folder.
        tables: what to show on the terminal: rich renderables.
    """

    record: Record
    files: Writers
    tables: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Task:
    """One kind of run.

    Attributes:
        module: where its function `run(config, about) -> Done` is; imported when it is needed.
        settings: the top-level settings that its result depends on; the others are left out of the config's hash.
    """

    module: str
    settings: tuple[str, ...]

    def run(self, config: Any, about: "About") -> Done:
        """Do it."""
        return import_module(self.module).run(config, about)


@dataclass(frozen=True)
class About:
    """What every record says of its run, and the files that it is of.

    Attributes:
        config_hash: of all settings that the result depends on, each file by its content.
        files: these files by the setting that names them, such as "network", with the very bytes that the hash is of.
            The run uses no others. Empty for a run that is only planned.
    """

    experiment: str
    seed: int
    config_hash: str
    files: Mapping[str, SourceFile]


TASKS = {
    "repair": Task(
        "bench.runs.repairing",
        (
            "scenario",
            "method",
            "localize",
            "solver",
            "repair_images",
            "repair_mirrored",
            "repair_copies",
            "validation_images",
            "most_failing",
            "most_passing",
            "layers",
            "network",
            "scale",
            "data",
        ),
    ),
    "replay": Task("bench.replay.task", ("replay",)),
    "architecture": Task("bench.architecture.task", ("architecture",)),
}


def task(name: str) -> Task:
    """The task of a name; InputError with those that exist."""
    if name not in TASKS:
        raise unknown("task", name, TASKS)
    return TASKS[name]
