"""Sequential networks with initial weights, each layer fitted to the shape that the one before it gives."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from repair.weights.network.convolution import Shape
from repair.weights.network.layers import (
    Activation,
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GlobalAvgPool,
    Layer,
    MaxPool,
)
from repair.weights.network.residual import Residual

GLOROT = jax.nn.initializers.glorot_uniform()
HE = jax.nn.initializers.he_normal()


class SequentialBuilder:
    """A list of layers that grows; every method appends one layer and returns the builder.

    Args:
        keys: one random key for each kernel.
        shape: the shape of an image, without the batch axis.
        kernels: the initializer of kernels; biases begin at zero.
    """

    def __init__(self, keys: Iterator[jax.Array], shape: Shape, kernels: Any = GLOROT):
        self.keys, self.shape, self.kernels = keys, shape, kernels
        self.layers: list[Layer] = []

    def add(self, layer: Layer) -> "SequentialBuilder":
        """Appends a layer."""
        self.layers.append(layer)
        self.shape = layer.output_shape(self.shape)
        return self

    def _kernel(self, *shape: int) -> jax.Array:
        return self.kernels(next(self.keys), shape, jnp.float32)

    def dense(self, name: str, units: int) -> "SequentialBuilder":
        """Appends a dense layer."""
        return self.add(Dense(name, self._kernel(*self.shape, units)))

    def conv(
        self, name: str, filters: int, size: int = 3, stride: int = 1, padding: str = "valid"
    ) -> "SequentialBuilder":
        """Appends a convolution with a square kernel."""
        kernel = self._kernel(size, size, self.shape[-1], filters)
        return self.add(Conv(name, kernel, strides=(stride, stride), padding=padding))

    def batch_norm(self, name: str) -> "SequentialBuilder":
        """Appends a batch normalisation that begins as the identity."""
        zeros, ones = np.zeros(self.shape[-1]), np.ones(self.shape[-1])
        return self.add(BatchNorm(name, ones, zeros, zeros, ones, epsilon=1e-5))

    def relu(self, name: str) -> "SequentialBuilder":
        """Appends a ReLU, max(x, 0)."""
        return self.add(Activation(name))

    def pool(self, name: str) -> "SequentialBuilder":
        """Appends a max pooling over windows of 2x2."""
        return self.add(MaxPool(name))

    def global_pool(self, name: str) -> "SequentialBuilder":
        """Appends the mean over rows and columns."""
        return self.add(GlobalAvgPool(name))

    def flatten(self, name: str) -> "SequentialBuilder":
        """Appends what makes vectors of images."""
        return self.add(Flatten(name))

    def residual(self, name: str, filters: int, stride: int) -> "SequentialBuilder":
        """Appends two convolutions beside a shortcut, which is a convolution where the shape changes."""
        body = SequentialBuilder(self.keys, self.shape, self.kernels)
        body.conv("conv_1", filters, stride=stride, padding="same").batch_norm("norm_1")
        body.relu("relu_1").conv("conv_2", filters, padding="same").batch_norm("norm_2")
        shortcut = SequentialBuilder(self.keys, self.shape, self.kernels)
        if body.shape != self.shape:
            shortcut.conv("conv_0", filters, 1, stride, "same").batch_norm("norm_0")
        return self.add(Residual(name, body.layers, shortcut.layers))
