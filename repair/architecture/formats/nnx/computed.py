"""Layers that only compute, such as pooling, reshaping and merging, as Flax NNX source."""

from collections.abc import Mapping

from repair.architecture.formats.nnx.writers import (
    ALL,
    LayerToWrite,
    NNXCode,
    Writer,
    activated,
    for_ranks,
)
from repair.errors import InputError


def _pool(layer: LayerToWrite) -> NNXCode:
    kind = "max" if layer.spec.type.startswith("Max") else "avg"
    strides = layer.a["strides"] or layer.a["pool_size"]
    padding = "" if layer.a["padding"] == "valid" else ", padding='SAME'"
    whole = ", count_include_pad=False" if padding and kind == "avg" else ""
    return NNXCode(
        f"nnx.{kind}_pool({layer.x[0]}, {layer.a['pool_size']}, strides={strides}{padding}{whole})"
    )


def _global_pool(layer: LayerToWrite) -> NNXCode:
    kind = "max" if "Max" in layer.spec.type else "mean"
    keep = ", keepdims=True" if layer.a["keepdims"] else ""
    axes = tuple(range(1, len(layer.shapes[0]) - 1))
    return NNXCode(f"{layer.x[0]}.{kind}(axis={axes}{keep})")


def _flatten(layer: LayerToWrite) -> NNXCode:
    return NNXCode(f"{layer.x[0]}.reshape({layer.x[0]}.shape[0], -1)")


def _reshape(layer: LayerToWrite) -> NNXCode:
    sizes = ", ".join(map(str, layer.a["target_shape"]))
    return NNXCode(f"{layer.x[0]}.reshape({layer.x[0]}.shape[0], {sizes})")


def _permute(layer: LayerToWrite) -> NNXCode:
    return NNXCode(f"{layer.x[0]}.transpose({', '.join(map(str, (0, *layer.a['dims'])))})")


def _repeat(layer: LayerToWrite) -> NNXCode:
    return NNXCode(f"jnp.repeat({layer.x[0]}[:, None], {layer.a['n']}, axis=1)")


def _crop(layer: LayerToWrite) -> NNXCode:
    pairs = zip(layer.a["cropping"], layer.shapes[0][1:-1], strict=True)
    cuts = [f"{b or ''}:{'' if not e else -e}" for (b, e), _ in pairs]
    return NNXCode(f"{layer.x[0]}[:, {', '.join(cuts)}]")


def _pad(layer: LayerToWrite) -> NNXCode:
    return NNXCode(f"jnp.pad({layer.x[0]}, {((0, 0), *layer.a['padding'], (0, 0))})")


def _upsample(layer: LayerToWrite) -> NNXCode:
    if layer.a.get("interpolation", "nearest") != "nearest":
        raise InputError("UpSampling2D is written for NNX with interpolation='nearest' only.")
    x = layer.x[0]
    for axis, factor in enumerate(layer.a["size"], 1):
        x = f"jnp.repeat({x}, {factor}, axis={axis})" if factor > 1 else x
    return NNXCode(x)


def _resize(layer: LayerToWrite) -> NNXCode:
    x, size = layer.x[0], (layer.a["height"], layer.a["width"])
    if layer.a["interpolation"] not in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
        raise InputError(f"jax.image has no interpolation {layer.a['interpolation']!r}.")
    kind = {"bilinear": "linear", "bicubic": "cubic"}.get(layer.a["interpolation"])
    return NNXCode(
        f"jax.image.resize({x}, ({x}.shape[0], {size[0]}, {size[1]}, {x}.shape[-1]), "
        f"{kind or layer.a['interpolation']!r})"
    )


def _unit(layer: LayerToWrite) -> NNXCode:
    x, axis = layer.x[0], layer.a["axis"]
    return NNXCode(f"{x} / jnp.maximum(jnp.linalg.norm({x}, axis={axis}, keepdims=True), 1e-6)")


def _activation(layer: LayerToWrite) -> NNXCode:
    return NNXCode(activated(str(layer.a["activation"]), layer.x[0]))


def _softmax(layer: LayerToWrite) -> NNXCode:
    return NNXCode(f"jax.nn.softmax({layer.x[0]}, axis={layer.a['axis']})")


def _relu(layer: LayerToWrite) -> NNXCode:
    x, a = layer.x[0], layer.a
    if a["threshold"] or a["negative_slope"]:
        top = f"jnp.minimum({x}, {a['max_value']})" if a["max_value"] is not None else x
        t, slope = a["threshold"] or 0.0, a["negative_slope"] or 0.0
        return NNXCode(f"jnp.where({x} >= {t}, {top}, {slope} * ({x} - {t}))")
    return NNXCode(
        f"jnp.clip({x}, 0.0, {a['max_value']})"
        if a["max_value"] is not None
        else f"jax.nn.relu({x})"
    )


def _merged(layer: LayerToWrite) -> NNXCode:
    rank = max(map(len, layer.shapes))
    xs = []
    for x, shape in zip(layer.x, layer.shapes, strict=True):
        # Keras broadcasts after the batch axis, NumPy from the last axis on
        missing = rank - len(shape)
        xs.append(f"{x}[:, {', '.join(['None'] * missing)}]" if missing else x)
    kind = layer.spec.type
    if kind in ("Add", "Subtract", "Multiply"):
        return NNXCode({"Add": " + ", "Subtract": " - ", "Multiply": " * "}[kind].join(xs))
    if kind == "Average":
        return NNXCode(f"({' + '.join(xs)}) / {len(xs)}")
    whole = xs[0]
    for x in xs[1:]:
        whole = f"jnp.{kind.lower()}({whole}, {x})"
    return NNXCode(whole)


def _concatenate(layer: LayerToWrite) -> NNXCode:
    return NNXCode(f"jnp.concatenate([{', '.join(layer.x)}], axis={layer.a['axis']})")


def _dot(layer: LayerToWrite) -> NNXCode:
    axes = layer.a["axes"] * 2 if len(layer.a["axes"]) == 1 else layer.a["axes"]
    if layer.a["normalize"]:
        raise InputError("Dot with normalize=True is not written for NNX: choose --to keras.")
    i, j = (axis % len(shape) - 1 for axis, shape in zip(axes, layer.shapes, strict=True))
    call = (
        f"jax.vmap(lambda a, b: jnp.tensordot(a, b, axes=({i}, {j})))({layer.x[0]}, {layer.x[1]})"
    )
    flat = len(layer.shapes[0]) == len(layer.shapes[1]) == 2
    return NNXCode(call + "[:, None]" if flat else call)


def _rescale(layer: LayerToWrite) -> NNXCode:
    return NNXCode(f"{layer.x[0]} * {layer.a['scale']} + {layer.a['offset']}")


def _same(layer: LayerToWrite) -> NNXCode:
    return NNXCode(layer.x[0])


COMPUTED: Mapping[str, Writer] = {
    **for_ranks("MaxPooling", ALL, _pool),
    **for_ranks("AveragePooling", ALL, _pool),
    **for_ranks("GlobalMaxPooling", ALL, _global_pool),
    **for_ranks("GlobalAveragePooling", ALL, _global_pool),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat,
    **for_ranks("Cropping", ALL, _crop),
    **for_ranks("ZeroPadding", ALL, _pad),
    **for_ranks("UpSampling", ALL, _upsample),
    "Resizing": _resize,
    "UnitNormalization": _unit,
    "Activation": _activation,
    "Softmax": _softmax,
    "ReLU": _relu,
    "LeakyReLU": lambda layer: NNXCode(
        f"jax.nn.leaky_relu({layer.x[0]}, {layer.a['negative_slope']})"
    ),
    "ELU": lambda layer: NNXCode(f"jax.nn.elu({layer.x[0]}, {layer.a['alpha']})"),
    "ThresholdedReLU": lambda layer: NNXCode(
        f"jnp.where({layer.x[0]} > {layer.a['theta']}, {layer.x[0]}, 0.0)"
    ),
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _merged),
    "Concatenate": _concatenate,
    "Dot": _dot,
    "Rescaling": _rescale,
    **dict.fromkeys(("Identity", "ActivityRegularization"), _same),
}
