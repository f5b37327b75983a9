"""Transposed convolutions, and locally connected layers.

Keras 3 has no LocallyConnected layers; both rule sets take them as Keras 2 had them.
"""

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import Dim, Shape
from repair.architecture.layers.arguments import (
    DATA_FORMAT,
    Argument,
    activation,
    choice,
    flag,
    optional,
    size,
    sizes,
)
from repair.architecture.layers.convolution import convolution_output_shape, strides_and_dilation
from repair.architecture.layers.space import (
    in_either_data_format,
    product_of_sizes,
    unknown_size,
    wrong_rank,
)
from repair.architecture.layers.table import Arguments, Inferred, LayerType
from repair.architecture.rules import Rules


def transposed_convolution_size(
    size: Dim, kernel: int, stride: int, padding: str, output_padding: int | None, dilation: int
) -> Dim:
    """Size of one axis after a transposed convolution, as TensorFlow and Keras define it."""
    if size is None:
        return None
    reach = dilation * (kernel - 1) + 1
    if output_padding is None:
        return size * stride + (max(reach - stride, 0) if padding == "valid" else 0)
    inset = 0 if padding == "valid" else reach // 2
    return (size - 1) * stride + reach - 2 * inset + output_padding


def _beyond(kernel: tuple[int, ...], space: Shape) -> bool:
    return any(size is not None and k > size for k, size in zip(kernel, space, strict=True))


def _transposed(rank: int) -> LayerType:
    def infer(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        if len(shape) != rank + 2:
            return wrong_rank(shape, rank + 2, (shape[0], *(None,) * rank, a["filters"]))
        if shape[-1] is None and not rules.lenient:
            return unknown_size(shape, "channel")
        extra = a["output_padding"] or (None,) * rank
        space = tuple(
            transposed_convolution_size(size, kernel, stride, a["padding"], more, dilation)
            for size, kernel, stride, more, dilation in zip(
                shape[1:-1], a["kernel_size"], a["strides"], extra, a["dilation_rate"], strict=True
            )
        )
        output = (shape[0], *space, a["filters"])
        if rules.strict and a["padding"] == "valid" and _beyond(a["kernel_size"], shape[1:-1]):
            return Diagnostic(
                ErrorKind.POOL,
                f"has kernel_size={a['kernel_size']}, larger than its input {shape_text(shape)}",
                f"a kernel within {shape_text(shape)}, or padding='same'",
                output,
                "kernel_size",
            )
        if diagnostic := strides_and_dilation(a, output):
            return diagnostic
        if a["output_padding"] and any(map(int.__ge__, a["output_padding"], a["strides"])):
            return Diagnostic(
                ErrorKind.ARGUMENT,
                f"has output_padding={a['output_padding']}, which must be below "
                f"strides={a['strides']} on every axis",
                "output_padding below strides",
                output,
                "output_padding",
            )
        return output

    def weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
        bias: dict[str, Shape] = {"bias": (a["filters"],)} if a["use_bias"] else {}
        return {"kernel": (*a["kernel_size"], a["filters"], shapes[0][-1])} | bias

    arguments = {
        "filters": Argument(size(), editable=True, width=True),
        "kernel_size": Argument(sizes(rank), editable=True),
        "strides": Argument(sizes(rank), (1,) * rank, editable=True),
        "padding": Argument(choice("valid", "same"), "valid", editable=True),
        "output_padding": Argument(optional(sizes(rank, low=0)), None, editable=True),
        "data_format": DATA_FORMAT,
        "dilation_rate": Argument(sizes(rank), (1,) * rank, editable=True),
        "activation": activation(),
        "use_bias": Argument(flag, True),
    }
    return in_either_data_format(
        LayerType(
            f"Conv{rank}DTranspose",
            infer,
            arguments,
            weights,
            rank=rank + 2,
            variants={k: f"Conv{k}DTranspose" for k in (1, 2, 3)},
        )
    )


def _local(rank: int) -> LayerType:
    def infer(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        shape = shapes[0]
        if len(shape) != rank + 2:
            return wrong_rank(shape, rank + 2, (shape[0], *(None,) * rank, a["filters"]))
        if None in shape[1:] and not rules.lenient:
            return unknown_size(shape, "every")
        return convolution_output_shape({**a, "dilation_rate": (1,) * rank}, shape, a["filters"])

    def weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
        reached = convolution_output_shape(
            {**a, "dilation_rate": (1,) * rank}, shapes[0], a["filters"]
        )
        if isinstance(reached, Diagnostic):
            return {}
        space = reached[1:-1]
        patch = product_of_sizes((*a["kernel_size"], shapes[0][-1]))
        bias: dict[str, Shape] = {"bias": (*space, a["filters"])} if a["use_bias"] else {}
        return {"kernel": (product_of_sizes(space), patch, a["filters"])} | bias

    arguments = {
        "filters": Argument(size(), editable=True, width=True),
        "kernel_size": Argument(sizes(rank), editable=True),
        "strides": Argument(sizes(rank), (1,) * rank, editable=True),
        "padding": Argument(choice("valid", "same"), "valid", editable=True),
        "data_format": DATA_FORMAT,
        "activation": activation(),
        "use_bias": Argument(flag, True),
    }
    return in_either_data_format(
        LayerType(
            f"LocallyConnected{rank}D",
            infer,
            arguments,
            weights,
            rank=rank + 2,
            variants={k: f"LocallyConnected{k}D" for k in (1, 2)},
        )
    )


TRANSPOSED = (*map(_transposed, (1, 2, 3)), *map(_local, (1, 2)))
