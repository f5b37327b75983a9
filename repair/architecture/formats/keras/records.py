"""One layer of a Keras model JSON: its record as a `LayerSpec`, and the other way round."""

from collections.abc import Mapping

from repair.architecture.formats.documents import as_list, as_object
from repair.architecture.layer import LayerSpec, Value, freeze, snake_case
from repair.architecture.layers import LAYERS, entry_of
from repair.architecture.layers.arguments import BOOKKEEPING, OutOfDomain
from repair.errors import InputError

Record = Mapping[str, object]
"""A JSON object."""

WRAPPED = {
    "TimeDistributed": ("layer",),
    "Bidirectional": ("layer", "backward_layer"),
    "RNN": ("cell",),
}
"""The settings that hold the layers inside a wrapper."""
DROPPED = (
    "batch_input_shape",
    "batch_shape",
    "build_config",
    "ragged",
    "renorm_clipping",
    "rms_scaling",
    "sliding_window",
    "sparse",
    "time_major",
    "use_gate",
)
"""Settings of other versions that do not touch shapes."""


def name_of(record: Record, position: int) -> str:
    """The name of a layer, made up from its class and position if it has none."""
    config = record.get("config")
    inside = config.get("name") if isinstance(config, dict) else None
    name = record.get("name") or inside or f"{snake_case(str(record.get('class_name')))}_{position}"
    if not isinstance(name, str) or len(name) > 200:
        raise InputError(f"a layer is named {name!r:.60}: expected a text of at most 200 letters.")
    return name.replace(":", "_")


def first_shape(model: Record, layer: Record) -> Value:
    """The input shape, without the batch, of a Sequential that has no Input; None: not said."""
    config, outer = layer.get("config"), model.get("config")
    built = layer.get("build_config")
    candidates = [
        config.get("batch_input_shape") if isinstance(config, dict) else None,
        config.get("batch_shape") if isinstance(config, dict) else None,
        outer.get("build_input_shape") if isinstance(outer, dict) else None,
        built.get("input_shape") if isinstance(built, dict) else None,
    ]
    for sizes in candidates:
        if isinstance(sizes, list) and sizes and not isinstance(sizes[0], list):
            shape = freeze(sizes, "the input shape")
            return shape[1:]  # type: ignore[index]
    return None


def read_layer(record: Record) -> LayerSpec:
    """The layer of a record {"class_name": ..., "config": ...}; defaults are left out.

    Raises:
        InputError: a class that is not known, a value that is not read.
    """
    kind = record.get("class_name")
    if not isinstance(kind, str):
        raise InputError(f"a layer has the class {kind!r:.60}: expected a text.")
    config = as_object(record.get("config", {}), f"the config of a {kind[:60]}")
    if kind == "Lambda":
        return LayerSpec("Lambda", {"function": "code", "output_shape": _declared(config)})
    entry = entry_of(kind)
    if entry.name == "Input":
        return LayerSpec("Input", _input(config))
    held = [config[key] for key in WRAPPED.get(entry.name, ()) if config.get(key)]
    if entry.name == "Sequential":
        held = as_list(config.get("layers"), "layers")
    inner = tuple(cell for item in held for cell in _inner(as_object(item, "a wrapped layer")))
    arguments: dict[str, Value] = {}
    for key, value in config.items():
        argument = entry.arguments.get(key)
        if argument is None:
            bookkeeping = key in BOOKKEEPING or key in DROPPED or key in WRAPPED.get(entry.name, ())
            if not bookkeeping and value is not None and not isinstance(value, dict):
                arguments[key] = freeze(value, f"{kind}: {key}")
            continue
        frozen = _plain(value, f"{kind}: {key}")
        if key == "axis" and isinstance(frozen, tuple) and len(frozen) == 1:
            frozen = frozen[0]  # built normalisations of Keras 2 keep it as a list
        try:
            parsed = argument.parse(frozen)
            is_default = parsed == argument.default or (parsed == "linear" and not argument.default)
        except OutOfDomain:
            is_default = False
        if not is_default and not (key == "data_format" and frozen == "channels_last"):
            arguments[key] = frozen
    return LayerSpec(entry.name, arguments, _one_way(entry.name, inner))


def write_layer(
    layer: LayerSpec, name: str, before: Record | None, keras2: bool
) -> dict[str, object]:
    """The record of a layer.

    Args:
        layer: the layer to write.
        name: the name of the layer.
        before: the record that it had, whose other settings stay; None for a new layer.
        keras2: whether the older form of Keras 2 is written.
    """
    entry = LAYERS[layer.type]
    kept: dict[str, object] = {}
    if before is not None and not str(before.get("module")).startswith("keras.src.ops"):
        config = as_object(before.get("config", {}), name)
        old = read_layer(before)
        gone = {key for key in old.arguments if key not in layer.arguments}
        same = str(before.get("class_name")) == layer.type or old.type == layer.type
        kept = {
            key: value
            for key, value in config.items()
            if key not in gone
            and (same or not isinstance(value, list | dict))
            and (same or key not in old.arguments)
        }
        if same and old == layer:
            return {key: value for key, value in before.items() if key != "inbound_nodes"}
    if layer.type == "Input":
        kept["batch_input_shape" if keras2 else "batch_shape"] = [
            layer.arguments.get("batch_size"),
            *layer.arguments["shape"],  # type: ignore[misc]
        ]
        arguments: Mapping[str, Value] = {}
    elif layer.type == "Rescaling":
        arguments = {"offset": 0.0, **layer.arguments}  # Keras reads it without a default
    else:
        arguments = layer.arguments
    config = {"name": name, **kept} | {key: _thaw(value) for key, value in arguments.items()}
    config |= _wrapped(layer, name, before, keras2)
    kind = "InputLayer" if layer.type == "Input" else entry.name
    if keras2:
        return {"class_name": kind, "config": config}
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": config,
        "registered_name": None,
    }


def _wrapped(layer: LayerSpec, name: str, before: Record | None, keras2: bool) -> dict[str, object]:
    """The settings of a wrapper that hold its layers."""
    if not layer.inner:
        return {}
    records = [
        write_layer(inner, f"{name}_{snake_case(inner.type)}_{k}", None, keras2)
        for k, inner in enumerate(layer.inner)
    ]
    if layer.type == "Sequential":
        return {"layers": records}
    if layer.type == "RNN" and len(records) > 1:
        cells = {"class_name": "StackedRNNCells", "config": {"cells": records}}
        return {"cell": cells if keras2 else {"module": "keras.layers", **cells}}
    return dict(zip(WRAPPED[layer.type], records, strict=False))


def _input(config: Record) -> dict[str, Value]:
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    frozen = freeze(shape, "the shape of an InputLayer")
    if not isinstance(frozen, tuple) or not frozen:
        raise InputError(f"an InputLayer has the batch shape {shape!r:.60}: expected a list.")
    batch = {} if frozen[0] is None else {"batch_size": frozen[0]}
    return {"shape": frozen[1:], **batch}


def _inner(record: Record) -> list[LayerSpec]:
    if record.get("class_name") == "StackedRNNCells":
        config = as_object(record.get("config"), "StackedRNNCells")
        cells = as_list(config.get("cells"), "cells")
        return [read_layer(as_object(cell, "a cell")) for cell in cells]
    if record.get("class_name") == "InputLayer":
        return []
    return [read_layer(record)]


def _one_way(kind: str, inner: tuple[LayerSpec, ...]) -> tuple[LayerSpec, ...]:
    """Without the backward layer that Keras itself made from the forward one."""
    if kind != "Bidirectional" or len(inner) != 2:
        return inner
    forward, backward = inner
    turned = forward.change(go_backwards=not forward.arguments.get("go_backwards", False))
    return inner[:1] if turned == backward else inner


def _declared(config: Record) -> Value:
    shape = freeze(config.get("output_shape"), "Lambda: output_shape")
    return shape if isinstance(shape, tuple) else None


def _plain(value: object, what: str) -> Value:
    """The value; of a serialised function or object its name."""
    if isinstance(value, dict):
        config = value.get("config")
        named = config if isinstance(config, str) else value.get("class_name")
        return snake_case(named) if isinstance(named, str) else None
    return freeze(value, what)


def _thaw(value: Value) -> object:
    return [_thaw(item) for item in value] if isinstance(value, tuple) else value
