"""NumPy archives (`.npz`) with the same bytes for the same arrays, and without pickle.

Cheap to import: whoever reads patches or records needs neither JAX nor the formats of networks.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from repair.errors import InputError
from repair.weights.atomic import replaced
from repair.weights.source import SourceFile

MOST_BYTES = 2**34  # of all arrays: a few packed bytes may unpack to more than any memory holds
# What NumPy and zipfile raise for spoilt bytes; RuntimeError stands for features of zip that neither has.
DAMAGE = (
    AttributeError,
    EOFError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def read_archive(source: Path | SourceFile, most_bytes: int = MOST_BYTES) -> dict[str, np.ndarray]:
    """All arrays of an archive.

    Args:
        source: a path, or a file that was read already.
        most_bytes: the largest size of all arrays together, unpacked.

    Raises:
        InputError: a file that is damaged, too large, no archive, or holds pickles.
    """
    source = SourceFile.of(source)
    content = io.BytesIO(source.content)
    try:
        with zipfile.ZipFile(content) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > most_bytes:
            raise InputError(f"{unpacked:,} bytes unpacked, more than the {most_bytes:,} allowed")
        with np.load(content, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except DAMAGE as error:
        raise InputError(f"{source.path} is not a readable .npz archive: {error}.") from error


def write_archive(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an archive atomically. `np.savez` would store the time of day; here every entry has 1980."""
    with replaced(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, values in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(values), allow_pickle=False)
