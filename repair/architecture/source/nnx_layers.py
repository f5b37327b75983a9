"""Layers as Flax NNX programs construct them: the sizes they state become weights that bind."""

import ast
from collections.abc import Callable, Mapping
from typing import NamedTuple

from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layer import Value as Plain
from repair.architecture.source.keras_layers import constant, refuse_open
from repair.architecture.source.values import Given, Made, Parameter, Written
from repair.errors import InputError

Weights = Callable[[int, Mapping[str, Plain]], dict[str, Shape]]


class Constructor(NamedTuple):
    """One layer of NNX.

    Args:
        kind: the Keras layer of the same shapes; "Conv{}D" takes the rank of the kernel.
        order: the parameters by position.
        arguments: by Keras argument, the parameter.
        features: the parameter that states the size of the input's last axis.
        weights: from that size and the Keras arguments, the weights that it fixes.
        defaults: Keras arguments where NNX has another default.
    """

    kind: str
    order: tuple[str, ...]
    arguments: Mapping[str, str]
    features: str | None = None
    weights: Weights | None = None
    defaults: Mapping[str, Plain] = {}


def _kernel(size: int, a: Mapping[str, Plain]) -> dict[str, Shape]:
    return {"kernel": (size, a["units"])}  # type: ignore[dict-item]


def _conv_kernel(size: int, a: Mapping[str, Plain]) -> dict[str, Shape]:
    groups = a.get("groups", 1)
    inner = size // groups if isinstance(groups, int) and groups > 0 else size
    return {"kernel": (*a["kernel_size"], inner, a["filters"])}  # type: ignore


def _transposed_kernel(size: int, a: Mapping[str, Plain]) -> dict[str, Shape]:
    return {"kernel": (*a["kernel_size"], a["filters"], size)}  # type: ignore


def _gated(gates: int) -> Weights:
    def weights(size: int, a: Mapping[str, Plain]) -> dict[str, Shape]:
        return {"kernel": (size, gates * int(a["units"]))}  # type: ignore[arg-type]

    return weights


def _scale(name: str) -> Weights:
    return lambda size, a: {name: (size,)}


_BIAS = {"use_bias": "use_bias"}
_WINDOW = {
    "filters": "out_features",
    "kernel_size": "kernel_size",
    "strides": "strides",
    "padding": "padding",
    "dilation_rate": "kernel_dilation",
}
_WIDE = ("in_features", "out_features")
_SAME = {"padding": "same"}
_SCALING = {"center": "use_bias", "scale": "use_scale", "epsilon": "epsilon"}


def _cell(kind: str, gates: int) -> Constructor:
    return Constructor(
        f"{kind}Cell", ("in_features", "hidden_features"), {"units": "hidden_features"},
        "in_features", _gated(gates),
    )  # fmt: skip


CONSTRUCTORS: Mapping[str, Constructor] = {
    "Linear": Constructor(
        "Dense", _WIDE, {"units": "out_features"} | _BIAS, "in_features", _kernel
    ),
    "Conv": Constructor(
        "Conv{}D", (*_WIDE, "kernel_size", "strides"),
        _WINDOW | {"groups": "feature_group_count"} | _BIAS, "in_features", _conv_kernel, _SAME,
    ),
    "ConvTranspose": Constructor(
        "Conv{}DTranspose", (*_WIDE, "kernel_size", "strides"), _WINDOW | _BIAS, "in_features",
        _transposed_kernel, _SAME,
    ),
    "Embed": Constructor(
        "Embedding", ("num_embeddings", "features"),
        {"input_dim": "num_embeddings", "output_dim": "features"},
    ),
    "Dropout": Constructor("Dropout", ("rate",), {"rate": "rate"}),
    "BatchNorm": Constructor(
        "BatchNormalization", ("num_features",),
        _SCALING | {"momentum": "momentum", "axis": "axis"}, "num_features", _scale("moving_mean"),
    ),
    "LayerNorm": Constructor(
        "LayerNormalization", ("num_features",), _SCALING, "num_features", _scale("gamma")
    ),
    "RMSNorm": Constructor(
        "LayerNormalization", ("num_features",), {"epsilon": "epsilon"}, "num_features",
        _scale("gamma"),
    ),
    "GroupNorm": Constructor(
        "GroupNormalization", ("num_features", "num_groups"), _SCALING | {"groups": "num_groups"},
        "num_features", _scale("gamma"),
    ),
    "SimpleCell": _cell("SimpleRNN", 1),
    "LSTMCell": _cell("LSTM", 4),
    "OptimizedLSTMCell": _cell("LSTM", 4),
    "GRUCell": _cell("GRU", 3),
}  # fmt: skip
"""The layers of NNX that are read."""
BESIDE = (
    "rngs", "dtype", "param_dtype", "precision", "kernel_init", "bias_init", "scale_init",
    "embedding_init", "promote_dtype", "use_running_average", "deterministic", "broadcast_dims",
    "dot_general", "rng_collection", "axis_name", "gate_fn", "activation_fn", "carry_init",
    "recurrent_kernel_init", "use_fast_variance", "keep_rngs", "input_dilation", "mask",
)  # fmt: skip
"""Parameters that do not touch shapes."""


def make_nnx(kind: str, given: Given, node: ast.Call) -> Made:
    """The layer that a call such as nnx.Conv(1, 32, kernel_size=(3, 3), rngs=rngs) constructs.

    Raises:
        InputError: an argument that is not known, missing, or cannot be read.
    """
    constructor = CONSTRUCTORS[kind]
    refuse_open(f"nnx.{kind}", given, node)
    order = constructor.order
    named = dict(given.named)
    for position, pair in enumerate(given.positional):
        if position < len(order) and order[position] in named:
            raise InputError(f"line {node.lineno}: nnx.{kind}: {order[position]} is given twice.")
        if position < len(order):
            named[order[position]] = pair
    back = {parameter: name for name, parameter in constructor.arguments.items()}
    arguments: dict[str, Plain] = dict(constructor.defaults)
    for name, (value, place) in named.items():
        if name in back:
            found = constant(value, f"nnx.{kind}: {name}", place.lineno)
            if found is not None or back[name] == "groups":
                arguments[back[name]] = _as_keras(back[name], found, node)
        elif name not in BESIDE and name != constructor.features:
            known = ", ".join((*order, *back, "rngs"))
            raise InputError(f"line {node.lineno}: nnx.{kind} has no parameter {name!r} that is "
                             f"read: {known}.")  # fmt: skip
    name = constructor.kind
    if "{}" in name:
        kernel = arguments.get("kernel_size", 1)
        kernel = (kernel,) if isinstance(kernel, int) else kernel
        arguments["kernel_size"] = kernel
        name = name.format(len(kernel) if isinstance(kernel, tuple) else 1)
    weights: dict[str, Shape] = {}
    if constructor.features and constructor.weights:
        if constructor.features not in named:
            raise InputError(f"line {node.lineno}: nnx.{kind} lacks {constructor.features}.")
        value, place = named[constructor.features]
        size = constant(value, f"nnx.{kind}: {constructor.features}", place.lineno)
        if isinstance(size, int) and _complete(constructor, arguments):
            weights = constructor.weights(size, arguments)
    parameters = {
        name: Parameter(parameter, order.index(parameter) if parameter in order else None,
                        spell=SPELL.get(name, _same))
        for name, parameter in constructor.arguments.items()
    }  # fmt: skip
    features = constructor.features and Parameter(
        constructor.features, order.index(constructor.features)
    )
    written = Written(node, parameters, renames=False, features=features or None)
    return Made(LayerSpec(name, arguments, weights=weights), None, written)


def _complete(constructor: Constructor, arguments: Mapping[str, Plain]) -> bool:
    """Whether all arguments that the weights are made of are there and are sizes."""
    for name in ("units", "filters"):
        if name in constructor.arguments and type(arguments.get(name)) is not int:
            return False
    return "kernel_size" not in constructor.arguments or isinstance(
        arguments.get("kernel_size"), tuple
    )


def _as_keras(name: str, value: Plain, node: ast.Call) -> Plain:
    if name != "padding":
        return value
    if isinstance(value, str):
        return value.lower()
    pads = value if isinstance(value, tuple) else (value,)
    if all(pad in (0, (0, 0)) for pad in pads):
        return "valid"
    raise InputError(
        f"line {node.lineno}: padding={value!r} is not read: write 'SAME', 'VALID' or 'CAUSAL'."
    )


def _same(value: object) -> object:
    return value


SPELL: Mapping[str, Callable[[object], object]] = {"padding": lambda value: str(value).upper()}
"""How Keras arguments are spelled in NNX where this differs."""
