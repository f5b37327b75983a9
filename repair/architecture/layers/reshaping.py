"""Layers that rearrange: reshape, flatten, permute, repeat, crop, pad, upsample."""

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import Shape
from repair.architecture.layers.arguments import (
    DATA_FORMAT,
    Argument,
    choice,
    integers,
    margins,
    single_axis,
    size,
    sizes,
)
from repair.architecture.layers.space import (
    in_either_data_format,
    product_of_sizes,
    sum_of_sizes,
    wrong_rank,
)
from repair.architecture.layers.table import Arguments, Inferred, LayerType
from repair.architecture.rules import Rules


def _reshape(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    shape, target = shapes[0], a["target_shape"]
    free = target.count(-1)
    if free > 1:
        return Diagnostic(
            ErrorKind.RESHAPE,
            f"has target_shape={target}: only one size may be -1",
            "at most one -1",
            argument="target_shape",
        )
    have = product_of_sizes(shape[1:])
    want = product_of_sizes(dim for dim in target if dim != -1)
    if have is None or want is None:
        return (shape[0], *(None if dim == -1 else dim for dim in target))
    if free and want and have % want == 0:
        return (shape[0], *(have // want if dim == -1 else dim for dim in target))
    if not free and have == want:
        return (shape[0], *target)
    return Diagnostic(
        ErrorKind.RESHAPE,
        f"cannot turn {shape_text(shape)} of {have} values into target_shape={target} of {want}"
        + (" times a whole number" if free else " values"),
        f"a target_shape of {have} values",
        (shape[0], *(None if dim == -1 else dim for dim in target)),
        "target_shape",
    )


def _flatten(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    return (shapes[0][0], product_of_sizes(shapes[0][1:]))


def _permute(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    shape, dims = shapes[0], a["dims"]
    if sorted(dims) != list(range(1, len(dims) + 1)):
        return Diagnostic(
            ErrorKind.ARGUMENT,
            f"has dims={dims}: expected the numbers 1 to {len(dims)} in some order",
            "a permutation that starts at 1",
            shape,
            "dims",
        )
    if len(shape) != len(dims) + 1:
        return Diagnostic(
            ErrorKind.DIMENSION,
            f"has dims={dims} for {len(dims) + 1} dimensions but gets {shape_text(shape)}",
            f"{len(dims) + 1} dimensions",
            shape[:1] + (None,) * len(dims),
            "dims",
        )
    return (shape[0], *(shape[dim] for dim in dims))


def _repeat(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    shape = shapes[0]
    output = (shape[0], a["n"], shape[-1])
    return output if len(shape) == 2 else wrong_rank(shape, 2, output)


def _crop(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    shape, cropping = shapes[0], a["cropping"]
    if len(shape) != len(cropping) + 2:
        plausible = (shape[0], *(None,) * len(cropping), shape[-1])
        return wrong_rank(shape, len(cropping) + 2, plausible)
    space = tuple(
        sum_of_sizes((dim, -before, -after))
        for dim, (before, after) in zip(shape[1:-1], cropping, strict=True)
    )
    if any(dim is not None and dim < 1 for dim in space):
        return Diagnostic(
            ErrorKind.CROPPING,
            f"crops {cropping} from {shape_text(shape)}, which leaves nothing",
            f"a cropping below {shape_text(shape)}",
            (shape[0], *(1 if dim is not None and dim < 1 else dim for dim in space), shape[-1]),
            "cropping",
        )
    return (shape[0], *space, shape[-1])


def _pad(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    shape, padding = shapes[0], a["padding"]
    if len(shape) != len(padding) + 2:
        plausible = (shape[0], *(None,) * len(padding), shape[-1])
        return wrong_rank(shape, len(padding) + 2, plausible)
    return (
        shape[0],
        *(sum_of_sizes((dim, *pair)) for dim, pair in zip(shape[1:-1], padding, strict=True)),
        shape[-1],
    )


def _upsample(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    shape, factors = shapes[0], a["size"]
    if len(shape) != len(factors) + 2:
        plausible = (shape[0], *(None,) * len(factors), shape[-1])
        return wrong_rank(shape, len(factors) + 2, plausible)
    return (
        shape[0],
        *(product_of_sizes(pair) for pair in zip(shape[1:-1], factors, strict=True)),
        shape[-1],
    )


def _spatial(rank: int) -> list[LayerType]:
    crops = {1: ((1, 1),), 2: ((0, 0), (0, 0)), 3: ((1, 1),) * 3}
    formatted = {"data_format": DATA_FORMAT} if rank > 1 else {}
    # a channels-first UpSampling1D or Cropping1D does not exist
    entries_by_name = [
        (f"Cropping{rank}D", _crop, {"cropping": Argument(margins(rank), crops[rank], True)}),
        (
            f"UpSampling{rank}D",
            _upsample,
            {"size": Argument(sizes(rank) if rank > 1 else single_axis, (2,) * rank, True)},
        ),
        (f"ZeroPadding{rank}D", _pad, {"padding": Argument(margins(rank), ((1, 1),) * rank, True)}),
    ]
    entries = []
    for name, infer, arguments in entries_by_name:
        formats = formatted or ({"data_format": DATA_FORMAT} if name == "ZeroPadding1D" else {})
        if name == "UpSampling2D":
            kinds = choice("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
            arguments["interpolation"] = Argument(kinds, "nearest")
        entry = LayerType(
            name,
            infer,
            arguments | formats,
            rank=rank + 2,
            variants={k: f"{name[:-2]}{k}D" for k in (1, 2, 3)},
        )
        entries.append(in_either_data_format(entry) if formats else entry)
    return entries


RESHAPING = (
    LayerType("Reshape", _reshape, {"target_shape": Argument(integers(low=-1), editable=True)}),
    LayerType("Flatten", _flatten, {"data_format": DATA_FORMAT}),
    LayerType("Permute", _permute, {"dims": Argument(integers(), editable=True)}),
    LayerType("RepeatVector", _repeat, {"n": Argument(size(), editable=True)}, rank=2),
    *(entry for rank in (1, 2, 3) for entry in _spatial(rank)),
)
