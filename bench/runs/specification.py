"""What a config asks for: the task, the settings that its result depends on, and the folder of its record."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from bench.config import experiments
from bench.records import store
from bench.records.canonical import canonical, difference
from bench.records.record import config_hash
from bench.records.tasks import About
from bench.runs.tasks import RunTask, task
from repair.errors import InputError
from repair.weights.source import SourceFile

# Settings that name files, and inner settings that may, with dots.
FILES = ("network", "data")
NETWORK, CASES = "scenario.network", "architecture.cases"


@dataclass(frozen=True)
class RunSpecification:
    """One run, before it is done.

    Attributes:
        config: all settings of the run, resolved, in plain types.
        task: what the run does.
        about: what its record says of it, and its files.
        folder: where its record is or will be.
    """

    config: dict[str, Any]
    task: RunTask
    about: About
    folder: Path

    def finished(self) -> store.Stored | store.Unreadable | None:
        """This run as the store has it finished; None where there is no record.

        A record is believed only if the config beside it asks for the same; else it is `Unreadable`.
        """
        stored = store.finished(self.folder)
        why = self._doubt(stored) if isinstance(stored, store.Stored) else None
        return stored if why is None else store.Unreadable(self.folder / store.CONFIG, why)

    def _doubt(self, stored: store.Stored) -> str | None:
        """Why a record may be that of another run; None where its config says that it is this one's."""
        names = ("seed", *self.task.settings)
        try:
            kept, paths = stored.config(), _named_paths(self.config, self.task.settings)
            theirs, mine = (_renamed(_given(each, names), paths) for each in (kept, self.config))
            other = difference(theirs, mine)
        except InputError as error:
            return str(error)
        if not kept:
            return f"there is none beside {store.RECORD}"
        return None if other is None else f"{other} as in the run asked for"


def specify(config: DictConfig, *, hold: bool = True) -> RunSpecification:
    """The run that a config asks for; the config is resolved in place.

    Args:
        config: the settings of the run.
        hold: whether to keep the content of its files, each read once, for a run that begins now. A plan of many runs
            only wants to know which they are: then nothing is kept, and a file is not read again while it has not
            changed.

    Raises:
        InputError: no experiment, an unknown task, a file that is not there, or a value that config.yaml cannot hold.
    """
    if OmegaConf.is_missing(config, "experiment"):
        raise InputError(
            "which experiment? python -m bench +experiment=NAME; known: "
            + ", ".join(experiments())
            + "."
        )
    run_task = task(config.task)
    OmegaConf.resolve(config)
    plain: dict[str, Any] = OmegaConf.to_container(config, throw_on_missing=True)  # type: ignore[assignment]
    canonical(plain)  # before hours of work: what config.yaml cannot hold
    paths = _existing(_named_paths(plain, run_task.settings))
    held = {key: SourceFile.read(path) for key, path in paths.items()} if hold else {}
    digests = {
        key: held[key].sha256 if hold else _digest(path, _state(path))
        for key, path in paths.items()
    }
    hashed = config_hash(_settings(plain, run_task.settings, digests))
    about = About(config.experiment, config.seed, hashed, held)
    folder = store.run_folder(config.results_dir, about.experiment, about.config_hash, about.seed)
    return RunSpecification(plain, run_task, about, folder)


def method_name(config: Any) -> str:
    """The method of a record: the last part of its `_target_`, in small letters."""
    return str(config["method"]["_target_"]).rpartition(".")[2].lower()


def read_files(plain: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, SourceFile]:
    """The files that settings of these names name, read, by setting; InputError for a missing one."""
    paths = _existing(_named_paths(plain, names))
    return {key: SourceFile.read(path) for key, path in paths.items()}


def _named_paths(plain: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Path]:
    """The files that a config names, by the setting that names each, with dots."""
    given = {key: plain.get(key) for key in FILES if key in names}
    if "scenario" in names and _inner(plain, f"{NETWORK}._target_") == "bench.scenarios.File":
        given[f"{NETWORK}.path"] = _inner(plain, f"{NETWORK}.path")
    cases = _inner(plain, CASES) if "architecture" in names else None
    if cases is not None and Path(cases).is_file():  # else it is the name of a set
        given[CASES] = cases
    return {key: Path(value) for key, value in given.items() if value is not None}


def _existing(paths: dict[str, Path]) -> dict[str, Path]:
    """The same files by setting; InputError for a missing one."""
    for key, path in paths.items():
        if not path.is_file():
            raise InputError(f"{key}={path}: there is no such file.")
    return paths


def _settings(
    plain: Mapping[str, Any], names: tuple[str, ...], digests: Mapping[str, str]
) -> dict[str, Any]:
    """What the result depends on: a file counts by its content, and what is not given does not."""
    settings = _given(plain, names)
    for key, digest in digests.items():
        settings = _with(settings, key.split("."), digest)
    return settings


def _given(config: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The settings of these names, and what every run has, where they are not null."""
    keys = ("experiment", "task", *names)
    return {key: config[key] for key in keys if config.get(key) is not None}


def _renamed(theirs: dict[str, Any], mine: Mapping[str, Path]) -> dict[str, Any]:
    """Their settings with my names of files: content may have another name; the hash has it, not the config."""
    for key, path in mine.items():
        if _inner(theirs, key) is not None:
            theirs = _with(theirs, key.split("."), str(path))
    return theirs


def _inner(plain: Any, key: str) -> str | None:
    """The text of a setting, with dots, of nested settings; None where there is none."""
    for name in key.split("."):
        plain = plain.get(name) if isinstance(plain, dict) else None
    return plain if isinstance(plain, str) else None


def _with(settings: dict[str, Any], names: list[str], value: str) -> dict[str, Any]:
    """Nested settings with another value of one setting."""
    first, *rest = names
    return {**settings, first: _with(settings[first], rest, value) if rest else value}


def _state(path: Path) -> tuple[int, ...]:
    """What differs after a file has changed."""
    try:
        stat = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@lru_cache(maxsize=256)
def _digest(path: Path, state: tuple[int, ...]) -> str:
    return SourceFile.read(path).sha256
