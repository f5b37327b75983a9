"""A network written as a Keras `.h5` file with the same outputs, anew or in the likeness of one."""

import io
import json
from pathlib import Path

import h5py
import numpy as np

from repair.errors import InputError
from repair.weights.atomic import replaced
from repair.weights.formats.hdf5 import opened
from repair.weights.formats.keras_h5 import BATCH_NORM, Config, entries, group_of
from repair.weights.formats.scale import SCALE_NOTE
from repair.weights.network.layers import (
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
from repair.weights.network.network import Network
from repair.weights.source import SourceFile


def save(network: Network, path: Path) -> None:
    """Write a Keras Sequential model that Keras 2 and 3 load; its weights are the network's."""
    written = io.BytesIO()
    with h5py.File(written, "w") as file:
        entry = {"name": "network_input", "batch_input_shape": [None, *network.input_shape]}
        configs = [("InputLayer", entry), *(_keras(layer) for layer in network.layers)]
        if network.softmax:
            configs.append(("Activation", {"name": "softmax", "activation": "softmax"}))
        layers = [{"class_name": kind, "config": config} for kind, config in configs]
        model = {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}
        file.attrs["model_config"] = json.dumps(model)
        file.attrs["keras_version"], file.attrs["backend"] = "2.2.4", "jax"
        file.attrs[SCALE_NOTE] = network.scale
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [config["name"].encode() for _, config in configs]
        weights.attrs["keras_version"], weights.attrs["backend"] = "2.2.4", "jax"
        for _, config in configs:
            weights.create_group(config["name"]).attrs["weight_names"] = np.array([], "S1")
        for layer in network.layers:
            _write_arrays(weights[layer.name], layer)
    with replaced(Path(path)) as draft:
        draft.write_bytes(written.getbuffer())


def save_like(network: Network, source: SourceFile, path: Path) -> None:
    """Write a copy of the Keras file `source`, which the network was loaded from, with the network's weights.

    A layer that has got a bias it had not has no place for it there; then a whole new file is written.
    """
    copy = io.BytesIO(source.content)
    with opened(source.path, copy, "r+") as file:
        file.attrs[SCALE_NOTE] = network.scale
        filled = all(_fill(group_of(file, layer.name), layer) for layer in network.layers)
    if not filled:
        save(network, path)
        return
    with replaced(Path(path)) as draft:
        draft.write_bytes(copy.getbuffer())


def _fill(group: h5py.Group | None, layer: Layer) -> bool:
    """Whether all arrays of a layer are in its group of a file now; one that is zero need not be."""
    keras = BATCH_NORM if isinstance(layer, BatchNorm) else {}
    there = {} if group is None else entries(group)
    filled = True
    for key, value in layer.arrays().items():
        entry = there.get(keras.get(key, key))
        if group is not None and entry is not None:
            group[entry][...] = np.asarray(value)
        else:
            default = 1 if key == "scale" else 0
            filled &= not np.any(np.asarray(value) != default)
    return filled


def _write_arrays(group: h5py.Group, layer: Layer) -> None:
    keras = BATCH_NORM if isinstance(layer, BatchNorm) else {}
    named = {
        f"{layer.name}/{keras.get(key, key)}:0": value for key, value in layer.arrays().items()
    }
    if named:
        group.attrs["weight_names"] = [name.encode() for name in named]
    for name, value in named.items():
        group.create_dataset(name, data=np.asarray(value, np.float32))


def _keras(layer: Layer) -> tuple[str, Config]:
    """Keras class name and config of a layer."""
    config: Config = {"name": layer.name}
    match layer:
        case Dense():
            return "Dense", config | {"units": layer.bias[...].shape[0], "activation": "linear"}
        case Conv():
            *kernel, _, filters = layer.kernel[...].shape
            shape = {"kernel_size": kernel, "filters": filters, "activation": "linear"}
            return "Conv2D", config | shape | {"strides": layer.strides, "padding": layer.padding}
        case MaxPool() | AvgPool():
            kind = "MaxPooling2D" if isinstance(layer, MaxPool) else "AveragePooling2D"
            window = {"pool_size": layer.window, "strides": layer.strides, "padding": layer.padding}
            return kind, config | window
        case Activation():
            return "Activation", config | {"activation": layer.function}
        case BatchNorm():
            return "BatchNormalization", config | {"epsilon": layer.epsilon, "axis": -1}
        case ZeroPad():
            return "ZeroPadding2D", config | {"padding": layer.amounts}
        case GlobalAvgPool():
            return "GlobalAveragePooling2D", config
        case Flatten():
            return "Flatten", config
    raise InputError(f"layer {layer.name!r} ({layer.kind}) has no counterpart in Keras files.")
