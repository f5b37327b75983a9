"""Networks in and out of files: Keras `.h5`, ONNX, and `.npz`; the suffix says which.

No format runs code or unpickles: what a file asks for beyond the supported layers is refused by name.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from repair.errors import InputError, unknown
from repair.formats import keras_export, keras_h5, npz, onnx_export, onnx_graph
from repair.network import Network


class Format(NamedTuple):
    """How networks are read from and written to files of one kind."""

    load: Callable[..., Network]
    save: Callable[[Network, Path], None]
    save_like: Callable[[Network, Path, Path], None]


def _as_ever(network: Network, source: Path, path: Path) -> None:
    npz.save(network, path)


FORMATS = {
    ".h5": Format(keras_h5.load, keras_export.save, keras_export.save_like),
    ".hdf5": Format(keras_h5.load, keras_export.save, keras_export.save_like),
    ".onnx": Format(onnx_graph.load, onnx_export.save, onnx_export.save_like),
    ".npz": Format(npz.load, npz.save, _as_ever),
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


def save_like(network: Network, source: str | Path, path: str | Path) -> None:
    """Write a network that was loaded from `source`, with other weights, so that it can stand in for that file.

    Names of inputs and outputs stay; of a Keras file all that is not a weight of the network stays as well.

    Raises:
        InputError: suffixes that differ or are not of FORMATS, or a `source` that is no longer there.
    """
    source, path = Path(source), Path(path)
    if source.suffix != path.suffix:
        raise InputError(
            f"{path} cannot stand in for {source}: the suffixes say different formats."
        )
    if not source.is_file():
        raise InputError(f"no network file {source}, which {path} is to be like.")
    _format(path).save_like(network, source, path)


def _format(path: Path) -> Format:
    if path.suffix not in FORMATS:
        raise unknown("network file format", path.suffix or path.name, FORMATS)
    return FORMATS[path.suffix]
