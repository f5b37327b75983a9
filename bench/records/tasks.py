"""What a task of a run is given and gives, and the settings that its result depends on.

A task is one kind of run. It stands in the config by its name, and `bench.runs.tasks` says where its code is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.records.record import Record
from repair.weights.source import SourceFile

Writers = dict[str, Callable[[Path], object]]

# By task, the top-level settings that its result depends on; the others are left out of the config's hash.
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "repair": (
        "scenario",
        "method",
        "localize",
        "solver",
        "repair_images",
        "mirrored_images",
        "augmented_copies",
        "validation_images",
        "most_failing",
        "most_passing",
        "layers",
        "network",
        "scale",
        "data",
    ),
    "replay": ("replay",),
    "architecture": ("architecture",),
}


@dataclass(frozen=True)
class About:
    """What every record says of its run, and the files that the run is of.

    Attributes:
        experiment: the name of the experiment.
        seed: the seed of the run.
        config_hash: the hash of all settings that the result depends on, each file by its content.
        files: these files by the setting that names them, such as "network", with the very bytes that the hash is of.
            The run uses no others. Empty for a run that is only planned.
    """

    experiment: str
    seed: int
    config_hash: str
    files: Mapping[str, SourceFile]


@dataclass(frozen=True)
class Done:
    """The result of a task.

    Attributes:
        record: the record of the run.
        files: the functions that write further files into the run's folder, by the name of the file.
        tables: the rich renderables to show on the terminal.
    """

    record: Record
    files: Writers
    tables: tuple[Any, ...] = ()
