"""Layers that only compute, such as pooling, reshaping and merging, as Flax NNX source."""

from collections.abc import Mapping

from repair.architecture.formats.nnx.writers import ALL, LayerCall, NNXCode, Writer, activate, ranks
from repair.errors import InputError


def _pool(q: LayerCall) -> NNXCode:
    kind = "max" if q.layer.type.startswith("Max") else "avg"
    strides = q.a["strides"] or q.a["pool_size"]
    padding = "" if q.a["padding"] == "valid" else ", padding='SAME'"
    whole = ", count_include_pad=False" if padding and kind == "avg" else ""
    return NNXCode(
        f"nnx.{kind}_pool({q.x[0]}, {q.a['pool_size']}, strides={strides}{padding}{whole})"
    )


def _global_pool(q: LayerCall) -> NNXCode:
    kind = "max" if "Max" in q.layer.type else "mean"
    keep = ", keepdims=True" if q.a["keepdims"] else ""
    axes = tuple(range(1, len(q.shapes[0]) - 1))
    return NNXCode(f"{q.x[0]}.{kind}(axis={axes}{keep})")


def _flatten(q: LayerCall) -> NNXCode:
    return NNXCode(f"{q.x[0]}.reshape({q.x[0]}.shape[0], -1)")


def _reshape(q: LayerCall) -> NNXCode:
    sizes = ", ".join(map(str, q.a["target_shape"]))
    return NNXCode(f"{q.x[0]}.reshape({q.x[0]}.shape[0], {sizes})")


def _permute(q: LayerCall) -> NNXCode:
    return NNXCode(f"{q.x[0]}.transpose({', '.join(map(str, (0, *q.a['dims'])))})")


def _repeat(q: LayerCall) -> NNXCode:
    return NNXCode(f"jnp.repeat({q.x[0]}[:, None], {q.a['n']}, axis=1)")


def _crop(q: LayerCall) -> NNXCode:
    pairs = zip(q.a["cropping"], q.shapes[0][1:-1], strict=True)
    cuts = [f"{b or ''}:{'' if not e else -e}" for (b, e), _ in pairs]
    return NNXCode(f"{q.x[0]}[:, {', '.join(cuts)}]")


def _pad(q: LayerCall) -> NNXCode:
    return NNXCode(f"jnp.pad({q.x[0]}, {((0, 0), *q.a['padding'], (0, 0))})")


def _upsample(q: LayerCall) -> NNXCode:
    if q.a.get("interpolation", "nearest") != "nearest":
        raise InputError("UpSampling2D is written for NNX with interpolation='nearest' only.")
    x = q.x[0]
    for axis, factor in enumerate(q.a["size"], 1):
        x = f"jnp.repeat({x}, {factor}, axis={axis})" if factor > 1 else x
    return NNXCode(x)


def _resize(q: LayerCall) -> NNXCode:
    x, size = q.x[0], (q.a["height"], q.a["width"])
    if q.a["interpolation"] not in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
        raise InputError(f"jax.image has no interpolation {q.a['interpolation']!r}.")
    kind = {"bilinear": "linear", "bicubic": "cubic"}.get(q.a["interpolation"])
    return NNXCode(
        f"jax.image.resize({x}, ({x}.shape[0], {size[0]}, {size[1]}, {x}.shape[-1]), "
        f"{kind or q.a['interpolation']!r})"
    )


def _unit(q: LayerCall) -> NNXCode:
    x, axis = q.x[0], q.a["axis"]
    return NNXCode(f"{x} / jnp.maximum(jnp.linalg.norm({x}, axis={axis}, keepdims=True), 1e-6)")


def _activation(q: LayerCall) -> NNXCode:
    return NNXCode(activate(str(q.a["activation"]), q.x[0]))


def _softmax(q: LayerCall) -> NNXCode:
    return NNXCode(f"jax.nn.softmax({q.x[0]}, axis={q.a['axis']})")


def _relu(q: LayerCall) -> NNXCode:
    x, a = q.x[0], q.a
    if a["threshold"] or a["negative_slope"]:
        top = f"jnp.minimum({x}, {a['max_value']})" if a["max_value"] is not None else x
        t, slope = a["threshold"] or 0.0, a["negative_slope"] or 0.0
        return NNXCode(f"jnp.where({x} >= {t}, {top}, {slope} * ({x} - {t}))")
    return NNXCode(
        f"jnp.clip({x}, 0.0, {a['max_value']})"
        if a["max_value"] is not None
        else f"jax.nn.relu({x})"
    )


def _merged(q: LayerCall) -> NNXCode:
    rank = max(map(len, q.shapes))
    xs = []
    for x, shape in zip(q.x, q.shapes, strict=True):
        # Keras broadcasts after the batch axis, NumPy from the last axis on
        missing = rank - len(shape)
        xs.append(f"{x}[:, {', '.join(['None'] * missing)}]" if missing else x)
    kind = q.layer.type
    if kind in ("Add", "Subtract", "Multiply"):
        return NNXCode({"Add": " + ", "Subtract": " - ", "Multiply": " * "}[kind].join(xs))
    if kind == "Average":
        return NNXCode(f"({' + '.join(xs)}) / {len(xs)}")
    whole = xs[0]
    for x in xs[1:]:
        whole = f"jnp.{kind.lower()}({whole}, {x})"
    return NNXCode(whole)


def _concatenate(q: LayerCall) -> NNXCode:
    return NNXCode(f"jnp.concatenate([{', '.join(q.x)}], axis={q.a['axis']})")


def _dot(q: LayerCall) -> NNXCode:
    axes = q.a["axes"] * 2 if len(q.a["axes"]) == 1 else q.a["axes"]
    if q.a["normalize"]:
        raise InputError("Dot with normalize=True is not written for NNX: choose --to keras.")
    i, j = (axis % len(shape) - 1 for axis, shape in zip(axes, q.shapes, strict=True))
    call = f"jax.vmap(lambda a, b: jnp.tensordot(a, b, axes=({i}, {j})))({q.x[0]}, {q.x[1]})"
    flat = len(q.shapes[0]) == len(q.shapes[1]) == 2
    return NNXCode(call + "[:, None]" if flat else call)


def _rescale(q: LayerCall) -> NNXCode:
    return NNXCode(f"{q.x[0]} * {q.a['scale']} + {q.a['offset']}")


def _same(q: LayerCall) -> NNXCode:
    return NNXCode(q.x[0])


COMPUTED: Mapping[str, Writer] = {
    **ranks("MaxPooling", ALL, _pool),
    **ranks("AveragePooling", ALL, _pool),
    **ranks("GlobalMaxPooling", ALL, _global_pool),
    **ranks("GlobalAveragePooling", ALL, _global_pool),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat,
    **ranks("Cropping", ALL, _crop),
    **ranks("ZeroPadding", ALL, _pad),
    **ranks("UpSampling", ALL, _upsample),
    "Resizing": _resize,
    "UnitNormalization": _unit,
    "Activation": _activation,
    "Softmax": _softmax,
    "ReLU": _relu,
    "LeakyReLU": lambda q: NNXCode(f"jax.nn.leaky_relu({q.x[0]}, {q.a['negative_slope']})"),
    "ELU": lambda q: NNXCode(f"jax.nn.elu({q.x[0]}, {q.a['alpha']})"),
    "ThresholdedReLU": lambda q: NNXCode(f"jnp.where({q.x[0]} > {q.a['theta']}, {q.x[0]}, 0.0)"),
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _merged),
    "Concatenate": _concatenate,
    "Dot": _dot,
    "Rescaling": _rescale,
    **dict.fromkeys(("Identity", "ActivityRegularization"), _same),
}
