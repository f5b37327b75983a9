"""Files of a folder that anybody may have filled: found and read without hanging, and none larger than expected.

A pipe would wait for its other end, a device may never end, a link leads to files that its author never saw.
"""

import os
import stat
from pathlib import Path

import numpy as np

from repair.errors import InputError
from repair.weights.archive import read_archive
from repair.weights.source import SourceFile

_ARCHIVE, _UNPACKED = 2**26, 2**28  # bytes of an archive, and of all its arrays

_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_BINARY")
)


def read_regular(path: Path, most: int) -> bytes:
    """The content of a regular file of at most so many bytes.

    Raises:
        FileNotFoundError: there is nothing.
        InputError: a link, a folder, a pipe or a device, or a file that is larger.
        OSError: it cannot be read.
    """
    # Before it is opened: that alone may start a device.
    _require_regular(path, path.lstat())
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        _require_regular(path, os.fstat(descriptor))
        content = file.read(most + 1)
    if len(content) > most:
        raise InputError(
            f"{path} has more than {most:,} bytes, the most that such a file may have."
        )
    return content


def read_regular_archive(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a NumPy archive in a results folder.

    Raises:
        InputError: no regular file, or one that is damaged, too large, no archive, or holds pickles.
    """
    try:
        content = read_regular(path, _ARCHIVE)
    except (OSError, InputError) as error:
        raise InputError(f"{path} is not a readable .npz archive: {error}.") from error
    return read_archive(SourceFile(path, content), _UNPACKED)


def files_named(name: str, root: Path) -> list[Path]:
    """All that has a name, below a folder and the folders in it, in order; links to folders are not followed."""
    paths, folders = [], [str(root)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.name == name:
                        paths.append(Path(entry.path))
                    elif entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
        # Gone meanwhile, or not ours to read: its files count as not there.
        except OSError:
            continue
    return sorted(paths)


def _require_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = "a link" if stat.S_ISLNK(status.st_mode) else "no regular file"
        raise InputError(f"{path} is {kind}; expected a file with the content itself.")
