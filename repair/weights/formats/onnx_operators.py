"""ONNX operators: what stands for them here, and which of their attributes are supported."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from repair.errors import InputError
from repair.weights.network.convolution import Shape, same_padding

AUTO_PAD = {"VALID": "valid", "SAME_UPPER": "same"}
TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)
ELEMENTWISE = {
    "Relu": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Elu": "elu",
    "Softplus": "softplus",
}
IGNORED = ("Identity", "Dropout")
# Attributes that must keep these values, since nothing else is supported.
FIXED = {
    "dilations": 1,
    "group": 1,
    "ceil_mode": 0,
    "storage_order": 0,
    "alpha": 1,
    "beta": 1,
    "transA": 0,
    "training_mode": 0,
}
NAMES = {"conv": "conv2d", "max_pool": "max_pooling2d", "avg_pool": "average_pooling2d"}


def require_supported(node: Any, attributes: Mapping[str, Any], where: str) -> None:
    """InputError for an operator of another domain, or an attribute whose value is not supported.

    Args:
        node: the operator (ONNX `NodeProto`).
        attributes: the values of its attributes.
        where: how to tell a person which operator is meant.
    """
    if node.domain not in ("", "ai.onnx"):
        raise InputError(f"{where} is of the domain {node.domain!r}, which is not supported.")
    for key, value in FIXED.items():
        if key in attributes and np.any(np.asarray(attributes[key]) != value):
            raise InputError(f"{where} has {key}={attributes[key]}; only {value} is supported.")


def padding_of(
    attributes: Mapping[str, Any], shape: Shape, window: Shape, strides: Shape, where: str
) -> Any:
    """The padding of a convolution or pooling of images (H, W, C).

    Args:
        attributes: of the operator.
        shape: (H, W, C) of an image that enters it.
        window: rows and columns of its window.
        strides: rows and columns that the window moves by.
        where: how to tell a person which operator is meant.

    Returns:
        ("valid" | "same", None), or ("valid", ((top, bottom), (left, right))) where neither gives the pads.
    """
    auto = attributes.get("auto_pad", b"NOTSET").decode()
    if auto in AUTO_PAD:
        return AUTO_PAD[auto], None
    if auto != "NOTSET":
        raise InputError(f"{where} has auto_pad={auto}; supported: {', '.join(AUTO_PAD)}.")
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    amounts = ((top, bottom), (left, right))
    if not any((top, left, bottom, right)):
        return "valid", None
    if amounts == same_padding(shape, window, strides):
        return "same", None
    return "valid", amounts
