"""Shape arithmetic that families of layers share."""

from collections.abc import Iterable
from dataclasses import replace
from math import prod

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import Dim, Shape
from repair.architecture.layers.table import Arguments, Inferred, LayerType, Outputs
from repair.architecture.rules import Rules

AXES = {
    2: "batch, features",
    3: "batch, steps, channels",
    4: "batch, height, width, channels",
    5: "batch, depth, height, width, channels",
}


def wrong_rank(shape: Shape, rank: int, plausible: Shape | None = None) -> Diagnostic:
    """The diagnostic of an input with another number of dimensions than `rank`, batch included."""
    return Diagnostic(
        ErrorKind.DIMENSION,
        f"needs an input of {rank} dimensions ({AXES[rank]}) but gets {shape_text(shape)}, "
        f"which has {len(shape)}",
        f"{rank} dimensions",
        plausible,
    )


def too_few_dimensions(shape: Shape, least: int) -> Diagnostic:
    """The diagnostic of an input with fewer than `least` dimensions, batch included."""
    return Diagnostic(
        ErrorKind.DIMENSION,
        f"needs an input of at least {least} dimensions but gets {shape_text(shape)}",
        f"at least {least} dimensions",
    )


def unknown_size(shape: Shape, axis: str) -> Diagnostic:
    """The diagnostic of a size that must be known when the network is built and is not."""
    return Diagnostic(
        ErrorKind.DIMENSION,
        f"needs to know the size of the {axis} axis but gets {shape_text(shape)}",
        f"a fixed size of the {axis} axis",
    )


def sliding_window_size(
    size: Dim, kernel: int, stride: int, padding: str, dilation: int = 1
) -> Dim:
    """Number of places of a sliding window along one axis; 0 or less: it does not fit."""
    if size is None:
        return None
    if padding == "valid":
        return (size - dilation * (kernel - 1) - 1) // stride + 1
    return -(-size // stride)


def sum_of_sizes(sizes: Iterable[Dim]) -> Dim:
    """The sum, None when a size is not known."""
    total = 0
    for size in sizes:
        if size is None:
            return None
        total += size
    return total


def product_of_sizes(sizes: Iterable[Dim]) -> Dim:
    """The product, None when a size is not known."""
    known = tuple(sizes)
    return None if None in known else prod(known)  # type: ignore[arg-type]


def with_channels_last(shape: Shape) -> Shape:
    """From channels first to channels last."""
    return (shape[0], *shape[2:], shape[1])


def with_channels_first(shape: Shape) -> Shape:
    """From channels last to channels first."""
    return (shape[0], shape[-1], *shape[1:-1])


def in_either_data_format(entry: LayerType) -> LayerType:
    """The entry of a layer whose functions know channels last, made to know channels first too."""
    infer, weights, rank = entry.infer, entry.weights, entry.rank

    def both(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
        if a["data_format"] != "channels_first" or len(shapes[0]) != rank:
            return infer(a, shapes, rules)
        return _first(infer(a, (with_channels_last(shapes[0]), *shapes[1:]), rules), rank)

    def both_weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
        if a["data_format"] != "channels_first":
            return weights(a, shapes)
        return weights(a, (with_channels_last(shapes[0]), *shapes[1:]))

    return replace(entry, infer=both, weights=both_weights)


def _first(inferred: Inferred, rank: int) -> Inferred:
    if isinstance(inferred, Outputs):
        return inferred
    if isinstance(inferred, Diagnostic):
        plausible = inferred.plausible
        again = with_channels_first(plausible) if plausible and len(plausible) == rank else None
        return inferred._replace(plausible=again)
    return with_channels_first(inferred) if len(inferred) == rank else inferred
