"""What a config asks for: the task, the settings that its result depends on, and the folder of its record."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from bench import store
from bench.config import experiments
from bench.download import sha256
from bench.record import config_hash
from bench.tasks import About, Task, task
from repair.errors import InputError


@dataclass(frozen=True)
class Asked:
    """One run, before it is done.

    Attributes:
        config: all its settings, resolved, in plain types.
        folder: where its record is or will be.
    """

    config: dict[str, Any]
    kind: Task
    about: About
    folder: Path


def asked(config: DictConfig) -> Asked:
    """The run that a config asks for; the config is resolved in place.

    Raises:
        InputError: no experiment, an unknown task, or a file that is not there.
    """
    if OmegaConf.is_missing(config, "experiment"):
        raise InputError(
            "which experiment? python -m bench +experiment=NAME; known: "
            + ", ".join(experiments())
            + "."
        )
    kind = task(config.task)
    OmegaConf.resolve(config)
    plain: dict[str, Any] = OmegaConf.to_container(config, throw_on_missing=True)  # type: ignore[assignment]
    about = About(config.experiment, config.seed, config_hash(_settings(plain, kind.settings)))
    folder = store.run_folder(config.results_dir, about.experiment, about.config_hash, about.seed)
    return Asked(plain, kind, about, folder)


def method_name(config: Any) -> str:
    """The method of a record: the last part of its `_target_`, in small letters."""
    return str(config["method"]["_target_"]).rpartition(".")[2].lower()


def _settings(plain: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """What the result depends on: a file counts by its content, and what is not given does not."""
    settings = {key: plain[key] for key in ("experiment", "task", *names)}
    for key in ("network", "data"):
        if settings.get(key) is not None:
            path = Path(settings[key])
            if not path.is_file():
                raise InputError(f"{key}={path}: there is no such file.")
            settings[key] = _content(path, path.stat().st_mtime_ns)
    cases = Path((settings.get("architecture") or {}).get("cases", ""))
    if cases.is_file():  # else it is the name of a set
        content = _content(cases, cases.stat().st_mtime_ns)
        settings["architecture"] = {**settings["architecture"], "cases": content}
    return {key: value for key, value in settings.items() if value is not None}


@cache
def _content(path: Path, changed: int) -> str:
    # A sweep asks for each of its runs; the file is read once, and again once it is `changed`.
    return sha256(path)
