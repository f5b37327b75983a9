"""The settings of a finished run, read from its folder as data of anybody, for a problem that is prepared again."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from bench.config import Config
from bench.records.store import Stored
from bench.records.tasks import SETTINGS
from bench.runs.building import require_our_classes
from bench.runs.prepare import Prepared, prepare
from bench.runs.specification import read_files
from repair.errors import InputError
from repair.weights.settings import check

_TASK = "repair"
# What only the method depends on: it is not built again.
_OF_THE_METHOD = frozenset(("method", "localize", "solver"))
_NAMES = tuple(name for name in ("seed", *SETTINGS[_TASK]) if name not in _OF_THE_METHOD)


def prepare_again(run: Stored) -> Prepared:
    """The scenario and the problem of a finished run, from its config.yaml.

    Raises:
        InputError: a config without a scenario, one that names anything but settings classes of this project, or files
            that are not there.
    """
    settings = stored_settings(run)
    return prepare(OmegaConf.create(settings), read_files(settings, _NAMES))


def repairs(run: Stored) -> bool:
    """Whether a finished run is of the task "repair"."""
    return run.config().get("task", _TASK) == _TASK


def stored_settings(run: Stored) -> dict[str, Any]:
    """What a run's problem depends on; what an older version did not write down has its default value.

    Raises:
        InputError: no scenario, a value that its setting does not admit, or one that names code of others.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(Config)}
    config: Mapping[str, Any] = run.config()
    if not isinstance(config.get("scenario"), Mapping):
        raise InputError(f"{run.folder}: the config beside the record has no scenario.")
    settings = {name: config.get(name, defaults[name]) for name in _NAMES}
    try:
        check(Config, settings, "")
        for name, value in settings.items():
            require_our_classes(name, value)
    except InputError as error:
        raise InputError(f"{run.folder}: {error}") from error
    return settings
