"""Layers that keep something, weights or a random stream, as Flax NNX source."""

from collections.abc import Mapping

from repair.architecture.formats.nnx.writers import ALL, LayerCall, NNXCode, Writer, ranks
from repair.errors import InputError


def _linear(q: LayerCall) -> NNXCode:
    wide, bias = q.shapes[0][-1], "" if q.a["use_bias"] else ", use_bias=False"
    return NNXCode(
        f"{q.me}({q.x[0]})", {"": f"nnx.Linear({wide}, {q.a['units']}{bias}, rngs=rngs)"}
    )


def _convolution(q: LayerCall) -> NNXCode:
    channels = q.shapes[0][-1] or 1
    deep = channels * q.a.get("depth_multiplier", 1)
    depthwise = q.layer.type.startswith(("Depthwise", "Separable"))
    bias = q.a["use_bias"] and not q.layer.type.startswith("Separable")
    first = _conv(
        q, deep if depthwise else q.a["filters"], channels if depthwise else q.a["groups"], bias
    )
    if not q.layer.type.startswith("Separable"):
        return NNXCode(f"{q.me}({q.x[0]})", {"": first})
    ones = (1,) * len(q.a["kernel_size"])
    bias = "" if q.a["use_bias"] else ", use_bias=False"
    second = f"nnx.Conv({deep}, {q.a['filters']}, {ones}{bias}, rngs=rngs)"
    return NNXCode(f"{q.me}_point({q.me}({q.x[0]}))", {"": first, "_point": second})


def _conv(q: LayerCall, filters: int, groups: int, bias: bool) -> str:
    a = q.a
    parts = [str(q.shapes[0][-1]), str(filters), f"kernel_size={a['kernel_size']}"]
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


def _transposed(q: LayerCall) -> NNXCode:
    a = q.a
    if a["output_padding"] is not None or set(a["dilation_rate"]) != {1}:
        raise InputError(
            "nnx.ConvTranspose has no output_padding and other dilation: choose keras."
        )
    bias = "" if a["use_bias"] else ", use_bias=False"
    init = (
        f"nnx.ConvTranspose({q.shapes[0][-1]}, {a['filters']}, kernel_size={a['kernel_size']}, "
        f"strides={a['strides']}, padding={a['padding'].upper()!r}{bias}, rngs=rngs)"
    )
    return NNXCode(f"{q.me}({q.x[0]})", {"": init})


def _embed(q: LayerCall) -> NNXCode:
    init = f"nnx.Embed({q.a['input_dim']}, {q.a['output_dim']}, rngs=rngs)"
    return NNXCode(f"{q.me}({q.x[0]}.astype(jnp.int32))", {"": init})


def _normalize(q: LayerCall) -> NNXCode:
    axis = q.a["axis"]
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    if axis not in (-1, len(q.shapes[0]) - 1):
        raise InputError(f"{q.layer.type} is written for NNX on the last axis only.")
    kind = q.layer.type.removesuffix("alization")
    extra = f", num_groups={_groups(q)}" if kind == "GroupNorm" else ""
    extra += f", epsilon={q.a['epsilon']}"
    extra += "" if q.a["center"] else ", use_bias=False"
    extra += "" if q.a["scale"] else ", use_scale=False"
    return NNXCode(f"{q.me}({q.x[0]})", {"": f"nnx.{kind}({q.shapes[0][-1]}{extra}, rngs=rngs)"})


def _groups(q: LayerCall) -> int:
    return int(q.a["groups"] if q.a["groups"] > 0 else q.shapes[0][-1] or 1)


def _dropout(q: LayerCall) -> NNXCode:
    rank = len(q.shapes[0]) - 2
    shared = "" if q.layer.type == "Dropout" else f", broadcast_dims={tuple(range(1, rank + 1))}"
    return NNXCode(f"{q.me}({q.x[0]})", {"": f"nnx.Dropout({q.a['rate']}{shared}, rngs=rngs)"})


def _prelu(q: LayerCall) -> NNXCode:
    shared = q.a["shared_axes"] or ()
    sizes = tuple(1 if k in shared else s for k, s in enumerate(q.shapes[0][1:], 1))
    x = q.x[0]
    return NNXCode(
        f"jnp.where({x} > 0, {x}, {q.me}[...] * {x})", {"": f"nnx.Param(jnp.zeros({sizes}))"}
    )


WEIGHTED: Mapping[str, Writer] = {
    "Dense": _linear,
    **ranks("Conv", ALL, _convolution),
    **ranks("DepthwiseConv", (1, 2), _convolution),
    **ranks("SeparableConv", (1, 2), _convolution),
    **ranks("Conv", ALL, _transposed, "Transpose"),
    "Embedding": _embed,
    **dict.fromkeys(("BatchNormalization", "LayerNormalization", "GroupNormalization"), _normalize),
    **dict.fromkeys(("Dropout", *(f"SpatialDropout{k}D" for k in ALL)), _dropout),
    "PReLU": _prelu,
}
