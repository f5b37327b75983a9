"""The declarative table of layers: what each takes, infers, weighs, and lets a repair change."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from repair.architecture.errors import Diagnostic
from repair.architecture.layer import LayerSpec, Shape
from repair.architecture.layers.attention import ATTENTION
from repair.architecture.layers.convolution import CONVOLUTIONS
from repair.architecture.layers.core import CORE
from repair.architecture.layers.merging import MERGING
from repair.architecture.layers.normalization import NORMALIZATION
from repair.architecture.layers.pooling import POOLING
from repair.architecture.layers.preprocessing import PREPROCESSING
from repair.architecture.layers.recurrent import RECURRENT
from repair.architecture.layers.reshaping import RESHAPING
from repair.architecture.layers.table import (
    Arguments,
    Inferred,
    LayerType,
    Outputs,
    check_number_of_inputs,
    check_weights,
    normalize_arguments,
)
from repair.architecture.layers.transposed import TRANSPOSED
from repair.architecture.layers.wrappers import wrappers
from repair.architecture.rules import Rules
from repair.errors import unknown

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        **{f"MaxPool{k}D": f"MaxPooling{k}D" for k in (1, 2, 3)},
        **{f"AvgPool{k}D": f"AveragePooling{k}D" for k in (1, 2, 3)},
        **{f"GlobalMaxPool{k}D": f"GlobalMaxPooling{k}D" for k in (1, 2, 3)},
        **{f"GlobalAvgPool{k}D": f"GlobalAveragePooling{k}D" for k in (1, 2, 3)},
        **{f"Convolution{k}D": f"Conv{k}D" for k in (1, 2, 3)},
        **{f"Convolution{k}DTranspose": f"Conv{k}DTranspose" for k in (1, 2, 3)},
        **{f"SeparableConvolution{k}D": f"SeparableConv{k}D" for k in (1, 2)},
        "InputLayer": "Input",
    }
)
"""Other names of the same layers, as Keras has them."""


@lru_cache(maxsize=1 << 16)
def infer(layer: LayerSpec, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    """Output shape of a layer for input shapes, batch first, or what is wrong.

    Pure and cached: searches ask the same question often.

    Raises:
        InputError: the layer type is not in the table; the message lists those that are.
    """
    entry = entry_of(layer.type)
    arguments = normal_arguments(layer)
    if isinstance(arguments, Diagnostic):
        return arguments
    wrong = check_number_of_inputs(entry, len(shapes))
    if wrong:
        return wrong
    output = entry.infer(arguments, shapes, rules)
    if layer.weights and not isinstance(output, Diagnostic):
        first = output.shapes[0] if isinstance(output, Outputs) else output
        return check_weights(entry, arguments, layer, shapes, first) or output
    return output


LAYERS: Mapping[str, LayerType] = MappingProxyType(
    {
        entry.name: entry
        for family in (
            CORE,
            MERGING,
            CONVOLUTIONS,
            TRANSPOSED,
            POOLING,
            RESHAPING,
            RECURRENT,
            PREPROCESSING,
            NORMALIZATION,
            ATTENTION,
            wrappers(infer),
        )
        for entry in family
    }
)
"""All layer types by Keras name."""


def entry_of(name: str) -> LayerType:
    """The entry of a layer type.

    Raises:
        InputError: unknown; the message lists the known ones.
    """
    entry = LAYERS.get(name) or LAYERS.get(ALIASES.get(name, ""))
    if entry is None:
        raise unknown("layer type", name, LAYERS)
    return entry


@lru_cache(maxsize=1 << 16)
def normal_arguments(layer: LayerSpec) -> Arguments | Diagnostic:
    """All arguments of a layer in normal form, defaults included, or what is wrong with them."""
    return normalize_arguments(entry_of(layer.type), layer)


__all__ = ["ALIASES", "LAYERS", "Inferred", "LayerType", "Outputs", "entry_of", "infer", "settled"]
