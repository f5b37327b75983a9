"""Files in the folder of a run, such as its patch: one that cannot be read is left out, with a warning."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.escape import shortened, terminal
from repair.errors import InputError

T = TypeVar("T")
_LONGEST = 500  # characters of a warning
_log = logging.getLogger(__name__)


def read_run_file(path: Path, read: Callable[[Path], T]) -> T | None:
    """Reads a file; returns None where there is none, and, with a warning, where it is not what it should be."""
    if not os.path.lexists(path):
        return None
    try:
        return read(path)
    except InputError as error:
        _log.warning("warning: %s It is left out.", terminal(shortened(str(error), _LONGEST)))
        return None
