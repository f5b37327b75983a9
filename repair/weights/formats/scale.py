"""The note of the input's scale in network files."""

from pathlib import Path

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
