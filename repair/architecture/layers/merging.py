"""Layers that merge several inputs."""

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import Dim, Shape
from repair.architecture.layers.arguments import Argument, flag, integer, integer_or_integers
from repair.architecture.layers.space import sum_of_sizes
from repair.architecture.layers.table import Arguments, Inferred, LayerType
from repair.architecture.rules import Rules


def _listed(shapes: tuple[Shape, ...]) -> str:
    return " and ".join(map(shape_text, shapes[:6])) + (" and more" if len(shapes) > 6 else "")


def _largest(shapes: tuple[Shape, ...]) -> Shape:
    return max(shapes, key=len)


def _joined(a: Dim, b: Dim) -> Dim | Diagnostic:
    """One axis of a broadcast; a Diagnostic where the two sizes cannot meet."""
    if a is None or b is None:
        return None
    if a == 1 or b == 1 or a == b:
        return b if a == 1 else a
    return _UNEQUAL


_UNEQUAL = Diagnostic(ErrorKind.INPUT_SHAPES, "", "")


def _broadcast(shapes: tuple[Shape, ...]) -> Shape | Diagnostic:
    sizes = shapes[0][1:]
    for shape in shapes[1:]:
        a, b = sorted((sizes, shape[1:]), key=len, reverse=True)
        lead = a[: len(a) - len(b)]
        joined = tuple(map(_joined, a[len(lead) :], b))
        if _UNEQUAL in joined:
            return Diagnostic(
                ErrorKind.INPUT_SHAPES,
                f"gets {_listed(shapes)}, which cannot be broadcast together",
                "equal shapes, or sizes of 1",
                _largest(shapes),
            )
        sizes = (*lead, *joined)  # type: ignore
    return (shapes[0][0], *sizes)


def _equal(shapes: tuple[Shape, ...]) -> Shape | Diagnostic:
    first = shapes[0]
    for shape in shapes[1:]:
        if len(shape) != len(first):
            return Diagnostic(
                ErrorKind.INPUT_DIMENSIONS,
                f"gets inputs of different numbers of dimensions: {_listed(shapes)}",
                f"all of {len(first)} dimensions",
                _largest(shapes),
            )
    for shape in shapes[1:]:
        if shape != first and any(
            a != b and a is not None and b is not None for a, b in zip(shape, first, strict=True)
        ):
            return Diagnostic(
                ErrorKind.INPUT_SHAPES,
                f"gets inputs of different shapes: {_listed(shapes)}",
                f"all {shape_text(first)}",
                first,
            )
    return first


def _batches(shapes: tuple[Shape, ...]) -> Diagnostic | None:
    fixed = {shape[0] for shape in shapes} - {None}
    if len(fixed) < 2:
        return None
    return Diagnostic(
        ErrorKind.INPUT_SHAPES,
        f"gets inputs of different batch sizes: {_listed(shapes)}",
        "one batch size",
    )


def _elementwise(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    merged = _equal(shapes) if rules.strict else _broadcast(shapes)
    return _batches(shapes) or merged


def _concatenate(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    first, axis = shapes[0], a["axis"]
    if len({len(shape) for shape in shapes}) > 1:
        return Diagnostic(
            ErrorKind.INPUT_DIMENSIONS,
            f"gets inputs of different numbers of dimensions: {_listed(shapes)}",
            f"all of {len(first)} dimensions",
            _largest(shapes),
        )
    if not -len(first) <= axis < len(first):
        return Diagnostic(
            ErrorKind.CONCATENATE,
            f"has axis={axis}, which {shape_text(first)} does not have",
            f"an axis from {-len(first)} to {len(first) - 1}",
            first,
            "axis",
        )
    axis %= len(first)
    joined = list(first)
    joined[axis] = sum_of_sizes(shape[axis] for shape in shapes)
    for position in range(len(first)):
        known = {shape[position] for shape in shapes} - {None}
        if position != axis and len(known) > 1:
            return Diagnostic(
                ErrorKind.CONCATENATE,
                f"joins {_listed(shapes)} along axis {axis}, but they differ on axis {position}",
                f"equal sizes on every axis but {axis}",
                tuple(joined),
                "axis",
            )
    return tuple(joined)


def _dot(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    axes = a["axes"] * 2 if len(a["axes"]) == 1 else a["axes"]
    if len(axes) != 2:
        return Diagnostic(
            ErrorKind.ARGUMENT,
            f"has axes={a['axes']}: expected one or two integers",
            "one or two integers",
            argument="axes",
        )
    left, right = shapes
    for shape in shapes:
        if len(shape) < 2 or (rules.strict and len(shape) > 3):
            expected = "2 or 3" if rules.strict else "at least 2"
            return Diagnostic(
                ErrorKind.DIMENSION,
                f"needs inputs of {expected} dimensions but gets {shape_text(shape)}",
                f"{expected} dimensions",
            )
    if rules.strict and len(left) != len(right):
        return Diagnostic(
            ErrorKind.INPUT_DIMENSIONS,
            f"gets inputs of different numbers of dimensions: {_listed(shapes)}",
            f"both of {len(left)} dimensions",
        )
    for shape, axis in zip(shapes, axes, strict=True):
        if not -len(shape) <= axis < len(shape) or axis % len(shape) == 0:
            return Diagnostic(
                ErrorKind.DOT_AXIS,
                f"has axes={axes}, but {shape_text(shape)} has no axis {axis} to multiply along",
                f"an axis from 1 to {len(shape) - 1}",
                argument="axes",
            )
    i, j = axes[0] % len(left), axes[1] % len(right)
    output = (*left[:i], *left[i + 1 :], *right[1:j], *right[j + 1 :])
    output = output if len(output) > 1 else (*output, 1)
    if left[i] != right[j] and not (rules.lenient and None in (left[i], right[j])):
        return Diagnostic(
            ErrorKind.DOT_AXIS,
            f"multiplies axis {i} of {shape_text(left)} with axis {j} of {shape_text(right)}: "
            f"sizes {left[i]} and {right[j]} differ",
            "equal sizes on the two axes",
            output,
            "axes",
        )
    return output


MERGING = (
    *(
        LayerType(name, _elementwise, inputs=(1 if name != "Subtract" else 2, most))
        for name, most in (
            ("Add", None),
            ("Average", None),
            ("Maximum", None),
            ("Minimum", None),
            ("Multiply", None),
            ("Subtract", 2),
        )
    ),
    LayerType(
        "Concatenate",
        _concatenate,
        {"axis": Argument(integer, -1, editable=True)},
        inputs=(1, None),
    ),
    LayerType(
        "Dot",
        _dot,
        {"axes": Argument(integer_or_integers, editable=True), "normalize": Argument(flag, False)},
        inputs=(2, 2),
    ),
)
