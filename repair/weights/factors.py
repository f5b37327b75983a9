"""Gradients of many rows of numbers in all weights of some layers, in the form that takes least room.

A row is a linear combination of one input's logits, such as a margin. Its gradient in a dense kernel has rank one: the
outer product of what enters the layer and of what backpropagation brings to its output, so that two vectors stand for
the matrix. Entries of the gradients are multiplied out only where they are needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from repair.weights.network.convolution import same_padding
from repair.weights.network.layers import Conv, Layer
from repair.weights.patch import Key


@dataclass(frozen=True, eq=False)
class GradientFactors:
    """Gradients of rows in a vector of weights (n,).

    Attributes:
        slices: where each array of weights stands in the vector; they cover it.
        rows: number of rows.
        parts: by layer. Of a dense layer "entering" (rows, in) and "returning" (rows, out), whose outer products are
            the gradients in the kernel; of a convolution "kernel" (rows, size of the kernel), the gradients
            themselves. "returning" is the gradient in the bias of either.
    """

    slices: Mapping[Key, slice]
    rows: int
    parts: Mapping[str, Mapping[str, np.ndarray]]

    def columns(self, weights: np.ndarray) -> np.ndarray:
        """Gradients in a few weights alone.

        Args:
            weights: (c,) their indices in the vector.

        Returns:
            (rows, c) float64.
        """
        result = np.zeros((self.rows, len(weights)))
        if not self.rows:
            return result
        for (name, key), where in self.slices.items():
            here = np.flatnonzero((weights >= where.start) & (weights < where.stop))
            inside, part = weights[here] - where.start, self.parts[name]
            if key == "kernel" and "entering" in part:
                inputs, outputs = np.divmod(inside, part["returning"].shape[1])
                result[:, here] = part["entering"][:, inputs]
                result[:, here] *= part["returning"][:, outputs]
            else:
                result[:, here] = part["kernel" if key == "kernel" else "returning"][:, inside]
        return result

    def mean_magnitude(self) -> np.ndarray:
        """(n,) mean |gradient| over the rows, of every weight."""
        mean = np.zeros(max(where.stop for where in self.slices.values()))
        for (name, key), where in self.slices.items():
            part = self.parts[name]
            if key == "kernel" and "entering" in part:
                inside = np.abs(part["entering"]).T @ np.abs(part["returning"])
            else:
                inside = np.abs(part["kernel" if key == "kernel" else "returning"]).sum(0)
            mean[where] = inside.ravel() / max(self.rows, 1)
        return mean


@partial(jax.jit, static_argnames=("graph", "layers"))
def gradient_parts(
    graph: Any, state: Any, z: jax.Array, cotangents: jax.Array, layers: tuple[str, ...]
) -> dict[str, dict[str, jax.Array]]:
    """The `parts` of `GradientFactors` of a batch, each row the logits of one input times its cotangents.

    Args:
        graph, state: of the network, as `flax.nnx.split` gives them.
        z: (N, ...) activations that enter the first of the layers.
        cotangents: (N, classes) what each logit counts in the row.
        layers: names, in the network's order.
    """
    network = nnx.merge(graph, state)
    first = network.position(layers[0])

    def logits(taps: Any) -> tuple[jax.Array, Any]:
        x, entering = z, {}
        for layer in network.layers[first:]:
            if layer.name in taps:
                entering[layer.name] = x
                x = layer(x) + taps[layer.name]
            else:
                x = layer(x)
        return x, entering

    # Zeros added to the layers' outputs: their gradient is what comes back there, for every row at once.
    shapes = {name: network.shapes[network.position(name) + 1] for name in layers}
    taps = {name: jnp.zeros((len(z), *shape), jnp.float32) for name, shape in shapes.items()}
    _, back, entering = jax.vjp(logits, taps, has_aux=True)
    (returning,) = back(cotangents)
    return {name: _parts(network.layer(name), entering[name], returning[name]) for name in layers}


def _parts(layer: Layer, a: jax.Array, g: jax.Array) -> dict[str, jax.Array]:
    """The parts of one layer: `a` (N, ...) enters it, the gradient `g` (N, ...) comes back to its output."""
    if not isinstance(layer, Conv):
        return {"entering": a, "returning": g}
    height, width = layer.kernel[...].shape[:2]
    if layer.padding == "same":
        around = same_padding(a.shape[1:], (height, width), layer.strides)
        a = jnp.pad(a, ((0, 0), *around, (0, 0)))
    (down, right), (rows, columns) = layer.strides, g.shape[1:3]
    windows = (
        a[:, i : i + rows * down : down, j : j + columns * right : right]
        for i in range(height)
        for j in range(width)
    )
    kernel = jnp.stack([jnp.einsum("npqc,npqf->ncf", window, g) for window in windows], axis=1)
    return {"kernel": kernel.reshape(len(a), -1), "returning": g.sum((1, 2))}
