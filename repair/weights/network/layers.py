"""The layers that a network is made of, by name."""

from repair.weights.network.layer import PADDINGS, Layer
from repair.weights.network.plain_layers import (
    ACTIVATIONS,
    Activation,
    AvgPool,
    Flatten,
    GlobalAvgPool,
    MaxPool,
    ZeroPad,
)
from repair.weights.network.weighted_layers import RUNNING, BatchNorm, Conv, Dense

__all__ = [
    "ACTIVATIONS",
    "KINDS",
    "PADDINGS",
    "RUNNING",
    "Activation",
    "AvgPool",
    "BatchNorm",
    "Conv",
    "Dense",
    "Flatten",
    "GlobalAvgPool",
    "Layer",
    "MaxPool",
    "ZeroPad",
]

KINDS: dict[str, type[Layer]] = {
    layer.kind: layer
    for layer in (
        Dense,
        Conv,
        Activation,
        MaxPool,
        AvgPool,
        GlobalAvgPool,
        Flatten,
        ZeroPad,
        BatchNorm,
    )
}
