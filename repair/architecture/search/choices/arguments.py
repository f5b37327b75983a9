"""Repairs of argument values that no input would make right: misspelt, missing, out of domain."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from math import prod

from repair.architecture.edits import ABSENT
from repair.architecture.layer import LayerSpec, Shape, Value
from repair.architecture.layers import LayerType
from repair.architecture.layers.arguments import (
    ACTIVATIONS,
    BOOKKEEPING,
    REQUIRED,
    Argument,
    OutOfDomain,
)

ArgumentChange = Mapping[str, Value]


def change_arguments(layer: LayerSpec, change: ArgumentChange) -> LayerSpec:
    """The layer with some arguments changed and some taken out."""
    merged = {**layer.arguments, **change}
    if ABSENT in change.values():
        merged = {name: value for name, value in merged.items() if value != ABSENT}
    return LayerSpec(layer.type, merged, layer.inner, layer.weights)


def corrections(
    layer: LayerSpec,
    entry: LayerType,
    shape: Shape,
    target_shapes: tuple[Shape, ...],
) -> Iterator[ArgumentChange]:
    """Changes of the arguments that are wrong by themselves, likely ones first.

    Args:
        layer: the layer.
        entry: the entry of its type.
        shape: the shape of its first input.
        target_shapes: outputs that its reader would take.
    """
    fixes: dict[str, Value] = {}
    for name, value in layer.arguments.items():
        if name not in entry.arguments and name not in BOOKKEEPING:
            missing = [known for known in entry.arguments if known not in layer.arguments]
            near = get_close_matches(name, missing, 1)
            fixes[name] = ABSENT
            if near and _fits(entry.arguments[near[0]], value):
                fixes[near[0]] = value
    for name, argument in entry.arguments.items():
        value = fixes.get(name, layer.arguments.get(name, argument.default))
        if value == REQUIRED or (name in layer.arguments and not _fits(argument, value)):
            given = None if value == REQUIRED else value
            better = next(
                (
                    v
                    for v in _likely(name, argument, given, layer, shape, target_shapes)
                    if v == ABSENT or _fits(argument, v)
                ),
                None,
            )
            if better is not None:
                fixes[name] = better
    if fixes:
        yield fixes


def _fits(argument: Argument, value: Value) -> bool:
    try:
        argument.parse(value)
    except OutOfDomain:
        return False
    return True


def _likely(
    name: str,
    argument: Argument,
    given: Value,
    layer: LayerSpec,
    shape: Shape,
    target_shapes: tuple[Shape, ...],
) -> Iterator[Value]:
    """Values that a person most likely meant, from what stands there."""
    if isinstance(given, str):
        stripped = given.strip().lower()
        yield stripped
        yield int(stripped) if stripped.isdecimal() and len(stripped) < 9 else stripped
        near = get_close_matches(stripped, (*ACTIVATIONS, "same", "valid", "causal"), 1)
        yield from near
    if isinstance(given, float) and given == int(given):
        yield int(given)
    if isinstance(given, int | float) and not isinstance(given, bool):
        yield -given
        yield given / 100  # a rate in per cent
        yield 1
    if isinstance(given, tuple):
        rank = len(shape) - 2
        whole = tuple(max(1, abs(int(v))) for v in given if isinstance(v, int | float))
        yield from (whole, whole[:rank], (whole or (1,))[-1:] * rank)
        if whole:
            yield whole[0]
    if argument.default != REQUIRED:
        yield ABSENT
    if argument.width:
        bias = layer.weights.get("bias")
        yield from (bias[-1:] if bias else ())
        yield from (target[-1] for target in target_shapes)
        yield shape[-1] if shape else None
    flat = prod(size or 1 for size in shape[1:])
    others: dict[str, Value] = {"kernel_size": 3, "rate": 0.5, "target_shape": (flat,)}
    yield others.get(name, 1)
