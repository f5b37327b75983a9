"""What all formats share: the scale note and the atomic write."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from repair.errors import InputError

SCALE_NOTE = "repairbench_scale"


def agreed_scale(path: Path, given: str | None, noted: str | None) -> str:
    """The scale that the caller gives or the file notes; InputError for neither, or for two that differ."""
    if given is None and noted is None:
        raise InputError(
            f"{path} does not say what its first layer was trained on; give the scale:"
            ' "0..1" for unit images, "0..255" for pixels.'
        )
    if given is not None and noted is not None and given != noted:
        raise InputError(f"{path} says that its scale is {noted!r}, but {given!r} was given.")
    return given or noted or ""


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A path to write to, in a new folder beside `path`, that takes its place only when all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        draft = Path(folder) / path.name
        yield draft
        os.replace(draft, path)
