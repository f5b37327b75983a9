"""Normalisation, activations as layers, and spatial dropout: layers that keep the shape."""

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import Shape
from repair.architecture.layers.arguments import (
    ACTIVATIONS,
    DATA_FORMAT,
    Argument,
    choice,
    flag,
    integer,
    integer_or_integers,
    number,
    optional,
)
from repair.architecture.layers.core import same_shape
from repair.architecture.layers.space import unknown_size, wrong_rank
from repair.architecture.layers.table import Arguments, Inferred, LayerType, Weights
from repair.architecture.rules import Rules


def _axes(a: Arguments, name: str = "axis") -> tuple[int, ...]:
    value = a[name]
    return value if isinstance(value, tuple) else () if value is None else (value,)


def same_shape_with_axes(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    """The shape of the input, which must have the axes."""
    shape = shapes[0]
    for axis in _axes(a):
        if not -len(shape) <= axis < len(shape):
            return Diagnostic(
                ErrorKind.ARGUMENT,
                f"has axis={axis}, which {shape_text(shape)} does not have",
                f"an axis from {-len(shape)} to {len(shape) - 1}",
                shape,
                "axis",
            )
    return shape


def _normalized(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    checked = same_shape_with_axes(a, shapes, rules)
    if isinstance(checked, Diagnostic) or rules.lenient:
        return checked
    if any(shapes[0][axis] is None for axis in _axes(a)):
        return unknown_size(shapes[0], "normalised")
    return checked


def _grouped(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    checked = _normalized(a, shapes, rules)
    if isinstance(checked, Diagnostic):
        return checked
    channels, groups = shapes[0][a["axis"]], a["groups"]
    if groups == 0 or groups < -1 or (channels is not None and groups > 0 and channels % groups):
        return Diagnostic(
            ErrorKind.ARGUMENT,
            f"has groups={groups}, which does not divide its {channels} channels",
            f"groups that divides {channels}, or -1",
            shapes[0],
            "groups",
        )
    return checked


def _last(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    shape, checked = shapes[0], _normalized(a, shapes, rules)
    sizes = () if isinstance(checked, Diagnostic) else tuple(shape[axis] for axis in _axes(a))
    if all(size in (1, None, shape[-1]) for size in sizes):
        return checked
    return Diagnostic(
        ErrorKind.ARGUMENT,
        f"has axis={a['axis']}: Keras 3 scales along the last axis only",
        "axis=-1",
        shape,
        "axis",
    )


def _scaled(*names: str) -> Weights:
    def weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
        shape = tuple(shapes[0][axis] for axis in _axes(a))
        use = {"gamma": a["scale"], "beta": a["center"]}
        return {name: shape for name in names if use.get(name, True)}

    return weights


def _scaled_always(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
    return {"scale": tuple(shapes[0][axis] for axis in _axes(a))}


def _prelu(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    shape = shapes[0]
    shared = a["shared_axes"] or ()
    if any(not 1 <= axis < len(shape) for axis in shared):
        return Diagnostic(
            ErrorKind.ARGUMENT,
            f"has shared_axes={shared}, which {shape_text(shape)} does not have",
            f"axes from 1 to {len(shape) - 1}",
            shape,
            "shared_axes",
        )
    if not rules.lenient and any(
        size is None for axis, size in enumerate(shape) if axis and axis not in shared
    ):
        return unknown_size(shape, "every unshared")
    return shape


def _prelu_weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
    shared = a["shared_axes"] or ()
    sizes = enumerate(shapes[0][1:], 1)
    return {"alpha": tuple(1 if axis in shared else size for axis, size in sizes)}


def _spatial_dropout(rank: int) -> LayerType:
    def infer(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        if len(shape) == rank + 2:
            return shape
        return wrong_rank(shape, rank + 2, (shape[0], *(None,) * rank, shape[-1]))

    formats = {"data_format": DATA_FORMAT} if rank > 1 else {}
    return LayerType(
        f"SpatialDropout{rank}D",
        infer,
        {"rate": Argument(number(0, 1), editable=True)} | formats,
        rank=rank + 2,
        variants={k: f"SpatialDropout{k}D" for k in (1, 2, 3)},
    )


SCALING = {"center": Argument(flag, True), "scale": Argument(flag, True)}
EPSILON = {"epsilon": Argument(number(), 0.001)}

NORMALIZATION = (
    LayerType(
        "BatchNormalization",
        _normalized,
        {
            "axis": Argument(integer, -1, editable=True),
            "momentum": Argument(number(), 0.99),
            **EPSILON,
            **SCALING,
            "renorm": Argument(flag, False),
            "renorm_momentum": Argument(number(), 0.99),
            "synchronized": Argument(flag, False),
        },
        _scaled("gamma", "beta", "moving_mean", "moving_variance"),
    ),
    LayerType(
        "LayerNormalization",
        _normalized,
        {"axis": Argument(integer_or_integers, (-1,), editable=True), **EPSILON, **SCALING},
        _scaled("gamma", "beta"),
    ),
    LayerType(
        "GroupNormalization",
        _grouped,
        {
            "groups": Argument(integer, 32, editable=True),
            "axis": Argument(integer, -1, editable=True),
            **EPSILON,
            **SCALING,
        },
        _scaled("gamma", "beta"),
    ),
    LayerType(
        "RMSNormalization",
        _last,
        {
            "axis": Argument(integer_or_integers, (-1,), editable=True),
            "epsilon": Argument(number(), 1e-6),
        },
        _scaled_always,
    ),
    LayerType(
        "UnitNormalization",
        same_shape_with_axes,
        {"axis": Argument(integer_or_integers, (-1,), editable=True)},
    ),
    LayerType(
        "Activation", same_shape, {"activation": Argument(choice(*ACTIVATIONS), editable=True)}
    ),
    LayerType(
        "Softmax",
        same_shape_with_axes,
        {"axis": Argument(integer_or_integers, (-1,), editable=True)},
        inputs=(1, 2),
    ),
    LayerType(
        "ReLU",
        same_shape,
        {
            "max_value": Argument(optional(number(0)), None),
            "negative_slope": Argument(optional(number(0)), 0.0),
            "threshold": Argument(optional(number(0)), 0.0),
        },
    ),
    LayerType(
        "LeakyReLU",
        same_shape,
        {"negative_slope": Argument(number(0), 0.3), "alpha": Argument(optional(number()), None)},
    ),
    LayerType("ELU", same_shape, {"alpha": Argument(number(), 1.0)}),
    LayerType(
        "PReLU",
        _prelu,
        {"shared_axes": Argument(optional(integer_or_integers), None, True)},
        _prelu_weights,
        weight_kinds=(ErrorKind.INPUT_DIMENSIONS, ErrorKind.ARGUMENT),
    ),
    LayerType("ThresholdedReLU", same_shape, {"theta": Argument(number(), 1.0)}),
    *map(_spatial_dropout, (1, 2, 3)),
)
