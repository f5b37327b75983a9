"""Networks in and out of files: Keras `.h5`, ONNX, and `.npz`; the suffix says which.

No format runs code or unpickles: what a file asks for beyond the supported layers is refused by name.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from repair.errors import InputError, unknown
from repair.formats import keras_h5, npz, onnx_export, onnx_graph
from repair.network import Network


class Format(NamedTuple):
    """How networks are read from and written to files of one kind."""

    load: Callable[..., Network]
    save: Callable[[Network, Path], None]


FORMATS = {
    ".h5": Format(keras_h5.load, keras_h5.save),
    ".hdf5": Format(keras_h5.load, keras_h5.save),
    ".onnx": Format(onnx_graph.load, onnx_export.save),
    ".npz": Format(npz.load, npz.save),
}


def load(path: str | Path, scale: str | None = None) -> Network:
    """The network in a file.

    Args:
        path: a file whose suffix is one of FORMATS.
        scale: what the first layer was trained on, "0..1" or "0..255"; may be left out for a file that
            this package wrote, which says it itself.

    Raises:
        InputError: no such file or format, a damaged file, an unsupported layer, weights that are not
            finite, a scale that is missing or contradicts the file.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no network file {path}. Give the path of a {', '.join(FORMATS)} file.")
    return _format(path).load(path, scale)


def save(network: Network, path: str | Path) -> None:
    """Write a network in the format that the suffix names; atomically, with the same outputs there.

    Raises:
        InputError: a suffix that is not one of FORMATS.
    """
    path = Path(path)
    _format(path).save(network, path)


def _format(path: Path) -> Format:
    if path.suffix not in FORMATS:
        raise unknown("network file format", path.suffix or path.name, FORMATS)
    return FORMATS[path.suffix]
