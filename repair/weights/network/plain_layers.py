"""The layers without weights: activations, pooling, flattening and padding."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from repair.errors import InputError, unknown
from repair.weights.network.convolution import Shape, window_counts
from repair.weights.network.layer import Layer, known_padding, pair_of

ACTIVATIONS = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "elu": jax.nn.elu,
    "softplus": jax.nn.softplus,
}


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
        self.window = pair_of(name, "window", window)
        self.strides = pair_of(name, "strides", self.window if strides is None else strides)
        self.padding = known_padding(name, padding)

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
