"""Other arguments of layers that slide, scale, pad or crop along the spatial axes."""

from collections.abc import Iterator

from repair.architecture.errors import Diagnostic
from repair.architecture.layer import LayerSpec, Shape, Value
from repair.architecture.layers import LayerType, Outputs, infer
from repair.architecture.layers.table import Arguments
from repair.architecture.rules import Rules
from repair.architecture.search.choices.arguments import ArgumentChange

LARGEST = 16
"""Largest kernel, stride or factor that is tried to reach a target size."""
SLIDING = ("kernel_size", "pool_size", "strides", "size")


def _axes(a: Arguments, shape: Shape) -> slice:
    steps = int("return_sequences" in a)  # of a recurrent convolution stand before the image
    first = a.get("data_format") == "channels_first"
    return slice(2 + steps, None) if first else slice(1 + steps, -1)


def fitted(entry: LayerType, a: Arguments, shape: Shape) -> Iterator[ArgumentChange]:
    """Changes that make a window fit its input, the mildest first; where it takes several, together."""
    if entry.rank != len(shape):
        return
    space = shape[_axes(a, shape)]
    if None in space:
        return
    ones = (1,) * len(space)
    inner: dict[str, Value] = {}  # what is wrong with the layer whatever the size of its window
    if "dilation_rate" in a and max(a["dilation_rate"]) > 1:
        inner["dilation_rate"] = ones
        yield {"dilation_rate": ones}
        yield {"strides": ones}
    groups = _groups(a, shape)
    if groups is not None:
        inner["groups"] = groups
        yield {"groups": groups}
    sizes = [
        {name: tuple(min(k, s or k) for k, s in zip(a[name], space, strict=True))}
        for name in ("kernel_size", "pool_size")
        if name in a and len(a[name]) == len(space)
    ]
    for window in sizes:
        yield {"padding": "same"}
        yield window
    if a.get("output_padding"):
        yield {"output_padding": tuple(max(s - 1, 0) for s in a["strides"])}
    if "cropping" in a:
        yield {
            "cropping": _written(
                tuple(
                    _shrunk(pair, size - 1)  # type: ignore[operator]
                    for pair, size in zip(a["cropping"], space, strict=True)
                )
            )
        }
    if inner and sizes:
        yield inner
        yield {**inner, "padding": "same"}
        yield {**inner, **sizes[0]}


def _groups(a: Arguments, shape: Shape) -> int | None:
    """The largest number of groups, at most the present one, that divides channels and filters."""
    if a.get("groups", 1) == 1:
        return None
    channels = shape[1] if a.get("data_format") == "channels_first" else shape[-1]
    return next(
        k
        for k in range(a["groups"], 0, -1)
        if (channels or 0) % k == 0 and a.get("filters", k) % k == 0
    )


def _written(pairs: tuple[tuple[int, int], ...]) -> Value:
    """Margins as Keras takes them: of one axis, the pair alone."""
    return pairs[0] if len(pairs) == 1 else pairs


def _shrunk(pair: tuple[int, int], total: int) -> tuple[int, int]:
    before = min(pair[0], total)
    return before, min(pair[1], total - before)


def reaching(
    layer: LayerSpec,
    entry: LayerType,
    a: Arguments,
    shape: Shape,
    target_shape: Shape,
    rules: Rules,
) -> Iterator[ArgumentChange]:
    """Changes that make the output the target_shape, which has the channels of the output."""
    if entry.rank != len(shape) or len(target_shape) != len(shape):
        return
    axes = _axes(a, shape)
    given, target = shape[axes], target_shape[axes]
    if None in given or None in target:
        return
    if "padding" in a and isinstance(a["padding"], str):
        yield {"padding": "valid" if a["padding"] == "same" else "same"}
    for name in ("cropping", "padding"):
        if name in a and isinstance(a[name], tuple):
            sign = -1 if name == "cropping" else 1
            totals = [sign * (w - h) for w, h in zip(target, given, strict=True)]  # type: ignore
            if min(totals) >= 0:
                yield {name: _written(tuple(map(_spread, a[name], totals)))}
    for name in SLIDING:
        if name in a and a[name] is not None:
            values = _solved(layer, a, name, shape, target_shape, rules)
            if values is not None:
                yield {name: values}


def _spread(pair: tuple[int, int], total: int) -> tuple[int, int]:
    if sum(pair) == 0:
        return total // 2, total - total // 2
    before = min(pair[0], total)
    return before, total - before


def _solved(
    layer: LayerSpec, a: Arguments, name: str, shape: Shape, target_shape: Shape, rules: Rules
) -> tuple[int, ...] | None:
    """A value for each axis that leads to the target_shape: the present one where it does."""
    axes = _axes(a, shape)
    given, target = shape[axes], target_shape[axes]
    largest = [h if "kernel" in name or "pool" in name else LARGEST for h in given]
    solved: list[int | None] = [None] * len(given)
    present = a[name] if isinstance(a[name], tuple) else (a[name],) * len(given)
    for value in range(1, LARGEST + 1):
        sizes = tuple(min(value, most) for most in largest)  # type: ignore[type-var]
        output = infer(layer.change(**{name: sizes}), (shape,), rules)
        if isinstance(output, Diagnostic | Outputs) or len(output) != len(target_shape):
            continue
        for axis, (reached, goal) in enumerate(zip(output[axes], target, strict=True)):
            better = solved[axis] is None or sizes[axis] == present[axis]
            if reached == goal and better:
                solved[axis] = sizes[axis]
        if None not in solved and value >= max(present):
            break
    return None if None in solved else tuple(solved)  # type: ignore[arg-type]
