"""NumPy archives of finished runs, read without the packages that repair networks: a report starts at once."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from repair.errors import InputError

_DAMAGE = (EOFError, OSError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)


def read_npz(path: Path) -> dict[str, np.ndarray]:
    """All arrays of an archive; InputError for a file that is damaged, no archive, or holds pickles."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except _DAMAGE as error:
        raise InputError(f"{path} is not a readable .npz archive: {error}.") from error
