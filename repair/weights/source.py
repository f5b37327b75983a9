"""A file that is read once: its hash, its content and what is written in its likeness are of the same bytes."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from repair.errors import InputError


@dataclass(frozen=True, eq=False)
class SourceFile:
    """The bytes that a file had when it was read; what becomes of the file afterwards changes nothing.

    Attributes:
        path: where they were read; its suffix says the format, and messages name it.
        content: all of them.
    """

    path: Path
    content: bytes = field(repr=False)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a file; InputError for one that is missing, no plain file or not readable."""
        path = Path(path)
        if not path.is_file():  # a device or a pipe may never end
            what = "is a folder" if path.is_dir() else "is no plain file"
            raise InputError(
                f"{path} {what if path.exists() else 'does not exist'}: give a file's path."
            )
        try:
            return cls(path, path.read_bytes())
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error

    @classmethod
    def of(cls, source: "str | Path | SourceFile") -> "SourceFile":
        """A file that was read already as it is; a path is read now."""
        return source if isinstance(source, SourceFile) else cls.read(source)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the content, as hexadecimal digits."""
        return hashlib.sha256(self.content).hexdigest()
