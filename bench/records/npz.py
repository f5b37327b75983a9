"""NumPy archives of finished runs, read without the packages that repair networks: a report starts at once."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from bench.records.regular import read_regular
from repair.errors import InputError

# Bytes of a file, and of all its arrays: a few that are packed may unpack to more than any memory holds.
_LARGEST = 2**26
_EXPANDED = 2**28
_DAMAGE = (
    AttributeError,
    EOFError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,  # features of zip that are not there, and recursion in a header
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an archive.

    Raises:
        InputError: a file that is damaged, too large, no archive, or holds pickles.
    """
    try:
        content = io.BytesIO(read_regular(path, _LARGEST))
        with zipfile.ZipFile(content) as archive:
            expanded = sum(entry.file_size for entry in archive.infolist())
        if expanded > _EXPANDED:
            raise InputError(
                f"{expanded:,} bytes unpacked, more than the {_EXPANDED:,} that it may"
            )
        with np.load(content, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except _DAMAGE as error:
        raise InputError(f"{path} is not a readable .npz archive: {error}.") from error
