"""The layers that have weights: dense, convolution and batch normalisation."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from repair.errors import InputError
from repair.weights.network.convolution import Shape, convolve, window_counts
from repair.weights.network.layer import Layer, known_padding, pair_of

RUNNING = 0.9  # of a running statistic, what stays in a step of training


class Dense(Layer):
    """x @ kernel + bias; kernel (in, out), bias (out,). A missing bias is a zero one."""

    kind = "dense"
    parameters = ("kernel", "bias")

    def __init__(self, name: str, kernel: Any, bias: Any = None):
        super().__init__(name)
        self.kernel, self.bias = _kernel_and_bias(name, kernel, bias, rank=2)

    def _compute(self, x: jax.Array) -> jax.Array:
        return x @ self.kernel[...] + self.bias[...]

    def _shape_after(self, shape: Shape) -> Shape:
        inputs, outputs = self.kernel[...].shape
        self._expect(shape == (inputs,), shape, f"({inputs},)")
        return (outputs,)


class Conv(Layer):
    """2-D convolution (cross-correlation) of NHWC images; kernel HWIO, bias (O,). A missing bias is a zero one."""

    kind = "conv"
    settings = ("strides", "padding")
    parameters = ("kernel", "bias")

    def __init__(
        self,
        name: str,
        kernel: Any,
        bias: Any = None,
        *,
        strides: tuple[int, int] = (1, 1),
        padding: str = "valid",
    ):
        super().__init__(name)
        self.kernel, self.bias = _kernel_and_bias(name, kernel, bias, rank=4)
        self.strides = pair_of(name, "strides", strides)
        self.padding = known_padding(name, padding)

    def _compute(self, x: jax.Array) -> jax.Array:
        y = convolve(x, self.kernel[...], self.strides, self.padding)
        return y + self.bias[...]

    def _shape_after(self, shape: Shape) -> Shape:
        height, width, channels, filters = self.kernel[...].shape
        self._expect(
            len(shape) == 3 and shape[2] == channels, shape, f"(height, width, {channels})"
        )
        rows, columns = window_counts(shape, (height, width), self.strides, self.padding)
        self._expect(rows > 0 and columns > 0, shape, f"at least {height} rows and {width} columns")
        return (rows, columns, filters)


class BatchNorm(Layer):
    """(x - mean) / sqrt(variance + epsilon) * scale + bias along the last axis.

    The statistics stay as they are, but for a network in training (`network.train()`): then they are the batch's, and
    the running ones follow them (Ioffe and Szegedy, arXiv 1502.03167).
    """

    kind = "batch_norm"
    settings = ("epsilon",)
    parameters = ("scale", "bias")
    statistics = ("mean", "variance")

    def __init__(
        self, name: str, scale: Any, bias: Any, mean: Any, variance: Any, *, epsilon: float = 1e-3
    ):
        super().__init__(name)
        self.scale, self.bias = nnx.Param(_float32(scale)), nnx.Param(_float32(bias))
        self.mean, self.variance = nnx.BatchStat(_float32(mean)), nnx.BatchStat(_float32(variance))
        self.epsilon = float(np.float32(epsilon))  # as files keep it
        self.use_running_average = True  # what NNX's train() and eval() switch

    def _compute(self, x: jax.Array) -> jax.Array:
        if not self.use_running_average:
            return self._of_batch(x)
        factor = self.scale[...] * lax.rsqrt(self.variance[...] + self.epsilon)
        return (x - self.mean[...]) * factor + self.bias[...]

    def _of_batch(self, x: jax.Array) -> jax.Array:
        axes, wide = tuple(range(x.ndim - 1)), x.astype(jnp.float32)
        mean, variance = wide.mean(axes), wide.var(axes)
        for running, now in ((self.mean, mean), (self.variance, variance)):
            running[...] = RUNNING * running[...] + (1 - RUNNING) * now
        scale, bias = (array[...].astype(jnp.float32) for array in (self.scale, self.bias))
        factor = scale * lax.rsqrt(variance + self.epsilon)
        return ((wide - mean) * factor + bias).astype(x.dtype)

    def _shape_after(self, shape: Shape) -> Shape:
        channels = self.scale[...].shape
        self._expect(shape[-1:] == channels, shape, f"{channels[0]} channels in the last axis")
        return shape


def _float32(values: Any) -> jax.Array:
    return jnp.asarray(values, dtype=jnp.float32)


def _kernel_and_bias(name: str, kernel: Any, bias: Any, rank: int) -> tuple[nnx.Param, nnx.Param]:
    kernel = _float32(kernel)
    if kernel.ndim != rank:
        raise InputError(
            f"layer {name!r} has a kernel of shape {kernel.shape}; expected {rank} axes."
        )
    bias = jnp.zeros(kernel.shape[-1]) if bias is None else _float32(bias)
    if bias.shape != kernel.shape[-1:]:
        raise InputError(
            f"layer {name!r} has a bias of shape {bias.shape}; its kernel {kernel.shape} calls for another."
        )
    return nnx.Param(kernel), nnx.Param(bias)
