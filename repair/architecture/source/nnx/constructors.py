"""The layers of Flax NNX that are read: their parameters, and the weights that stated sizes fix."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from repair.architecture.layer import Shape
from repair.architecture.layer import Value as Plain

Weights = Callable[[int, Mapping[str, Plain]], dict[str, Shape]]


class NnxConstructor(NamedTuple):
    """How one layer of NNX is constructed.

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


def _cell(kind: str, gates: int) -> NnxConstructor:
    return NnxConstructor(
        f"{kind}Cell",
        ("in_features", "hidden_features"),
        {"units": "hidden_features"},
        "in_features",
        _gated(gates),
    )


CONSTRUCTORS: Mapping[str, NnxConstructor] = {
    "Linear": NnxConstructor(
        "Dense", _WIDE, {"units": "out_features"} | _BIAS, "in_features", _kernel
    ),
    "Conv": NnxConstructor(
        "Conv{}D",
        (*_WIDE, "kernel_size", "strides"),
        _WINDOW | {"groups": "feature_group_count"} | _BIAS,
        "in_features",
        _conv_kernel,
        _SAME,
    ),
    "ConvTranspose": NnxConstructor(
        "Conv{}DTranspose",
        (*_WIDE, "kernel_size", "strides"),
        _WINDOW | _BIAS,
        "in_features",
        _transposed_kernel,
        _SAME,
    ),
    "Embed": NnxConstructor(
        "Embedding",
        ("num_embeddings", "features"),
        {"input_dim": "num_embeddings", "output_dim": "features"},
    ),
    "Dropout": NnxConstructor("Dropout", ("rate",), {"rate": "rate"}),
    "BatchNorm": NnxConstructor(
        "BatchNormalization",
        ("num_features",),
        _SCALING | {"momentum": "momentum", "axis": "axis"},
        "num_features",
        _scale("moving_mean"),
    ),
    "LayerNorm": NnxConstructor(
        "LayerNormalization", ("num_features",), _SCALING, "num_features", _scale("gamma")
    ),
    "RMSNorm": NnxConstructor(
        "LayerNormalization",
        ("num_features",),
        {"epsilon": "epsilon"},
        "num_features",
        _scale("gamma"),
    ),
    "GroupNorm": NnxConstructor(
        "GroupNormalization",
        ("num_features", "num_groups"),
        _SCALING | {"groups": "num_groups"},
        "num_features",
        _scale("gamma"),
    ),
    "SimpleCell": _cell("SimpleRNN", 1),
    "LSTMCell": _cell("LSTM", 4),
    "OptimizedLSTMCell": _cell("LSTM", 4),
    "GRUCell": _cell("GRU", 3),
}
"""The layers of NNX that are read."""
SHAPELESS = frozenset(
    (
        "rngs",
        "dtype",
        "param_dtype",
        "precision",
        "kernel_init",
        "bias_init",
        "scale_init",
        "embedding_init",
        "promote_dtype",
        "use_running_average",
        "deterministic",
        "broadcast_dims",
        "dot_general",
        "rng_collection",
        "axis_name",
        "gate_fn",
        "activation_fn",
        "carry_init",
        "recurrent_kernel_init",
        "use_fast_variance",
        "keep_rngs",
        "input_dilation",
        "mask",
    )
)
"""Parameters that do not touch shapes."""
