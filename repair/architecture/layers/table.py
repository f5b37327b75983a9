"""What an entry of the layer table says, and how arguments are brought into normal form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers.arguments import BOOKKEEPING, REQUIRED, Argument, OutOfDomain
from repair.architecture.rules import Rules


class Outputs(NamedTuple):
    """The shapes of a layer with several outputs."""

    shapes: tuple[Shape, ...]


Arguments = Mapping[str, Any]
"""All arguments of a layer in normal form, defaults included."""
Inferred = Shape | Outputs | Diagnostic
Infer = Callable[[Arguments, tuple[Shape, ...], Rules], Inferred]
Weights = Callable[[Arguments, tuple[Shape, ...]], dict[str, Shape]]


def no_weights(_: Arguments, __: tuple[Shape, ...]) -> dict[str, Shape]:
    """A layer without weights."""
    return {}


@dataclass(frozen=True)
class LayerType:
    """One entry of the table.

    Args:
        name: the Keras name.
        infer: (arguments, input shapes, rules) -> output shape, Outputs or Diagnostic. The number of
            inputs has been checked, the ranks have not.
        arguments: the arguments by Keras name, in Keras's order.
        weights: (arguments, input shapes) -> shapes of the weights, for shapes that infer accepts.
        inputs: fewest and most inputs; None: no upper limit.
        rank: the number of dimensions an input must have, batch included; None: not one number.
        variants: the same layer in other numbers of spatial dimensions, {1: "Conv1D", ...}.
        inner: fewest and most wrapped layers.
        weight_kinds: kinds of the errors of given weights with a wrong number of dimensions and
            with wrong sizes, as the published tool names them.
    """

    name: str
    infer: Infer
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    weights: Weights = no_weights
    inputs: tuple[int, int | None] = (1, 1)
    rank: int | None = None
    variants: Mapping[int, str] = field(default_factory=dict)
    inner: tuple[int, int | None] = (0, 0)
    weight_kinds: tuple[ErrorKind, ErrorKind] = (ErrorKind.WEIGHT_DIMENSION, ErrorKind.WEIGHT_SHAPE)

    @property
    def editable(self) -> tuple[str, ...]:
        """Names of the arguments that a repair may change in place."""
        return tuple(name for name, argument in self.arguments.items() if argument.editable)

    @property
    def widths(self) -> tuple[str, ...]:
        """Names of the arguments that are widths, such as units and filters."""
        return tuple(name for name, argument in self.arguments.items() if argument.width)


def missing_argument_text(name: str) -> str:
    """The text for a missing argument."""
    return f"needs the argument {name!r}, which is missing"


def normalize_arguments(entry: LayerType, layer: LayerSpec) -> Arguments | Diagnostic:
    """All arguments of a layer in normal form, or what is wrong with them."""
    settled: dict[str, Any] = {}
    for name in layer.arguments:
        if name not in entry.arguments and name not in BOOKKEEPING:
            known = ", ".join(entry.arguments) or "none"
            return Diagnostic(
                ErrorKind.ARGUMENT,
                f"has no argument {name!r} (it takes: {known})",
                known,
                argument=name,
            )
    for name, argument in entry.arguments.items():
        if name not in layer.arguments:
            if argument.default is REQUIRED:
                return Diagnostic(
                    ErrorKind.ARGUMENT,
                    missing_argument_text(name),
                    f"a value for {name}",
                    argument=name,
                )
            settled[name] = argument.default
            continue
        try:
            settled[name] = argument.parse(layer.arguments[name])
        except OutOfDomain as domain:
            given = layer.arguments[name]
            return Diagnostic(
                ErrorKind.ARGUMENT,
                f"has {name}={given!r}: expected {domain}",
                f"{name}: {domain}",
                argument=name,
            )
    low, high = entry.inner
    if len(layer.inner) < low or (high is not None and len(layer.inner) > high):
        expected = _range_text(low, high)
        return Diagnostic(
            ErrorKind.ARGUMENT, f"wraps {len(layer.inner)} layers: expected {expected}", expected
        )
    if layer.inner:
        settled["inner"] = layer.inner
    return settled


def _range_text(low: int, high: int | None) -> str:
    return f"{low}" if low == high else f"{low} to {high}" if high else f"at least {low}"


def check_number_of_inputs(entry: LayerType, given: int) -> Diagnostic | None:
    """The diagnostic of a layer with too few or too many inputs."""
    low, high = entry.inputs
    if given >= low and (high is None or given <= high):
        return None
    expected = _range_text(low, high)
    noun = "input" if expected == "1" else "inputs"
    return Diagnostic(
        ErrorKind.ARGUMENT, f"takes {expected} {noun} but gets {given}", f"{expected} {noun}"
    )


def check_weights(
    entry: LayerType,
    arguments: Arguments,
    layer: LayerSpec,
    shapes: tuple[Shape, ...],
    output: Shape | None,
) -> Diagnostic | None:
    """The diagnostic of given weights that do not fit the inputs; sizes not known fit all."""
    expected = entry.weights(arguments, shapes)
    for name, given in layer.weights.items():
        expected_shape = expected.get(name)
        if expected_shape is None:
            continue
        if len(given) != len(expected_shape):
            return Diagnostic(
                entry.weight_kinds[0],
                f"has weights {name!r} of {len(given)} dimensions {given}: "
                f"its input needs {len(expected_shape)} {_sizes(expected_shape)}",
                f"{name}: {_sizes(expected_shape)}",
                output,
                name,
            )
        if any(
            a != b and a is not None and b is not None
            for a, b in zip(given, expected_shape, strict=True)
        ):
            return Diagnostic(
                entry.weight_kinds[1],
                f"has weights {name!r} of shape {given}: its input {shape_text(shapes[0])} needs "
                f"{_sizes(expected_shape)}",
                f"{name}: {_sizes(expected_shape)}",
                output,
                name,
            )
    return None


def _sizes(shape: Shape) -> str:
    return "(" + ", ".join("?" if size is None else str(size) for size in shape) + ")"
