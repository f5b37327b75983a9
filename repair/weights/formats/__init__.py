"""Networks in and out of files: Keras `.h5`, ONNX, and `.npz`; the suffix says which.

No format runs code or unpickles, and none follows a file to another one: what a file asks for beyond the supported
layers, and beyond its own bytes, is refused by name.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from repair.errors import InputError, unknown
from repair.weights.formats import keras_export, keras_h5, npz, onnx_export, onnx_graph
from repair.weights.network.network import Network
from repair.weights.source import SourceFile


class Format(NamedTuple):
    """How networks are read from and written to files of one kind."""

    load: Callable[[SourceFile, str | None], Network]
    save: Callable[[Network, Path], None]
    save_like: Callable[[Network, SourceFile, Path], None]


def _as_ever(network: Network, source: SourceFile, path: Path) -> None:
    npz.save(network, path)


FORMATS = {
    ".h5": Format(keras_h5.load, keras_export.save, keras_export.save_like),
    ".hdf5": Format(keras_h5.load, keras_export.save, keras_export.save_like),
    ".onnx": Format(onnx_graph.load, onnx_export.save, onnx_export.save_like),
    ".npz": Format(npz.load, npz.save, _as_ever),
}


def load(path: str | Path | SourceFile, scale: str | None = None) -> Network:
    """The network in a file.

    Args:
        path: a file whose suffix is one of FORMATS; or one that was read already.
        scale: what the first layer was trained on, "0..1" or "0..255"; may be left out for a file that
            this package wrote, which says it itself.

    Raises:
        InputError: no such file or format, a damaged file, one with data in other files, an unsupported
            layer, weights that are not finite, a scale that is missing or contradicts the file.
    """
    source = _source(path, f"Give the path of a {', '.join(FORMATS)} file.")
    return _format(source.path).load(source, scale)


def save(network: Network, path: str | Path) -> None:
    """Write a network in the format that the suffix names; atomically, with the same outputs there.

    Raises:
        InputError: a suffix that is not one of FORMATS.
    """
    path = Path(path)
    _format(path).save(network, path)


def save_like(network: Network, source: str | Path | SourceFile, path: str | Path) -> None:
    """Write a network that was loaded from `source`, with other weights, so that it can stand in for that file.

    Give a SourceFile where the network was loaded from it: whatever became of the file meanwhile, these are its bytes.

    Names of inputs and outputs stay; of a Keras file all that is not a weight of the network stays as well.

    Raises:
        InputError: suffixes that differ or are not of FORMATS, or a `source` that is no longer there.
    """
    path = Path(path)
    source = _source(source, f"{path} is to be like it.")
    if source.path.suffix != path.suffix:
        raise InputError(
            f"{path} cannot stand in for {source.path}: the suffixes say different formats."
        )
    _format(path).save_like(network, source, path)


def _source(path: str | Path | SourceFile, wanted: str) -> SourceFile:
    if not isinstance(path, SourceFile) and not Path(path).is_file():
        raise InputError(f"no network file {path}. {wanted}")
    return SourceFile.of(path)


def _format(path: Path) -> Format:
    if path.suffix not in FORMATS:
        raise unknown("network file format", path.suffix or path.name, FORMATS)
    return FORMATS[path.suffix]
