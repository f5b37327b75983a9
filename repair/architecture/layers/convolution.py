"""Convolutions: plain, depthwise, separable."""

from collections.abc import Callable

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import Dim, Shape
from repair.architecture.layers.arguments import (
    DATA_FORMAT,
    Argument,
    activation,
    choice,
    flag,
    size,
    sizes,
)
from repair.architecture.layers.space import (
    in_either_data_format,
    product_of_sizes,
    sliding_window_size,
    unknown_size,
    wrong_rank,
)
from repair.architecture.layers.table import Arguments, Inferred, LayerType
from repair.architecture.rules import Rules


def _arguments(rank: int, *names: str) -> dict[str, Argument]:
    paddings = ("valid", "same", "causal") if rank == 1 else ("valid", "same")
    known = {
        "filters": Argument(size(), editable=True, width=True),
        "kernel_size": Argument(sizes(rank), editable=True),
        "strides": Argument(sizes(rank), (1,) * rank, editable=True),
        "padding": Argument(choice(*paddings), "valid", editable=True),
        "data_format": DATA_FORMAT,
        "dilation_rate": Argument(sizes(rank), (1,) * rank, editable=True),
        "groups": Argument(size(), 1, editable=True),
        "depth_multiplier": Argument(size(), 1, editable=True, width=True),
        "activation": activation(),
        "use_bias": Argument(flag, True),
    }
    return {name: known[name] for name in known if name in names}


WINDOW = ("kernel_size", "strides", "padding", "data_format", "dilation_rate")
END = ("activation", "use_bias")


def convolution_output_shape(a: Arguments, shape: Shape, channels: Dim) -> Shape | Diagnostic:
    """Output shape of a sliding kernel over (batch, *space, channels), with `channels` out."""
    space = tuple(
        map(
            sliding_window_size,
            shape[1:-1],
            a["kernel_size"],
            a["strides"],
            (a["padding"],) * len(shape),
            a["dilation_rate"],
        )
    )
    output = (shape[0], *space, channels)
    for axis, count in enumerate(space, 1):
        if count is not None and count < 1:
            reach = tuple(
                dilation * (kernel - 1) + 1
                for kernel, dilation in zip(a["kernel_size"], a["dilation_rate"], strict=True)
            )
            dilated = a["kernel_size"][axis - 1] <= (shape[axis] or 0)
            return Diagnostic(
                ErrorKind.DILATION if dilated else ErrorKind.POOL,
                f"has a kernel that reaches over {reach}, more than its input {shape_text(shape)}",
                f"a kernel within {shape_text(shape)}, or padding='same'",
                tuple(1 if size is not None and size < 1 else size for size in output),
                "kernel_size",
            )
    return output


Kernels = Callable[[Arguments, Dim], dict[str, Shape]]


def _sliding(
    name: str,
    rank: int,
    names: tuple[str, ...],
    width: Callable[[Arguments, Dim], Dim],
    kernels: Kernels,
) -> LayerType:
    """A layer that slides a kernel over `rank` axes.

    Args:
        name: the Keras name, which ends in "1D", "2D" or "3D".
        rank: number of spatial axes.
        names: the names of its arguments.
        width: channels of the output, from the arguments and the channels of the input.
        kernels: shapes of the weights but the bias, from the same.
    """

    def infer(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        if len(shape) != rank + 2:
            return wrong_rank(shape, rank + 2, (shape[0], *(None,) * rank, width(a, None)))
        channels = shape[-1]
        if channels is None and not rules.lenient:
            return unknown_size(shape, "channel")
        output = convolution_output_shape(a, shape, width(a, channels))
        if "groups" in a:
            return strides_and_dilation(a, output) or _grouped(a, shape, output) or output
        return output

    def weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
        channels = shapes[0][-1]
        bias = {"bias": (width(a, channels),)} if a["use_bias"] else {}
        return kernels(a, channels) | bias

    stem = name.removesuffix(f"{rank}D")
    ranks = (1, 2, 3) if stem == "Conv" else (1, 2)
    return in_either_data_format(
        LayerType(
            name,
            infer,
            _arguments(rank, *names),
            weights,
            rank=rank + 2,
            variants={k: f"{stem}{k}D" for k in ranks},
        )
    )


def strides_and_dilation(a: Arguments, output: Shape | Diagnostic) -> Diagnostic | None:
    """The diagnostic of a kernel that both strides and is dilated."""
    if max(a["strides"]) == 1 or max(a["dilation_rate"]) == 1:
        return None
    return Diagnostic(
        ErrorKind.DILATION,
        f"has strides={a['strides']} and dilation_rate={a['dilation_rate']}: only one of the two "
        "may be over 1",
        "strides or dilation_rate of 1",
        output.plausible if isinstance(output, Diagnostic) else output,
        "dilation_rate",
    )


def _grouped(a: Arguments, shape: Shape, output: Shape | Diagnostic) -> Diagnostic | None:
    for what, count in (("filters", a["filters"]), ("input channels", shape[-1])):
        if count is not None and count % a["groups"]:
            return Diagnostic(
                ErrorKind.ARGUMENT,
                f"has groups={a['groups']}, which does not divide its {count} {what}",
                f"groups that divides {count}",
                output if not isinstance(output, Diagnostic) else output.plausible,
                "groups",
            )
    return None


def _filters(a: Arguments, _: Dim) -> Dim:
    return a["filters"]


def _multiplied(a: Arguments, channels: Dim) -> Dim:
    return product_of_sizes((channels, a["depth_multiplier"]))


def _dense_kernel(a: Arguments, channels: Dim) -> dict[str, Shape]:
    inner = None if channels is None else channels // a["groups"]
    return {"kernel": (*a["kernel_size"], inner, a["filters"])}


def _depthwise_kernel(a: Arguments, channels: Dim) -> dict[str, Shape]:
    return {"kernel": (*a["kernel_size"], channels, a["depth_multiplier"])}


def _separable_kernels(a: Arguments, channels: Dim) -> dict[str, Shape]:
    ones = (1,) * len(a["kernel_size"])
    return {
        "depthwise_kernel": (*a["kernel_size"], channels, a["depth_multiplier"]),
        "pointwise_kernel": (*ones, _multiplied(a, channels), a["filters"]),
    }


def _entries(rank: int) -> list[LayerType]:
    plain = ("filters", *WINDOW, "groups", *END)
    entries = [_sliding(f"Conv{rank}D", rank, plain, _filters, _dense_kernel)]
    if rank < 3:
        deep = ("depth_multiplier", *WINDOW, *END)
        entries += [
            _sliding(f"DepthwiseConv{rank}D", rank, deep, _multiplied, _depthwise_kernel),
            _sliding(
                f"SeparableConv{rank}D", rank, ("filters", *deep), _filters, _separable_kernels
            ),
        ]
    return entries


CONVOLUTIONS = tuple(entry for rank in (1, 2, 3) for entry in _entries(rank))
