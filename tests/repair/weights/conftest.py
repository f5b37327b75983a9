"""Small networks with random weights, made by seed, that use every kind of layer."""

from collections.abc import Callable

import numpy as np
import pytest

from repair.weights.network.layers import (
    Activation,
    AvgPool,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
    ZeroPad,
)
from repair.weights.network.network import Network


def normal(seed: int, *shape: int) -> np.ndarray:
    """Standard normal float32 values."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def digits_like(seed: int = 0, scale: str = "0..1", softmax: bool = False) -> Network:
    """The published MNIST network's kinds of layer, for 8x8 images of one channel."""
    layers: list[Layer] = [
        Conv("conv2d_1", normal(seed, 3, 3, 1, 2), normal(seed + 1, 2)),
        Activation("activation_1"),
        Conv("conv2d_2", normal(seed + 2, 3, 3, 2, 4), normal(seed + 3, 4)),
        Activation("activation_2"),
        MaxPool("max_pooling2d_1"),
        Flatten("flatten_1"),
        Dense("dense_1", normal(seed + 4, 16, 6), normal(seed + 5, 6)),
        Activation("activation_3"),
        Dense("dense_2", normal(seed + 6, 6, 3), normal(seed + 7, 3)),
    ]
    return Network(layers, input_shape=(8, 8, 1), scale=scale, softmax=softmax)


def all_kinds(seed: int = 0, global_pool: bool = False) -> Network:
    """Every kind of layer, strides and paddings, for 12x10 colour images."""
    end: list[Layer] = [GlobalAvgPool("pooled")] if global_pool else [Flatten("flat")]
    inputs = 20 if global_pool else 1 * 3 * 20
    layers: list[Layer] = [
        ZeroPad("pad", ((1, 0), (2, 1))),
        Conv("wide", normal(seed, 3, 3, 3, 8), normal(seed + 1, 8), strides=(1, 2), padding="same"),
        BatchNorm(
            "normal",
            normal(seed + 2, 8),
            normal(seed + 3, 8),
            normal(seed + 4, 8),
            normal(seed + 5, 8) ** 2 + 0.5,
            epsilon=1e-3,
        ),
        Activation("tanh", "tanh"),
        AvgPool("mean", (3, 3), (2, 1), "same"),
        Conv("deep", normal(seed + 6, 2, 3, 8, 20) / 4, padding="valid"),
        Activation("relu"),
        MaxPool("max", (3, 2), (2, 2), "same"),
        *([] if global_pool else [MaxPool("crop", (2, 1), (2, 1))]),
        *end,
        Dense("out", normal(seed + 7, inputs, 4) / 4, normal(seed + 8, 4)),
    ]
    return Network(layers, input_shape=(12, 10, 3), scale="0..1")


def images(seed: int, count: int, network: Network) -> np.ndarray:
    """Random unit images for a network, float32."""
    return np.random.default_rng(seed).random((count, *network.input_shape), dtype=np.float32)


@pytest.fixture
def digits_network() -> Callable[..., Network]:
    """`digits_like`: the published MNIST network's kinds of layer, for 8x8 images."""
    return digits_like


@pytest.fixture(params=[False, True], ids=["flatten", "global_pool"])
def every_kind(request: pytest.FixtureRequest) -> Network:
    """A network of every kind of layer, in the two ways from images to vectors."""
    return all_kinds(global_pool=request.param)


@pytest.fixture
def unit_images() -> Callable[..., np.ndarray]:
    """`images(seed, count, network)`: random unit images for a network."""
    return images
