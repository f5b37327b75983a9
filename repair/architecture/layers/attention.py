"""Attention and contractions by an einsum equation."""

import re

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import Dim, Shape
from repair.architecture.layers.arguments import (
    Argument,
    activation,
    choice,
    flag,
    integer_or_integers,
    integers,
    number,
    optional,
    size,
    text,
)
from repair.architecture.layers.space import too_few_dimensions, unknown_size
from repair.architecture.layers.table import Arguments, Inferred, LayerType
from repair.architecture.rules import Rules


def _differ(a: Dim, b: Dim) -> bool:
    return a is not None and b is not None and a != b


def _attention(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    query, value, key = (*shapes, shapes[1])[:3]
    output = (*query[:-1], value[-1])
    for shape in (query, value, key):
        if len(shape) < 3:
            # Keras takes 2 dimensions too, but then attends from one example of a batch to others
            return too_few_dimensions(shape, 3)
        if len(shape) != len(query):
            return Diagnostic(
                ErrorKind.INPUT_DIMENSIONS,
                f"gets {_listed(query, value, key)} of different numbers of dimensions",
                f"all of {len(query)} dimensions",
                output,
            )
    spread = a.get("score_mode") != "dot" and 1 in (query[-1], key[-1])  # added, so broadcast
    pairs = [
        (query[-1], query[-1] if spread else key[-1], "features of query and key"),
        (value[-2], key[-2], "steps of value and key"),
        *(
            (query[k], other[k], f"sizes of axis {k}")
            for k in range(1, len(query) - 2)
            for other in (value, key)
            if other[k] != 1
        ),
    ]
    for left, right, what in pairs:
        if _differ(left, right):
            return Diagnostic(
                ErrorKind.INPUT_SHAPES,
                f"gets {_listed(query, value, key)}: the {what} differ ({left} and {right})",
                f"equal {what}",
                output,
            )
    return output


def _listed(query: Shape, value: Shape, key: Shape) -> str:
    return f"query {shape_text(query)}, value {shape_text(value)} and key {shape_text(key)}"


def _multi_head(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    query, value, key = (*shapes, shapes[1])[:3]
    ending = a["output_shape"] or query[-1:]
    for shape in (query, value, key):
        if len(shape) < 3:
            return too_few_dimensions(shape, 3)
        if len(shape) != len(query):
            return Diagnostic(
                ErrorKind.INPUT_DIMENSIONS,
                f"gets {_listed(query, value, key)} of different numbers of dimensions",
                f"all of {len(query)} dimensions",
                (*query[:-1], *ending),
            )
        if shape[-1] is None and not rules.lenient:
            return unknown_size(shape, "feature")
    axes = a["attention_axes"] or tuple(range(1, len(query) - 1))
    for axis in range(1, len(query) - 1):
        free = axis not in axes and _differ(query[axis], value[axis])
        if _differ(value[axis], key[axis]) or free:
            return Diagnostic(
                ErrorKind.INPUT_SHAPES,
                f"gets {_listed(query, value, key)}, which differ on axis {axis}",
                "value and key of equal sizes but the last",
                (*query[:-1], *ending),
            )
    return (*query[:-1], *ending)


def _multi_head_weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
    query, value, key = (*shapes, shapes[1])[:3]
    heads, deep = a["num_heads"], a["value_dim"] or a["key_dim"]
    ending = a["output_shape"] or query[-1:]
    biases: dict[str, Shape] = {
        "query_bias": (heads, a["key_dim"]),
        "key_bias": (heads, a["key_dim"]),
        "value_bias": (heads, deep),
        "output_bias": ending,
    }
    return {
        "query_kernel": (query[-1], heads, a["key_dim"]),
        "key_kernel": (key[-1], heads, a["key_dim"]),
        "value_kernel": (value[-1], heads, deep),
        "output_kernel": (heads, deep, *ending),
    } | (biases if a["use_bias"] else {})


EQUATION = re.compile(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?")


def _einsum(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    solved = _contracted(a, shapes[0])
    return solved if isinstance(solved, Diagnostic) else solved[1]


def _einsum_weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
    solved = _contracted(a, shapes[0])
    if isinstance(solved, Diagnostic):
        return {}
    kernel, output = solved
    if not a["bias_axes"]:
        return {"kernel": kernel}
    parts = EQUATION.fullmatch(a["equation"].replace(" ", ""))
    letters = parts[6] if parts else ""
    sizes = output[len(output) - len(letters) :] if parts and not parts[7] else output
    bias = [
        size if letter in a["bias_axes"] else 1
        for letter, size in zip(letters, sizes, strict=False)
    ]
    first = next((k for k, letter in enumerate(letters) if letter in a["bias_axes"]), 0)
    return {"kernel": kernel, "bias": tuple(bias[first:])}


def _scores(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
    scale: dict[str, Shape] = {"scale": ()} if a["use_scale"] else {}
    return scale | ({"concat_score_weight": ()} if a["score_mode"] == "concat" else {})


def _added_scores(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
    return {"scale": shapes[0][-1:]} if a["use_scale"] else {}


def _contracted(a: Arguments, shape: Shape) -> tuple[Shape, Shape] | Diagnostic:
    """Kernel and output shape of an EinsumDense."""
    parts = EQUATION.fullmatch(a["equation"].replace(" ", ""))
    left, right = (parts and parts[1] and parts[5]), (parts and parts[3] and parts[7])
    plain = parts and not any(parts[k] for k in (1, 3, 5, 7))
    if not parts or not (plain or bool(left) != bool(right)):
        return Diagnostic(
            ErrorKind.ARGUMENT,
            f"has equation={a['equation']!r}: expected one such as 'ab,bc->ac' or '...x,xy->...y'",
            "an equation of two operands",
            argument="equation",
        )
    reads, kernel, writes = parts[2], parts[4], parts[6]
    elided = len(shape) - len(reads)
    if elided < 0 or (plain and elided):
        return Diagnostic(
            ErrorKind.DIMENSION,
            f"has equation={a['equation']!r} for {len(reads)} dimensions but gets {shape_text(shape)}",
            f"{len(reads)} dimensions",
        )
    before = shape[1:elided] if left else ()
    after = shape[len(shape) - elided :] if right and elided else ()
    output = (shape[0], *before, *a["output_shape"], *after)
    start = elided if left else 0
    sizes = dict(zip(reads, shape[start : start + len(reads)], strict=True))
    if len(output) != len(writes) + elided:
        return Diagnostic(
            ErrorKind.ARGUMENT,
            f"has output_shape={a['output_shape']}, which does not fit "
            f"equation={a['equation']!r} on {shape_text(shape)}",
            f"{len(writes)} sizes in the output",
            argument="output_shape",
        )
    for letter, size_out in zip(writes, output[start:], strict=False):
        if letter not in sizes and letter not in kernel:
            return Diagnostic(
                ErrorKind.ARGUMENT,
                f"writes the axis {letter!r}, which no operand of {a['equation']!r} has",
                "axes of the operands",
                argument="equation",
            )
        if letter in sizes and size_out is not None and sizes[letter] != size_out:
            return Diagnostic(
                ErrorKind.INPUT_SHAPES,
                f"keeps axis {letter!r} of {shape_text(shape)}, of size {sizes[letter]}, but "
                f"output_shape={a['output_shape']} says {size_out}",
                f"the size {sizes[letter]} for axis {letter!r}",
                output,
                "output_shape",
            )
    out_sizes = dict(zip(writes, output[start:], strict=False))
    if any(letter not in out_sizes and letter not in sizes for letter in kernel):
        return Diagnostic(
            ErrorKind.ARGUMENT,
            f"has a kernel axis in {a['equation']!r} that neither input nor output has",
            "kernel axes of input or output",
            argument="equation",
        )
    return tuple(out_sizes.get(letter, sizes.get(letter)) for letter in kernel), output


ATTENTION = (
    *(
        LayerType(name, _attention, arguments, weights, inputs=(2, 3))
        for name, weights, arguments in (
            (
                "Attention",
                _scores,
                {
                    "use_scale": Argument(flag, False),
                    "score_mode": Argument(choice("dot", "concat"), "dot", editable=True),
                    "dropout": Argument(number(0, 1), 0.0),
                },
            ),
            (
                "AdditiveAttention",
                _added_scores,
                {"use_scale": Argument(flag, True), "dropout": Argument(number(0, 1), 0.0)},
            ),
        )
    ),
    LayerType(
        "MultiHeadAttention",
        _multi_head,
        {
            "num_heads": Argument(size(), editable=True),
            "key_dim": Argument(size(), editable=True, width=True),
            "value_dim": Argument(optional(size()), None, editable=True, width=True),
            "dropout": Argument(number(0, 1), 0.0),
            "use_bias": Argument(flag, True),
            "output_shape": Argument(optional(integer_or_integers), None, editable=True),
            "attention_axes": Argument(optional(integer_or_integers), None, editable=True),
        },
        _multi_head_weights,
        inputs=(2, 3),
    ),
    LayerType(
        "EinsumDense",
        _einsum,
        {
            "equation": Argument(text, editable=True),
            "output_shape": Argument(
                lambda value: value if isinstance(value, tuple) else integers(low=1)((value,)),
                editable=True,
                width=True,
            ),
            "activation": activation(),
            "bias_axes": Argument(optional(text), None),
        },
        _einsum_weights,
    ),
)
