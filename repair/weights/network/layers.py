"""The layers that a network is made of: named, on NHWC images, in inference form.

Every layer is a small NNX module. Its weights are `nnx.Param`s called `kernel` and `bias` (of a batch
normalisation `scale` and `bias`); everything else about it is static, so that two networks that differ in
weights alone share their compiled code. Shapes leave out the batch axis: (H, W, C) for images, (D,) for vectors.
"""

import math
from abc import abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax

from repair.errors import InputError, unknown
from repair.weights.network.convolution import Shape, convolve, window_counts

RUNNING = 0.9  # of a running statistic, what stays in a step of training
PADDINGS = ("valid", "same")
ACTIVATIONS = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "elu": jax.nn.elu,
    "softplus": jax.nn.softplus,
}


class Layer(nnx.Module):
    """A named step of a network: `layer(x)` on a batch, `output_shape(shape)` on a shape."""

    kind: ClassVar[str]
    settings: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[tuple[str, ...]] = ()
    statistics: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str):
        self.name = name

    def __call__(self, x: jax.Array) -> jax.Array:
        """The layer's result for a batch (N, ...)."""
        return self._compute(x)

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the result for one input of the given shape.

        Raises:
            InputError: the layer does not take inputs of that shape.
        """
        return self._shape_after(shape)

    def arrays(self) -> dict[str, jax.Array]:
        """All arrays of the layer by name: what is trained, then what is only measured."""
        return {key: getattr(self, key)[...] for key in (*self.parameters, *self.statistics)}

    def config(self) -> dict[str, Any]:
        """What makes the layer apart from its arrays, in plain JSON values."""
        return {"kind": self.kind, "name": self.name} | {
            key: getattr(self, key) for key in self.settings
        }

    @abstractmethod
    def _compute(self, x: jax.Array) -> jax.Array: ...

    def _shape_after(self, shape: Shape) -> Shape:
        return shape

    def _expect(self, right: bool, shape: Shape, wanted: str) -> None:
        if not right:
            raise InputError(
                f"layer {self.name!r} ({self.kind}) got an input of shape {shape}, but takes {wanted}."
            )


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
        self.strides = _pair(name, "strides", strides)
        self.padding = _padding(name, padding)

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


class Activation(Layer):
    """An elementwise nonlinearity, one of ACTIVATIONS."""

    kind = "activation"
    settings = ("function",)

    def __init__(self, name: str, function: str = "relu"):
        super().__init__(name)
        if function not in ACTIVATIONS:
            raise unknown(f"activation of layer {name!r}", function, ACTIVATIONS)
        self.function = function

    def _compute(self, x: jax.Array) -> jax.Array:
        return ACTIVATIONS[self.function](x)


class _Pool(Layer):
    settings = ("window", "strides", "padding")

    def __init__(
        self,
        name: str,
        window: tuple[int, int] = (2, 2),
        strides: tuple[int, int] | None = None,
        padding: str = "valid",
    ):
        super().__init__(name)
        self.window = _pair(name, "window", window)
        self.strides = _pair(name, "strides", self.window if strides is None else strides)
        self.padding = _padding(name, padding)

    def _shape_after(self, shape: Shape) -> Shape:
        self._expect(len(shape) == 3, shape, "(height, width, channels)")
        rows, columns = window_counts(shape, self.window, self.strides, self.padding)
        self._expect(rows > 0 and columns > 0, shape, f"at least {self.window} rows and columns")
        return (rows, columns, shape[2])

    def _reduce(self, x: jax.Array, start: float, step: Any) -> jax.Array:
        window, strides = (1, *self.window, 1), (1, *self.strides, 1)
        return lax.reduce_window(x, start, step, window, strides, self.padding.upper())


class MaxPool(_Pool):
    """Largest value of each window; padding never wins."""

    kind = "max_pool"

    def _compute(self, x: jax.Array) -> jax.Array:
        if self.padding == "same" or self.window != self.strides:
            return self._reduce(x, -jnp.inf, lax.max)
        # Windows that do not overlap: comparing shifted images is much faster than a window reduction on CPU.
        rows, columns = self.window
        x = x[:, : x.shape[1] // rows * rows, : x.shape[2] // columns * columns]
        best = x[:, ::rows, ::columns]
        for shift in range(1, rows * columns):
            other = x[:, shift // columns :: rows, shift % columns :: columns]
            # Of equals the first wins: so does its gradient, as in the frameworks' own pooling.
            best = jnp.where(other > best, other, best)
        return best


class AvgPool(_Pool):
    """Mean of each window; padding is not counted."""

    kind = "avg_pool"

    def _compute(self, x: jax.Array) -> jax.Array:
        counts = self._reduce(jnp.ones_like(x[:1, ..., :1]), 0.0, lax.add)
        return self._reduce(x, 0.0, lax.add) / counts


class GlobalAvgPool(Layer):
    """Mean over rows and columns: (H, W, C) to (C,)."""

    kind = "global_avg_pool"

    def _compute(self, x: jax.Array) -> jax.Array:
        return x.mean((1, 2))

    def _shape_after(self, shape: Shape) -> Shape:
        self._expect(len(shape) == 3, shape, "(height, width, channels)")
        return shape[2:]


class Flatten(Layer):
    """(H, W, C) to (H * W * C,), in this order."""

    kind = "flatten"

    def _compute(self, x: jax.Array) -> jax.Array:
        return x.reshape(x.shape[0], -1)

    def _shape_after(self, shape: Shape) -> Shape:
        return (math.prod(shape),)


class ZeroPad(Layer):
    """Zeros around an image: `amounts` are ((top, bottom), (left, right))."""

    kind = "zero_pad"
    settings = ("amounts",)

    def __init__(self, name: str, amounts: tuple[tuple[int, int], tuple[int, int]]):
        super().__init__(name)
        (top, bottom), (left, right) = amounts
        self.amounts = ((int(top), int(bottom)), (int(left), int(right)))
        if min(*self.amounts[0], *self.amounts[1]) < 0:
            raise InputError(
                f"layer {name!r} pads by {self.amounts}; expected numbers that are not negative."
            )

    def _compute(self, x: jax.Array) -> jax.Array:
        return jnp.pad(x, ((0, 0), *self.amounts, (0, 0)))

    def _shape_after(self, shape: Shape) -> Shape:
        self._expect(len(shape) == 3, shape, "(height, width, channels)")
        (top, bottom), (left, right) = self.amounts
        return (shape[0] + top + bottom, shape[1] + left + right, shape[2])


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


def _pair(name: str, what: str, values: Any) -> tuple[int, int]:
    pair = tuple(int(value) for value in values)
    if len(pair) != 2 or min(pair) < 1:
        raise InputError(
            f"layer {name!r} has {what} {values!r}; expected two numbers of at least 1."
        )
    return pair


def _padding(name: str, padding: str) -> str:
    if padding not in PADDINGS:
        raise unknown(f"padding of layer {name!r}", padding, PADDINGS)
    return padding
