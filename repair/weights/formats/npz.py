"""The project's own file of a network: a NumPy archive of arrays and one JSON text, without pickle."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from repair.errors import InputError, unknown
from repair.weights.archive import read_archive, write_archive
from repair.weights.formats.scale import agreed_scale
from repair.weights.network.layers import KINDS, Layer
from repair.weights.network.network import Network, require_finite
from repair.weights.network.residual import Residual
from repair.weights.source import SourceFile

VERSION = 1


def load(source: SourceFile, scale: str | None = None) -> Network:
    """The network in an archive that `save` wrote.

    Raises:
        InputError: a damaged archive, an unknown kind of layer, weights that are missing, misshapen or
            not finite.
    """
    path, arrays = source.path, read_archive(source)
    try:
        spec = json.loads(bytes(arrays["network"]))
        if spec["version"] != VERSION:
            raise InputError(f"{path} has version {spec['version']}; this package reads {VERSION}.")
        layers = [_layer(config, arrays) for config in spec["layers"]]
        network = Network(
            layers,
            input_shape=spec["input_shape"],
            scale=agreed_scale(path, scale, spec["scale"]),
            softmax=spec["softmax"],
            channels_first=spec["channels_first"],
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} is not an archive of a network: {error!r}.") from error
    return require_finite(network, str(path))


def _layer(config: dict[str, Any], arrays: dict[str, np.ndarray]) -> Layer:
    settings = dict(config)
    kind, name = settings.pop("kind"), settings.pop("name")
    if kind == Residual.kind:
        inside = {
            key.removeprefix(f"{name}/"): value
            for key, value in arrays.items()
            if key.startswith(f"{name}/")
        }
        parts = ([_layer(inner, inside) for inner in settings[p]] for p in ("body", "shortcut"))
        return Residual(name, *parts)
    if kind not in KINDS:
        raise unknown(f"kind of layer {name!r}", kind, (*KINDS, Residual.kind))
    layer = KINDS[kind]
    names = (*layer.parameters, *layer.statistics)
    return layer(name, **{key: arrays[f"{name}/{key}"] for key in names}, **settings)


def save(network: Network, path: Path) -> None:
    """Write a network as an archive: `LAYER/ARRAY` float32 entries, and `network`, UTF-8 JSON."""
    spec = {
        "version": VERSION,
        "input_shape": network.input_shape,
        "scale": network.scale,
        "softmax": network.softmax,
        "channels_first": network.channels_first,
        "layers": [layer.config() for layer in network.layers],
    }
    arrays = {
        f"{layer.name}/{key}": np.asarray(value)
        for layer in network.layers
        for key, value in layer.arrays().items()
    }
    text = np.frombuffer(json.dumps(spec).encode(), np.uint8)
    write_archive(Path(path), {"network": text, **arrays})
