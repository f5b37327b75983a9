"""Given weights of a layer: whether they fit its inputs, and what is made anew where not."""

from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from repair.architecture import cost
from repair.architecture.errors import Diagnostic, ErrorKind
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers import Inferred, Outputs, entry_of, infer, normal_arguments
from repair.architecture.layers.table import Arguments
from repair.architecture.rules import Rules


class EditedLayer(NamedTuple):
    """A layer as it stands or edited in place, its packed cost, and what it yields."""

    cost: int
    layer: LayerSpec
    output: Shape | Outputs


EMPTY_TENSOR = Diagnostic(ErrorKind.TYPE, "yields a tensor without values", "sizes from 1 on")


def one_output(inferred: Inferred) -> Shape | None:
    """The output shape of a layer that accepts its inputs and has one output."""
    return None if isinstance(inferred, Diagnostic | Outputs) else inferred


@lru_cache(maxsize=1 << 16)
def fit_weights(
    layer: LayerSpec, shapes: tuple[Shape, ...], rules: Rules
) -> EditedLayer | Diagnostic:
    """The layer as it stands, given weights made anew where they do not fit.

    Keras takes tensors without values; no repair goes through one.
    """
    output = infer(layer, shapes, rules)
    if type(output) is tuple and 0 in output:
        return EMPTY_TENSOR
    if not isinstance(output, Diagnostic):
        return EditedLayer(0, layer, output)
    unweighted = without_weights(layer)
    if unweighted == layer:
        return output
    output = infer(unweighted, shapes, rules)
    if isinstance(output, Diagnostic):
        return output
    return EditedLayer(cost.WEIGHTS, _with_made_weights(layer, shapes, rules), output)


@lru_cache(maxsize=1 << 14)
def without_weights(layer: LayerSpec) -> LayerSpec:
    """The layer without given weights, its own and those of wrapped layers."""
    if not layer.weights and not layer.inner:
        return layer
    return replace(layer, weights={}, inner=tuple(map(without_weights, layer.inner)))


def _with_made_weights(layer: LayerSpec, shapes: tuple[Shape, ...], rules: Rules) -> LayerSpec:
    """The layer with its given weights, and those of wrapped layers, made anew for its inputs."""
    arguments = normal_arguments(layer)
    if isinstance(arguments, Diagnostic):
        return without_weights(layer)
    needed = entry_of(layer.type).weights(arguments, shapes) if layer.weights else {}
    step: Inferred = shapes[0]
    if layer.type in ("RNN", "TimeDistributed"):
        step = (shapes[0][0], *shapes[0][2:])
    inner = []
    for wrapped in layer.inner:
        if isinstance(step, Diagnostic | Outputs):
            return without_weights(layer)
        inner.append(_with_made_weights(wrapped, (step,), rules))
        if layer.type in ("RNN", "Sequential"):
            step = infer(without_weights(wrapped), (step,), rules)
    kept = {name: needed[name] for name in layer.weights if name in needed}
    return replace(layer, weights=kept, inner=tuple(inner))


def same_weights(layer: LayerSpec, shape: Shape, other: Shape) -> bool:
    """Whether a layer has weights of the same shapes for two inputs."""
    arguments = normal_arguments(layer)
    if isinstance(arguments, Diagnostic) or len(shape) != len(other):
        return False
    entry = entry_of(layer.type)
    return entry.weights(arguments, (shape,)) == entry.weights(arguments, (other,))


def bias_contradicts_width(layer: LayerSpec, a: Arguments) -> bool:
    """Whether the given bias says another width than the arguments."""
    bias, plain = layer.weights.get("bias", ()), ("Dense", "Conv", "SeparableConv")
    if len(bias) != 1 or not layer.type.startswith(plain) or layer.type.startswith("ConvLSTM"):
        return False
    return bias[0] not in (a.get("units"), a.get("filters"))
