"""Input, dense, embedding, masking, dropout, and layers of unknown code."""

from repair.architecture.errors import Diagnostic, ErrorKind, shape_text
from repair.architecture.layer import Shape
from repair.architecture.layers.arguments import (
    Argument,
    activation,
    anything,
    flag,
    number,
    optional,
    shape,
    size,
    text,
)
from repair.architecture.layers.space import too_few_dimensions, unknown_size
from repair.architecture.layers.table import Arguments, Inferred, LayerType
from repair.architecture.rules import Rules


def same_shape(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    """The shape of the input."""
    return shapes[0]


def _input(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    """The stated shape; of an input of a model that is part of another, what that gives it.

    Models take an axis of size 1 more or less at the end.
    """
    stated: Shape = (a["batch_size"], *a["shape"])
    if not shapes:
        return stated
    given = shapes[0]
    if len(given) == len(stated) + 1 and given[-1] == 1:
        given = given[:-1]
    elif len(given) == len(stated) - 1 and stated[-1] == 1:
        given = (*given, 1)
    if len(given) == len(stated) and all(
        size == wanted or None in (size, wanted)
        for size, wanted in zip(given[1:], stated[1:], strict=True)
    ):
        return given
    return Diagnostic(
        ErrorKind.INPUT_SHAPES,
        f"states {shape_text(stated)} as the input of its model, which is given "
        f"{shape_text(shapes[0])}",
        shape_text(stated),
        stated,
        "shape",
    )


def _dense(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    given = shapes[0]
    if len(given) < 2:
        return too_few_dimensions(given, 2)
    if given[-1] is None and not rules.lenient:
        return unknown_size(given, "last")
    return (*given[:-1], a["units"])


def _dense_weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
    bias: dict[str, Shape] = {"bias": (a["units"],)} if a["use_bias"] else {}
    return {"kernel": (shapes[0][-1], a["units"])} | bias


def _embedding(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    return (*shapes[0], a["output_dim"])


def _embedding_weights(a: Arguments, shapes: tuple[Shape, ...]) -> dict[str, Shape]:
    return {"embeddings": (a["input_dim"], a["output_dim"])}


def _masking(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    return shapes[0] if len(shapes[0]) > 1 else too_few_dimensions(shapes[0], 2)


def _opaque(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    if a["output_shape"] is None:
        return Diagnostic(
            ErrorKind.TYPE,
            f"is code that is not read ({a['function'] or 'no name'}): its output shape must be "
            "declared",
            "output_shape=(...)",
            argument="output_shape",
        )
    return (shapes[0][0], *a["output_shape"])


def _noise(name: str, argument: str, high: float | None) -> LayerType:
    amount = Argument(number(0, high), editable=True)
    return LayerType(
        name,
        same_shape,
        {argument: amount}
        | (
            {"noise_shape": Argument(anything, None)} if name in ("Dropout", "AlphaDropout") else {}
        ),
    )


CORE = (
    LayerType(
        "Input",
        _input,
        {
            "shape": Argument(shape),
            "batch_size": Argument(optional(size()), None),
            "sparse": Argument(optional(flag), None),
            "ragged": Argument(optional(flag), None),
            "optional": Argument(flag, False),
        },
        inputs=(0, 1),
    ),
    LayerType(
        "Dense",
        _dense,
        {
            "units": Argument(size(), editable=True, width=True),
            "activation": activation(),
            "use_bias": Argument(flag, True),
        },
        _dense_weights,
    ),
    LayerType(
        "Embedding",
        _embedding,
        {
            "input_dim": Argument(size(), editable=True, width=True),
            "output_dim": Argument(size(), editable=True, width=True),
            "mask_zero": Argument(flag, False),
        },
        _embedding_weights,
    ),
    LayerType("Masking", _masking, {"mask_value": Argument(number(), 0.0)}),
    LayerType("Identity", same_shape),
    LayerType(
        "ActivityRegularization",
        same_shape,
        {"l1": Argument(number(), 0.0), "l2": Argument(number(), 0.0)},
    ),
    LayerType("GaussianNoise", same_shape, {"stddev": Argument(number(0, 1), editable=True)}),
    _noise("Dropout", "rate", 1),
    _noise("AlphaDropout", "rate", 1),
    _noise("GaussianDropout", "rate", 1),
    LayerType(
        "Lambda",
        _opaque,
        {
            "function": Argument(optional(text), None),
            "output_shape": Argument(optional(shape), None, editable=True),
        },
        inputs=(1, None),
    ),
)
