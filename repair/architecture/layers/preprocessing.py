"""Preprocessing layers: rescaling, normalisation by known moments, image augmentation, crops."""

from repair.architecture.layer import Shape
from repair.architecture.layers.arguments import (
    DATA_FORMAT,
    Argument,
    anything,
    choice,
    flag,
    integer_or_integers,
    number,
    optional,
    size,
)
from repair.architecture.layers.core import same_shape
from repair.architecture.layers.normalization import same_shape_with_axes
from repair.architecture.layers.space import in_either_data_format, wrong_rank
from repair.architecture.layers.table import Arguments, Inferred, LayerType
from repair.architecture.rules import Rules

INTERPOLATION = Argument(
    choice("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5", "area"), "bilinear"
)
FILL = {
    "fill_mode": Argument(choice("constant", "nearest", "wrap", "reflect"), "reflect"),
    "interpolation": INTERPOLATION,
    "fill_value": Argument(number(), 0.0),
    "data_format": DATA_FORMAT,
}
FACTOR = Argument(anything)


def _resized(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    shape = shapes[0]
    # Keras takes 3 dimensions too, but as one image: the batch would be its height
    if len(shape) == 4:
        return (shape[0], a["height"], a["width"], shape[-1])
    return wrong_rank(shape, 4, (shape[0], a["height"], a["width"], shape[-1]))


def _sized(name: str, more: dict[str, Argument]) -> LayerType:
    extent = {"height": Argument(size(), editable=True), "width": Argument(size(), editable=True)}
    arguments = extent | more | {"data_format": DATA_FORMAT}
    return in_either_data_format(LayerType(name, _resized, arguments, rank=4))


def _image(a: Arguments, shapes: tuple[Shape, ...], rules: Rules) -> Inferred:
    return shapes[0] if len(shapes[0]) in (3, 4) else wrong_rank(shapes[0], 4, shapes[0])


def _kept(name: str, arguments: dict[str, Argument]) -> LayerType:
    return LayerType(name, _image, arguments)


PREPROCESSING = (
    LayerType(
        "Rescaling", same_shape, {"scale": Argument(anything), "offset": Argument(anything, 0.0)}
    ),
    LayerType(
        "Normalization",
        same_shape_with_axes,
        {
            "axis": Argument(optional(integer_or_integers), (-1,), editable=True),
            "mean": Argument(anything, None),
            "variance": Argument(anything, None),
            "invert": Argument(flag, False),
        },
    ),
    _kept(
        "RandomFlip",
        {
            "mode": Argument(
                choice("horizontal", "vertical", "horizontal_and_vertical"),
                "horizontal_and_vertical",
            ),
            "data_format": DATA_FORMAT,
        },
    ),
    _kept("RandomRotation", {"factor": FACTOR, **FILL, "value_range": Argument(anything, None)}),
    _kept(
        "RandomZoom", {"height_factor": FACTOR, "width_factor": Argument(anything, None), **FILL}
    ),
    _kept("RandomTranslation", {"height_factor": FACTOR, "width_factor": FACTOR, **FILL}),
    _kept("RandomContrast", {"factor": FACTOR, "value_range": Argument(anything, (0, 255))}),
    _kept("RandomBrightness", {"factor": FACTOR, "value_range": Argument(anything, (0, 255))}),
    _sized("CenterCrop", {}),
    _sized(
        "Resizing",
        {
            "interpolation": INTERPOLATION,
            "crop_to_aspect_ratio": Argument(flag, False),
            "pad_to_aspect_ratio": Argument(flag, False),
            "fill_mode": Argument(choice("constant"), "constant"),
            "fill_value": Argument(number(), 0.0),
            "antialias": Argument(flag, False),
        },
    ),
)
