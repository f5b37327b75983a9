"""Files beside a record, such as its patch: one that cannot be read is said once and left out, not the whole report."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.escape import shortened, terminal
from repair.errors import InputError

T = TypeVar("T")
_SAID = 500  # characters
_log = logging.getLogger(__name__)


def read_beside(path: Path, read: Callable[[Path], T]) -> T | None:
    """What a file says; None where there is none, and, with a warning, where it is not what it should be."""
    if not os.path.lexists(path):
        return None
    try:
        return read(path)
    except InputError as error:
        _log.warning("warning: %s It is left out.", terminal(shortened(str(error), _SAID)))
        return None
