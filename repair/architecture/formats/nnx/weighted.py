"""Layers that keep something, weights or a random stream, as Flax NNX source."""

from collections.abc import Mapping

from repair.architecture.formats.nnx.writers import ALL, LayerToWrite, NNXCode, Writer, for_ranks
from repair.errors import InputError


def _linear(layer: LayerToWrite) -> NNXCode:
    wide, bias = layer.shapes[0][-1], "" if layer.a["use_bias"] else ", use_bias=False"
    return NNXCode(
        f"{layer.attribute}({layer.x[0]})",
        {"": f"nnx.Linear({wide}, {layer.a['units']}{bias}, rngs=rngs)"},
    )


def _convolution(layer: LayerToWrite) -> NNXCode:
    channels = layer.shapes[0][-1] or 1
    deep = channels * layer.a.get("depth_multiplier", 1)
    depthwise = layer.spec.type.startswith(("Depthwise", "Separable"))
    bias = layer.a["use_bias"] and not layer.spec.type.startswith("Separable")
    first = _conv(
        layer,
        deep if depthwise else layer.a["filters"],
        channels if depthwise else layer.a["groups"],
        bias,
    )
    if not layer.spec.type.startswith("Separable"):
        return NNXCode(f"{layer.attribute}({layer.x[0]})", {"": first})
    ones = (1,) * len(layer.a["kernel_size"])
    bias = "" if layer.a["use_bias"] else ", use_bias=False"
    second = f"nnx.Conv({deep}, {layer.a['filters']}, {ones}{bias}, rngs=rngs)"
    return NNXCode(
        f"{layer.attribute}_point({layer.attribute}({layer.x[0]}))", {"": first, "_point": second}
    )


def _conv(layer: LayerToWrite, filters: int, groups: int, bias: bool) -> str:
    a = layer.a
    parts = [str(layer.shapes[0][-1]), str(filters), f"kernel_size={a['kernel_size']}"]
    if set(a["strides"]) != {1}:
        parts.append(f"strides={a['strides']}")
    parts.append(f"padding={a['padding'].upper()!r}")
    if set(a["dilation_rate"]) != {1}:
        parts.append(f"kernel_dilation={a['dilation_rate']}")
    if groups != 1:
        parts.append(f"feature_group_count={groups}")
    if not bias:
        parts.append("use_bias=False")
    return f"nnx.Conv({', '.join(parts)}, rngs=rngs)"


def _transposed(layer: LayerToWrite) -> NNXCode:
    a = layer.a
    if a["output_padding"] is not None or set(a["dilation_rate"]) != {1}:
        raise InputError(
            "nnx.ConvTranspose has no output_padding and other dilation: choose keras."
        )
    bias = "" if a["use_bias"] else ", use_bias=False"
    init = (
        f"nnx.ConvTranspose({layer.shapes[0][-1]}, {a['filters']}, kernel_size={a['kernel_size']}, "
        f"strides={a['strides']}, padding={a['padding'].upper()!r}{bias}, rngs=rngs)"
    )
    return NNXCode(f"{layer.attribute}({layer.x[0]})", {"": init})


def _embed(layer: LayerToWrite) -> NNXCode:
    init = f"nnx.Embed({layer.a['input_dim']}, {layer.a['output_dim']}, rngs=rngs)"
    return NNXCode(f"{layer.attribute}({layer.x[0]}.astype(jnp.int32))", {"": init})


def _normalize(layer: LayerToWrite) -> NNXCode:
    axis = layer.a["axis"]
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    if axis not in (-1, len(layer.shapes[0]) - 1):
        raise InputError(f"{layer.spec.type} is written for NNX on the last axis only.")
    kind = layer.spec.type.removesuffix("alization")
    extra = f", num_groups={_groups(layer)}" if kind == "GroupNorm" else ""
    extra += f", epsilon={layer.a['epsilon']}"
    extra += "" if layer.a["center"] else ", use_bias=False"
    extra += "" if layer.a["scale"] else ", use_scale=False"
    return NNXCode(
        f"{layer.attribute}({layer.x[0]})",
        {"": f"nnx.{kind}({layer.shapes[0][-1]}{extra}, rngs=rngs)"},
    )


def _groups(layer: LayerToWrite) -> int:
    return int(layer.a["groups"] if layer.a["groups"] > 0 else layer.shapes[0][-1] or 1)


def _dropout(layer: LayerToWrite) -> NNXCode:
    rank = len(layer.shapes[0]) - 2
    shared = "" if layer.spec.type == "Dropout" else f", broadcast_dims={tuple(range(1, rank + 1))}"
    return NNXCode(
        f"{layer.attribute}({layer.x[0]})",
        {"": f"nnx.Dropout({layer.a['rate']}{shared}, rngs=rngs)"},
    )


def _prelu(layer: LayerToWrite) -> NNXCode:
    shared = layer.a["shared_axes"] or ()
    sizes = tuple(1 if k in shared else s for k, s in enumerate(layer.shapes[0][1:], 1))
    x = layer.x[0]
    return NNXCode(
        f"jnp.where({x} > 0, {x}, {layer.attribute}[...] * {x})",
        {"": f"nnx.Param(jnp.zeros({sizes}))"},
    )


WEIGHTED: Mapping[str, Writer] = {
    "Dense": _linear,
    **for_ranks("Conv", ALL, _convolution),
    **for_ranks("DepthwiseConv", (1, 2), _convolution),
    **for_ranks("SeparableConv", (1, 2), _convolution),
    **for_ranks("Conv", ALL, _transposed, "Transpose"),
    "Embedding": _embed,
    **dict.fromkeys(("BatchNormalization", "LayerNormalization", "GroupNormalization"), _normalize),
    **dict.fromkeys(("Dropout", *(f"SpatialDropout{k}D" for k in ALL)), _dropout),
    "PReLU": _prelu,
}
