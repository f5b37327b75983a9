"""Keras `.h5` files (Keras 2.0 to 3): `model_config` JSON in an attribute, weights in groups.

Only the JSON and the arrays are read; nothing in the file is run.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from repair.errors import InputError
from repair.weights.formats.hdf5 import opened
from repair.weights.formats.scale import SCALE_NOTE, agreed_scale
from repair.weights.network.layers import (
    ACTIVATIONS,
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    ZeroPad,
)
from repair.weights.network.network import Network, require_finite
from repair.weights.source import SourceFile

Config = dict[str, Any]
IGNORED = ("InputLayer", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout")
BATCH_NORM = {
    "scale": "gamma",
    "bias": "beta",
    "mean": "moving_mean",
    "variance": "moving_variance",
}
# Settings of a layer that must keep these values, since nothing else is supported.
FIXED: Mapping[str, Any] = {
    "data_format": "channels_last",
    "dilation_rate": 1,
    "groups": 1,
    "max_value": None,
    "negative_slope": 0,
    "threshold": 0,
    "keepdims": False,
}


def load(source: SourceFile, scale: str | None = None) -> Network:
    """The network in a Keras `.h5` file; layers keep the names that they have there.

    An activation inside a layer becomes a layer of its own, `NAME_relu`; layers without effect at
    inference are left out; a softmax at the end is noted, not run.

    Raises:
        InputError: a damaged file, one with data in other files, an unsupported layer (named, with its
            place), or weights that are missing, misshapen or not finite.
    """
    with opened(source.path, io.BytesIO(source.content)) as file:
        return _network(file, source.path, scale)


def _network(file: h5py.File, path: Path, scale: str | None) -> Network:
    if "model_config" not in file.attrs:
        raise InputError(
            f"{path} holds no model_config; expected a whole Keras model, as model.save writes it."
        )
    model = json.loads(file.attrs["model_config"])
    configs = _stack(model, path)
    layers = [layer for n, config in enumerate(configs) for layer in _layers(file, config, n, path)]
    shape = _input_shape(model, configs, path)
    softmax = bool(layers) and isinstance(layers[-1], str)
    stack = [layer for layer in layers if isinstance(layer, Layer)]
    if len(stack) + softmax < len(layers):
        raise InputError(
            f"{path} has a softmax before its last layer; only one at the end is supported."
        )
    scale = agreed_scale(path, scale, file.attrs.get(SCALE_NOTE))
    network = Network(stack, input_shape=shape, scale=scale, softmax=softmax)
    _require_last_axis(network, configs, path)
    return require_finite(network, str(path))


def _require_last_axis(network: Network, configs: list[Config], path: Path) -> None:
    for config in (layer["config"] for layer in configs):
        if config["name"] in network.names and "axis" in config:
            axis, last = np.ravel(config["axis"]).tolist(), len(network.shape_at(config["name"]))
            if axis not in ([-1], [last]):
                raise InputError(
                    f"{path}: layer {config['name']!r} normalises along axis {axis}; only the last"
                    f" one, {last}, is supported."
                )


def _stack(model: Config, path: Path) -> list[Config]:
    """The layers' configs in order, if each takes the one before it and nothing else."""
    kind, config = model["class_name"], model["config"]
    layers: list[Config] = config if isinstance(config, list) else config["layers"]
    if kind not in ("Sequential", "Functional", "Model"):
        raise InputError(f"{path} holds a {kind} model; expected a Sequential or Functional one.")
    names = [layer["config"]["name"] for layer in layers]
    for before, layer in zip([None, *names], layers, strict=False):
        sources = list(_sources(layer.get("inbound_nodes", [])))
        if kind != "Sequential" and sources != [before][: len(sources) or before is not None]:
            raise InputError(
                f"{path}: layer {layer['config']['name']!r} ({layer['class_name']}) takes"
                f" {sources or 'nothing'}; expected its predecessor {before!r} alone, since a network"
                " is an ordered stack."
            )
    return layers


def _sources(node: Any) -> list[str]:
    """Names of the layers that an `inbound_nodes` entry names, in the form of Keras 2 or 3."""
    if isinstance(node, dict):
        if "keras_history" in node:
            return [node["keras_history"][0]]
        return [name for value in node.values() for name in _sources(value)]
    if isinstance(node, list):
        if node and isinstance(node[0], str):
            return [node[0]]
        return [name for value in node for name in _sources(value)]
    return []


def _input_shape(model: Config, configs: list[Config], path: Path) -> tuple[int, ...]:
    first, outer = configs[0]["config"], model["config"]
    shape = first.get("batch_input_shape") or first.get("batch_shape")
    if shape is None and isinstance(outer, dict):
        shape = outer.get("build_input_shape")
    if shape is None or None in shape[1:]:
        raise InputError(f"{path} has the input shape {shape}; expected one with known sizes.")
    return tuple(shape[1:])


def _layers(file: h5py.File, layer: Config, place: int, path: Path) -> list[Layer | str]:
    """The layers that one Keras layer becomes; the text "softmax" stands for a softmax."""
    kind, config = layer["class_name"], layer["config"]
    name, where = config["name"], f"{path}: layer {place} {config['name']!r} ({kind})"
    if kind in IGNORED:
        return []
    for key, value in FIXED.items():
        if key in config and np.any(np.asarray(config[key]) != np.asarray(value)):
            raise InputError(f"{where} has {key}={config[key]!r}; only {value!r} is supported.")
    if kind == "Activation":
        return [_activation(config["activation"], name, where)]
    if kind in ("ReLU", "Softmax"):
        return [_activation(kind.lower(), name, where)]
    plain = _plain(file, kind, config, where)
    function = config.get("activation", "linear")
    return (
        [plain]
        if function == "linear"
        else [plain, _activation(function, f"{name}_{function}", where)]
    )


def _activation(function: Any, name: str, where: str) -> Layer | str:
    if function == "softmax":
        return "softmax"
    if not isinstance(function, str) or function not in ACTIVATIONS:
        known = ", ".join((*ACTIVATIONS, "softmax"))
        raise InputError(f"{where} has the activation {function!r}; supported: {known}.")
    return Activation(name, function)


def _plain(file: h5py.File, kind: str, config: Config, where: str) -> Layer:
    name = config["name"]
    if kind == "Dense":
        return Dense(name, **_arrays(file, name, where, kernel="kernel", bias="bias"))
    if kind == "Conv2D":
        arrays = _arrays(file, name, where, kernel="kernel", bias="bias")
        return Conv(name, **arrays, strides=config["strides"], padding=config["padding"])
    if kind == "MaxPooling2D":
        return MaxPool(name, config["pool_size"], config["strides"], config["padding"])
    if kind == "AveragePooling2D":
        return AvgPool(name, config["pool_size"], config["strides"], config["padding"])
    if kind == "GlobalAveragePooling2D":
        return GlobalAvgPool(name)
    if kind == "Flatten":
        return Flatten(name)
    if kind == "ZeroPadding2D":
        return ZeroPad(name, config["padding"])
    if kind == "BatchNormalization":
        arrays = _arrays(file, name, where, **BATCH_NORM)
        size = arrays["mean"].shape
        default = {"scale": np.ones(size), "bias": np.zeros(size)}
        return BatchNorm(name, **default | arrays, epsilon=config["epsilon"])
    raise InputError(
        f"{where} is not supported"
        + (": a Lambda runs code from the file" if kind == "Lambda" else "")
        + ". Supported: Dense, Conv2D, MaxPooling2D, AveragePooling2D, GlobalAveragePooling2D, Flatten,"
        f" ZeroPadding2D, BatchNormalization, Activation, ReLU, Softmax, {', '.join(IGNORED)}."
    )


def _arrays(file: h5py.File, name: str, where: str, **wanted: str) -> dict[str, np.ndarray]:
    """Arrays of a layer by our names; `wanted` gives Keras's name for each. A missing bias or scale is left out."""
    group = group_of(file, name)
    if group is None:
        raise InputError(f"{where} has no arrays in the file.")
    found = {key: group[entry] for key, entry in entries(group).items()}
    optional = ("bias", "scale")
    missing = [key for ours, key in wanted.items() if key not in found and ours not in optional]
    if missing:
        raise InputError(
            f"{where} lacks the arrays {', '.join(missing)}; the file holds {sorted(found)}."
        )
    return {
        ours: np.asarray(found[key][...], np.float32)
        for ours, key in wanted.items()
        if key in found
    }


def group_of(file: h5py.File, layer: str) -> h5py.Group | None:
    """The group of a layer's arrays; None for a layer that the file does not name, such as an activation's."""
    return file.get("model_weights", file).get(layer)


def entries(group: h5py.Group) -> dict[str, str]:
    """Where a layer's arrays are in its group, by Keras's name of the array."""
    names = [
        name.decode() if isinstance(name, bytes) else name for name in group.attrs["weight_names"]
    ]
    return {name.rsplit("/", 1)[-1].split(":")[0]: name for name in names}
