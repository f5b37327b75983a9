"""One convolution, computed the way that is fastest where it runs.

On accelerators XLA's own convolution is. On CPU it is slow for few channels, where a matrix product over
laid-out windows, or over whole rows of pixels, does the same work in less time (measured with
scripts/perf_forward.py on the published networks).
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

Shape = tuple[int, ...]
# CPU only: whole rows up to this product of channels in and out, windows up to this many inputs per output.
ROWS_AT_MOST, WINDOWS_AT_MOST = 16, 32


def convolve(
    x: Float[Array, "N H W I"],
    kernel: Float[Array, "h w I O"],
    strides: tuple[int, int],
    padding: str,
) -> Float[Array, "N rows columns O"]:
    """Cross-correlation of NHWC images with an HWIO kernel; padding "valid" or "same"."""
    height, width, channels, filters = kernel.shape
    few = channels * filters <= ROWS_AT_MOST
    if jax.default_backend() != "cpu" or not (few or height * width * channels <= WINDOWS_AT_MOST):
        dimensions = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(
            x, kernel, strides, padding.upper(), dimension_numbers=dimensions
        )
    counts = window_counts(x.shape[1:], (height, width), strides, padding)
    if padding == "same":
        x = jnp.pad(x, ((0, 0), *same_padding(x.shape[1:], (height, width), strides), (0, 0)))
    return (_by_rows if few else _by_windows)(x, kernel, strides, counts)


def _by_windows(x: jax.Array, kernel: jax.Array, strides: Shape, counts: Shape) -> jax.Array:
    """Every window of the image laid out as a row of a matrix."""
    (rows, columns), (down, right) = counts, strides
    windows = [
        x[:, i : i + rows * down : down, j : j + columns * right : right]
        for i in range(kernel.shape[0])
        for j in range(kernel.shape[1])
    ]
    return jnp.concatenate(windows, axis=-1) @ kernel.reshape(-1, kernel.shape[3])


def _by_rows(x: jax.Array, kernel: jax.Array, strides: Shape, counts: Shape) -> jax.Array:
    """Whole rows of pixels times a banded matrix: more products, but in one fast matrix product."""
    (rows, columns), (down, right) = counts, strides
    height, width, _, filters = kernel.shape
    # choice[j, w, c] is 1 where column j of the window that gives output column c lies on pixel w.
    choice = np.zeros((width, x.shape[2], columns), np.float32)
    for j in range(width):
        choice[j, j + right * np.arange(columns), np.arange(columns)] = 1
    band = jnp.einsum("jwc,ijdf->iwdcf", choice.astype(kernel.dtype), kernel)
    band = band.reshape(-1, columns * filters)
    pixels = x.reshape(*x.shape[:2], -1)
    stacked = [pixels[:, i : i + rows * down : down] for i in range(height)]
    return (jnp.concatenate(stacked, -1) @ band).reshape(len(x), rows, columns, filters)


def window_counts(shape: Shape, window: Shape, strides: Shape, padding: str) -> tuple[int, int]:
    """Rows and columns of windows in images (H, W, ...); below 1 where the window does not fit."""
    if padding == "same":
        rows, columns = (-(-size // step) for size, step in zip(shape, strides, strict=False))
    else:
        rows, columns = (
            (size - width) // step + 1
            for size, width, step in zip(shape, window, strides, strict=False)
        )
    return rows, columns


def same_padding(
    shape: Shape, window: Shape, strides: Shape
) -> tuple[tuple[int, int], tuple[int, int]]:
    """((top, bottom), (left, right)) zeros of the padding "same"; the odd one comes last."""
    top_bottom, left_right = (
        max((math.ceil(size / step) - 1) * step + width - size, 0)
        for size, width, step in zip(shape, window, strides, strict=False)
    )
    return (
        (top_bottom // 2, top_bottom - top_bottom // 2),
        (left_right // 2, left_right - left_right // 2),
    )
