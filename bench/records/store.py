"""The one place for the files of runs: `<results_dir>/<experiment>/<config hash>/seed=<n>/`.

The order of writing is the contract: record.json comes last, so that a folder with a complete
record.json is a finished run, whatever happened to the process that wrote it.
"""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout

from bench.records.gallery import EXAMPLES
from bench.records.record import Record, from_json, to_json
from bench.records.record_schema import LARGEST
from bench.records.regular import files_named, read_regular
from bench.records.stored_config import read_config
from bench.renamed import current
from repair.errors import InputError
from repair.weights.status import RepairStatus

RECORD = "record.json"
CONFIG = "config.yaml"
PATCH = "patch.npz"
PATCHES = "patch*.npz"
EXPERTS = "experts.npz"
LOG = "log.txt"
_LOCK = ".lock"
# The safe ones in C, some ten times as fast, where PyYAML was built with them.
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_UNFINISHED = ".unfinished-"
_RESULTS = (PATCHES, EXPERTS, EXAMPLES, "repaired.*", "cases.csv", "replay*")
_OURS = (*_RESULTS, f"{_UNFINISHED}*")
RETRIED = frozenset((RepairStatus.ERROR, RepairStatus.TIME_LIMIT))


class BusyError(InputError):
    """Another process is doing this run."""


@dataclass(frozen=True)
class Stored:
    """A finished run on disk."""

    folder: Path
    record: Record

    def config(self) -> dict[str, Any]:
        """The run's resolved config, under the names of today; empty where the folder has none.

        Raises:
            InputError: a file that is something else.
        """
        path = self.folder / CONFIG
        return current(read_config(path)) if os.path.lexists(path) else {}


@dataclass(frozen=True)
class Unreadable:
    """A record.json that is not a complete record, and why; its run counts as not finished."""

    path: Path
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}; this run counts as not finished."


@dataclass(frozen=True)
class Contents:
    """What a results folder holds, in the order of the paths."""

    runs: tuple[Stored, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()


def run_folder(results_dir: Path | str, experiment: str, config_hash: str, seed: int) -> Path:
    """Where the run of this experiment, config and seed has its files."""
    return Path(results_dir) / experiment / config_hash / f"seed={seed}"


def finished(folder: Path) -> Stored | Unreadable | None:
    """The folder's finished run; None where there is no record.json.

    A record.json that is cut in half, of another schema, of another run or no regular file is `Unreadable`.
    """
    path = folder / RECORD
    try:
        record = from_json(read_regular(path, LARGEST).decode())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _disk_error("read", path, error) from error
    except ValueError as error:  # not UTF-8, or InputError: not a record
        return Unreadable(path, str(error))
    if folder.name != f"seed={record.seed}" or folder.parent.name != record.config_hash:
        return Unreadable(
            path,
            f"the record of config {record.config_hash}, seed {record.seed}, in a foreign folder",
        )
    return Stored(folder, record)


def needs_run(record: Record | None, *, overwrite: bool = False, retry: bool = False) -> bool:
    """Is there work to do for this run?

    Args:
        record: what the store holds for the run.
        overwrite: redo whatever the record says.
        retry: redo a run that ended in an error or at its time limit.
    """
    return record is None or overwrite or (retry and record.status in RETRIED)


@contextmanager
def locked(folder: Path, *, timeout: float = -1) -> Iterator[Path]:
    """Holds the run's folder, made if need be, for this process alone; two sweeps at once are safe.

    Look at `finished(folder)` inside: another process may have done the run during the wait.
    The lock goes with its process, so that a killed run blocks nobody.

    Args:
        timeout: seconds to wait for another process; below 0 waits as long as it takes.

    Raises:
        InputError: the folder cannot be written.
        BusyError: another process held it for the whole timeout.
    """
    lock = FileLock(folder / _LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=timeout)
    except Timeout as error:
        raise BusyError(
            f"{folder} is held by another run for over {timeout:g} s. Wait for it or stop it."
        ) from error
    except OSError as error:
        raise _disk_error("write", folder, error) from error
    try:
        yield folder
    finally:
        lock.release()


def busy(folder: Path) -> bool:
    """Does a process, this one or another, hold the run's folder at this moment?"""
    if not (folder / _LOCK).exists():
        return False
    lock = FileLock(folder / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    # A folder that cannot be written: nobody does a run there.
    except OSError:
        return False
    lock.release()
    return False


def save(
    folder: Path,
    record: Record,
    config: Mapping[str, Any],
    files: Mapping[str, Callable[[Path], object]] | None = None,
) -> Stored:
    """Writes a finished run, each file under a temporary name first, record.json last.

    Args:
        config: the resolved config in plain types, for config.yaml.
        files: name -> a function that writes the file to the path it is given, such as
            `{"patch.npz": patch.save}`. What an earlier run left in this folder is removed.

    Raises:
        InputError: the record does not fit its schema, the folder is read-only, the disk is full, or the like.
    """
    text = to_json(record)  # before anything is touched: a record that does not fit changes nothing
    written: dict[str, Callable[[Path], object]] = dict(files or {})
    written[CONFIG] = lambda path: path.write_text(
        yaml.dump(dict(config), Dumper=_DUMPER, sort_keys=True), encoding="utf-8"
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / RECORD).unlink(missing_ok=True)  # while the files change, the run is not finished
        # What an earlier run left: results that this one has not, and files of one that was killed.
        for path in (path for what in _OURS for path in folder.glob(what)):
            if path.name not in written:
                path.unlink()
        for name, write in written.items():
            _replace(folder / name, write)
        _replace(folder / RECORD, lambda path: path.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise _disk_error("write", folder, error) from error
    return Stored(folder, record)


def contents(results_dir: Path | str) -> Contents:
    """All finished runs below a folder, and the record files that are none.

    Raises:
        InputError: there is no such folder.
    """
    root = Path(results_dir)
    if not root.is_dir():
        raise InputError(
            f"no results folder {str(root)!r}. Expected the results_dir of earlier runs; "
            "make one with `python -m bench +experiment=quickstart`."
        )
    runs = [_read(path) for path in files_named(RECORD, root)]
    return Contents(
        tuple(run for run in runs if isinstance(run, Stored)),
        tuple(run for run in runs if isinstance(run, Unreadable)),
    )


def _read(path: Path) -> Stored | Unreadable | None:
    try:
        return finished(path.parent)
    # One that this user may not read stops nobody from reading the others.
    except InputError as error:
        return Unreadable(path, str(error))


def fresh_log(folder: Path) -> Path:
    """An empty log file for a run; that of an earlier run in this folder is gone."""
    return write_bytes(folder / LOG, b"")


def append(path: Path, text: str) -> None:
    """Adds a text to the end of a file, such as a log.

    Raises:
        InputError: the place cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise _disk_error("write", path, error) from error


def write_text(path: Path, text: str) -> Path:
    """As `write_bytes`, in UTF-8."""
    return write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> Path:
    """Writes a file so that at any moment the old or the new one is there, whole; returns the path.

    Raises:
        InputError: the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, lambda temporary: temporary.write_bytes(content))
    except OSError as error:
        raise _disk_error("write", path, error) from error
    return path


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    # The suffix stays: writers such as numpy's add theirs to a name without it.
    temporary = path.with_name(f"{_UNFINISHED}{os.getpid()}-{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _disk_error(verb: str, path: Path, error: OSError) -> InputError:
    causes = {
        errno.EROFS: "the place is read-only",
        errno.EACCES: "no permission",
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.ENOTDIR: "a part of this path is a file",
        errno.EEXIST: "a part of this path is a file",
    }
    cause = causes.get(error.errno or 0, str(error.strerror or error))
    return InputError(
        f"cannot {verb} {path}: {cause}. Mend that, or choose another place with results_dir=."
    )
