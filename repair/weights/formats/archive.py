"""NumPy archives (`.npz`) with the same bytes for the same arrays, and without pickle."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from repair.errors import InputError
from repair.weights.formats.file import replaced
from repair.weights.source import SourceFile

# What NumPy and zipfile raise for spoilt bytes; RuntimeError stands for features of zip that neither has.
DAMAGE = (
    AttributeError,
    EOFError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_archive(source: Path | SourceFile) -> dict[str, np.ndarray]:
    """All arrays of an archive; InputError for a file that is damaged, no archive, or holds pickles."""
    source = SourceFile.of(source)
    try:
        with np.load(io.BytesIO(source.content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
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
