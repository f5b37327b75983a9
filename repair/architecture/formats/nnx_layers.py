"""Layers as Flax NNX source: what __init__ constructs and what __call__ computes.

Follows Keras's semantics with channels last; activations are not written here. Layers that NNX has
no counterpart for are refused by name.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from repair.architecture.errors import Fault
from repair.architecture.layer import Layer, Shape
from repair.architecture.layers import settled
from repair.errors import InputError


class Code(NamedTuple):
    """Source of one layer.

    Args:
        call: the expression of its output.
        init: right-hand sides of the attributes that it needs, by suffix of the attribute's name.
    """

    call: str
    init: Mapping[str, str] = {}


class Ask(NamedTuple):
    """What is to be written: arguments in normal form, input shapes, input expressions, attribute."""

    a: Mapping[str, Any]
    shapes: tuple[Shape, ...]
    x: tuple[str, ...]
    me: str
    layer: Layer


Writer = Callable[[Ask], Code]


def nnx_code(layer: Layer, shapes: tuple[Shape, ...], inputs: tuple[str, ...], me: str) -> Code:
    """The source of a layer, its own activation included.

    Args:
        layer: a layer that accepts the shapes.
        shapes: of its inputs, batch first.
        inputs: expressions of its inputs.
        me: the attribute for what it keeps, such as "self.dense".

    Raises:
        InputError: NNX has no counterpart of the layer, or of one of its arguments.
    """
    arguments = settled(layer)
    if isinstance(arguments, Fault):
        raise InputError(f"{layer.type} {arguments.text}.")
    writer = WRITERS.get(layer.type)
    if writer is None or arguments.get("data_format") == "channels_first":
        what = f"{layer.type} with channels first" if writer else layer.type
        raise InputError(f"Flax NNX has no counterpart of {what}: choose --to keras.")
    code = writer(Ask(arguments, shapes, inputs, me, layer))
    applies = layer.type not in ("Activation", "SimpleRNN", "LSTM", "GRU")
    if applies and arguments.get("activation") not in (None, "linear"):
        return code._replace(call=activate(str(arguments["activation"]), code.call))
    return code


ACTIVATIONS: Mapping[str, str] = {
    "exponential": "jnp.exp({x})",
    "softsign": "jax.nn.soft_sign({x})",
    "hard_silu": "jax.nn.hard_silu({x})",
    "tanh_shrink": "({x} - jnp.tanh({x}))",
    "linear": "{x}",
    **{
        name: "jax.nn." + name + "({x})"
        for name in (
            "relu",
            "relu6",
            "leaky_relu",
            "elu",
            "celu",
            "selu",
            "gelu",
            "glu",
            "silu",
            "swish",
            "hard_swish",
            "softmax",
            "log_softmax",
            "softplus",
            "tanh",
            "hard_tanh",
            "sigmoid",
            "log_sigmoid",
            "hard_sigmoid",
            "mish",
            "squareplus",
            "sparse_plus",
            "sparse_sigmoid",
        )
    },
}


def activate(name: str, x: str) -> str:
    """The expression of an activation of x."""
    if name not in ACTIVATIONS:
        raise InputError(f"JAX has no activation {name!r}: choose --to keras.")
    return ACTIVATIONS[name].format(x=x)


def _linear(q: Ask) -> Code:
    wide, bias = q.shapes[0][-1], "" if q.a["use_bias"] else ", use_bias=False"
    return Code(f"{q.me}({q.x[0]})", {"": f"nnx.Linear({wide}, {q.a['units']}{bias}, rngs=rngs)"})


def _convolution(q: Ask) -> Code:
    channels = q.shapes[0][-1] or 1
    deep = channels * q.a.get("depth_multiplier", 1)
    depthwise = q.layer.type.startswith(("Depthwise", "Separable"))
    bias = q.a["use_bias"] and not q.layer.type.startswith("Separable")
    first = _conv(
        q, deep if depthwise else q.a["filters"], channels if depthwise else q.a["groups"], bias
    )
    if not q.layer.type.startswith("Separable"):
        return Code(f"{q.me}({q.x[0]})", {"": first})
    ones = (1,) * len(q.a["kernel_size"])
    bias = "" if q.a["use_bias"] else ", use_bias=False"
    second = f"nnx.Conv({deep}, {q.a['filters']}, {ones}{bias}, rngs=rngs)"
    return Code(f"{q.me}_point({q.me}({q.x[0]}))", {"": first, "_point": second})


def _conv(q: Ask, filters: int, groups: int, bias: bool) -> str:
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


def _transposed(q: Ask) -> Code:
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
    return Code(f"{q.me}({q.x[0]})", {"": init})


def _pool(q: Ask) -> Code:
    kind = "max" if q.layer.type.startswith("Max") else "avg"
    strides = q.a["strides"] or q.a["pool_size"]
    padding = "" if q.a["padding"] == "valid" else ", padding='SAME'"
    whole = ", count_include_pad=False" if padding and kind == "avg" else ""
    return Code(f"nnx.{kind}_pool({q.x[0]}, {q.a['pool_size']}, strides={strides}{padding}{whole})")


def _global_pool(q: Ask) -> Code:
    kind = "max" if "Max" in q.layer.type else "mean"
    keep = ", keepdims=True" if q.a["keepdims"] else ""
    axes = tuple(range(1, len(q.shapes[0]) - 1))
    return Code(f"{q.x[0]}.{kind}(axis={axes}{keep})")


def _flatten(q: Ask) -> Code:
    return Code(f"{q.x[0]}.reshape({_root(q.x[0])}.shape[0], -1)")


def _reshape(q: Ask) -> Code:
    sizes = ", ".join(map(str, q.a["target_shape"]))
    return Code(f"{q.x[0]}.reshape({_root(q.x[0])}.shape[0], {sizes})")


def _root(x: str) -> str:
    """The expression itself: a name, or what may be computed twice."""
    return x


def _permute(q: Ask) -> Code:
    return Code(f"{q.x[0]}.transpose({', '.join(map(str, (0, *q.a['dims'])))})")


def _repeat(q: Ask) -> Code:
    return Code(f"jnp.repeat({q.x[0]}[:, None], {q.a['n']}, axis=1)")


def _crop(q: Ask) -> Code:
    pairs = zip(q.a["cropping"], q.shapes[0][1:-1], strict=True)
    cuts = [f"{b or ''}:{'' if not e else -e}" for (b, e), _ in pairs]
    return Code(f"{q.x[0]}[:, {', '.join(cuts)}]")


def _pad(q: Ask) -> Code:
    return Code(f"jnp.pad({q.x[0]}, {((0, 0), *q.a['padding'], (0, 0))})")


def _upsample(q: Ask) -> Code:
    if q.a.get("interpolation", "nearest") != "nearest":
        raise InputError("UpSampling2D is written for NNX with interpolation='nearest' only.")
    x = q.x[0]
    for axis, factor in enumerate(q.a["size"], 1):
        x = f"jnp.repeat({x}, {factor}, axis={axis})" if factor > 1 else x
    return Code(x)


def _resize(q: Ask) -> Code:
    x, size = q.x[0], (q.a["height"], q.a["width"])
    if q.a["interpolation"] not in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
        raise InputError(f"jax.image has no interpolation {q.a['interpolation']!r}.")
    kind = {"bilinear": "linear", "bicubic": "cubic"}.get(q.a["interpolation"])
    return Code(
        f"jax.image.resize({x}, ({x}.shape[0], {size[0]}, {size[1]}, {x}.shape[-1]), "
        f"{kind or q.a['interpolation']!r})"
    )


def _embed(q: Ask) -> Code:
    init = f"nnx.Embed({q.a['input_dim']}, {q.a['output_dim']}, rngs=rngs)"
    return Code(f"{q.me}({q.x[0]}.astype(jnp.int32))", {"": init})


def _normalize(q: Ask) -> Code:
    axis = q.a["axis"]
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    if axis not in (-1, len(q.shapes[0]) - 1):
        raise InputError(f"{q.layer.type} is written for NNX on the last axis only.")
    kind = q.layer.type.removesuffix("alization")
    extra = f", num_groups={_groups(q)}" if kind == "GroupNorm" else ""
    extra += f", epsilon={q.a['epsilon']}"
    extra += "" if q.a["center"] else ", use_bias=False"
    extra += "" if q.a["scale"] else ", use_scale=False"
    return Code(f"{q.me}({q.x[0]})", {"": f"nnx.{kind}({q.shapes[0][-1]}{extra}, rngs=rngs)"})


def _groups(q: Ask) -> int:
    return int(q.a["groups"] if q.a["groups"] > 0 else q.shapes[0][-1] or 1)


def _unit(q: Ask) -> Code:
    x, axis = q.x[0], q.a["axis"]
    return Code(f"{x} / jnp.maximum(jnp.linalg.norm({x}, axis={axis}, keepdims=True), 1e-6)")


def _dropout(q: Ask) -> Code:
    rank = len(q.shapes[0]) - 2
    shared = "" if q.layer.type == "Dropout" else f", broadcast_dims={tuple(range(1, rank + 1))}"
    return Code(f"{q.me}({q.x[0]})", {"": f"nnx.Dropout({q.a['rate']}{shared}, rngs=rngs)"})


def _activation(q: Ask) -> Code:
    return Code(activate(str(q.a["activation"]), q.x[0]))


def _softmax(q: Ask) -> Code:
    return Code(f"jax.nn.softmax({q.x[0]}, axis={q.a['axis']})")


def _relu(q: Ask) -> Code:
    x, a = q.x[0], q.a
    if a["threshold"] or a["negative_slope"]:
        top = f"jnp.minimum({x}, {a['max_value']})" if a["max_value"] is not None else x
        t, slope = a["threshold"] or 0.0, a["negative_slope"] or 0.0
        return Code(f"jnp.where({x} >= {t}, {top}, {slope} * ({x} - {t}))")
    return Code(f"jnp.clip({x}, 0.0, {a['max_value']})" if a["max_value"] is not None
                else f"jax.nn.relu({x})")  # fmt: skip


def _prelu(q: Ask) -> Code:
    shared = q.a["shared_axes"] or ()
    sizes = tuple(1 if k in shared else s for k, s in enumerate(q.shapes[0][1:], 1))
    x = q.x[0]
    return Code(
        f"jnp.where({x} > 0, {x}, {q.me}[...] * {x})", {"": f"nnx.Param(jnp.zeros({sizes}))"}
    )


def _merged(q: Ask) -> Code:
    rank = max(map(len, q.shapes))
    xs = []
    for x, shape in zip(q.x, q.shapes, strict=True):
        # Keras broadcasts after the batch axis, NumPy from the last axis on
        missing = rank - len(shape)
        xs.append(f"{x}[:, {', '.join(['None'] * missing)}]" if missing else x)
    kind = q.layer.type
    if kind in ("Add", "Subtract", "Multiply"):
        return Code({"Add": " + ", "Subtract": " - ", "Multiply": " * "}[kind].join(xs))
    if kind == "Average":
        return Code(f"({' + '.join(xs)}) / {len(xs)}")
    whole = xs[0]
    for x in xs[1:]:
        whole = f"jnp.{kind.lower()}({whole}, {x})"
    return Code(whole)


def _concatenate(q: Ask) -> Code:
    return Code(f"jnp.concatenate([{', '.join(q.x)}], axis={q.a['axis']})")


def _dot(q: Ask) -> Code:
    axes = q.a["axes"] * 2 if len(q.a["axes"]) == 1 else q.a["axes"]
    if q.a["normalize"]:
        raise InputError("Dot with normalize=True is not written for NNX: choose --to keras.")
    i, j = (axis % len(shape) - 1 for axis, shape in zip(axes, q.shapes, strict=True))
    call = f"jax.vmap(lambda a, b: jnp.tensordot(a, b, axes=({i}, {j})))({q.x[0]}, {q.x[1]})"
    flat = len(q.shapes[0]) == len(q.shapes[1]) == 2
    return Code(call + "[:, None]" if flat else call)


def _recurrent(q: Ask) -> Code:
    cell = {"SimpleRNN": "SimpleCell", "LSTM": "LSTMCell", "GRU": "GRUCell"}[q.layer.type]
    usual = {"activation": "tanh"} | (
        {} if q.layer.type == "SimpleRNN" else {"recurrent_activation": "sigmoid"}
    )
    odd = [name for name, value in usual.items() if q.a[name] != value]
    if q.a["return_state"] or odd or len(q.x) > 1:
        what = odd[0] if odd else "return_state" if q.a["return_state"] else "initial states"
        raise InputError(f"{q.layer.type} with {what} is not written for NNX: choose --to keras.")
    reverse = ", reverse=True" if q.a["go_backwards"] else ""
    init = f"nnx.RNN(nnx.{cell}({q.shapes[0][-1]}, {q.a['units']}, rngs=rngs){reverse})"
    return Code(f"{q.me}({q.x[0]})" + ("" if q.a["return_sequences"] else "[:, -1]"), {"": init})


def _bidirectional(q: Ask) -> Code:
    forward = q.layer.inner[0]
    if forward.type not in ("SimpleRNN", "LSTM", "GRU") or len(q.layer.inner) > 1:
        raise InputError(f"Bidirectional around {forward.type} is not written for NNX.")
    if q.a["merge_mode"] is None:
        raise InputError("Bidirectional with merge_mode=None is not written for NNX.")
    ahead = nnx_code(forward, q.shapes, q.x, q.me)
    back = nnx_code(forward.change(go_backwards=True), q.shapes, q.x, q.me + "_back")
    turned = "[:, ::-1]" if forward.arguments.get("return_sequences") else ""
    both = (ahead.call, back.call + turned)
    merged = {
        "concat": f"jnp.concatenate([{both[0]}, {both[1]}], axis=-1)",
        "sum": f"{both[0]} + {both[1]}",
        "mul": f"{both[0]} * {both[1]}",
        "ave": f"({both[0]} + {both[1]}) / 2",
    }[q.a["merge_mode"]]
    return Code(merged, {"": ahead.init[""], "_back": back.init[""]})


def _distributed(q: Ask) -> Code:
    shape = q.shapes[0]
    inner = nnx_code(q.layer.inner[0], ((None, *shape[2:]),), ("step",), q.me)
    if inner.init.keys() - {""}:
        raise InputError(f"TimeDistributed around {q.layer.inner[0].type} is not written for NNX.")
    return Code(f"jax.vmap(lambda step: {inner.call}, 1, 1)({q.x[0]})", inner.init)


def _attention(q: Ask) -> Code:
    a = q.a
    odd = a["value_dim"] not in (None, a["key_dim"]) or a["attention_axes"] not in (None, (1,))
    query, value, key = (*q.shapes, q.shapes[1])[:3]
    if odd or a["output_shape"] is not None or len(query) != 3 or value[-1] != key[-1]:
        raise InputError("MultiHeadAttention with these arguments is not written for NNX.")
    bias = "" if a["use_bias"] else ", use_bias=False"
    init = (
        f"nnx.MultiHeadAttention({a['num_heads']}, {query[-1]}, {a['num_heads'] * a['key_dim']}, "
        f"{query[-1]}, in_kv_features={value[-1]}{bias}, decode=False, rngs=rngs)"
    )
    xs = (q.x[0], q.x[2] if len(q.x) > 2 else q.x[1], q.x[1])
    return Code(f"{q.me}({', '.join(xs)})", {"": init})


def _rescale(q: Ask) -> Code:
    return Code(f"{q.x[0]} * {q.a['scale']} + {q.a['offset']}")


def _same(q: Ask) -> Code:
    return Code(q.x[0])


def _ranks(stem: str, ranks: tuple[int, ...], writer: Writer, end: str = "") -> dict[str, Writer]:
    return {f"{stem}{rank}D{end}": writer for rank in ranks}


ALL = (1, 2, 3)
WRITERS: Mapping[str, Writer] = {
    "Dense": _linear,
    **_ranks("Conv", ALL, _convolution),
    **_ranks("DepthwiseConv", (1, 2), _convolution),
    **_ranks("SeparableConv", (1, 2), _convolution),
    **_ranks("Conv", ALL, _transposed, "Transpose"),
    **_ranks("MaxPooling", ALL, _pool),
    **_ranks("AveragePooling", ALL, _pool),
    **_ranks("GlobalMaxPooling", ALL, _global_pool),
    **_ranks("GlobalAveragePooling", ALL, _global_pool),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat,
    **_ranks("Cropping", ALL, _crop),
    **_ranks("ZeroPadding", ALL, _pad),
    **_ranks("UpSampling", ALL, _upsample),
    "Resizing": _resize,
    "Embedding": _embed,
    **dict.fromkeys(("BatchNormalization", "LayerNormalization", "GroupNormalization"), _normalize),
    "UnitNormalization": _unit,
    **dict.fromkeys(("Dropout", *(f"SpatialDropout{k}D" for k in ALL)), _dropout),
    "Activation": _activation,
    "Softmax": _softmax,
    "ReLU": _relu,
    "LeakyReLU": lambda q: Code(f"jax.nn.leaky_relu({q.x[0]}, {q.a['negative_slope']})"),
    "ELU": lambda q: Code(f"jax.nn.elu({q.x[0]}, {q.a['alpha']})"),
    "ThresholdedReLU": lambda q: Code(f"jnp.where({q.x[0]} > {q.a['theta']}, {q.x[0]}, 0.0)"),
    "PReLU": _prelu,
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _merged),
    "Concatenate": _concatenate,
    "Dot": _dot,
    **dict.fromkeys(("SimpleRNN", "LSTM", "GRU"), _recurrent),
    "Bidirectional": _bidirectional,
    "TimeDistributed": _distributed,
    "MultiHeadAttention": _attention,
    "Rescaling": _rescale,
    **dict.fromkeys(("Identity", "ActivityRegularization"), _same),
}
