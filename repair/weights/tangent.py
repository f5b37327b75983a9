"""The first-order model of a network's logits in the weights of some layers: what a sequential LP is made of.

Its matrix, (tests x classes) by weights, is never formed. Products with it are one forward or backward pass; single
entries come from the structure of a layer: the gradient of a margin in a dense kernel is the product of what enters
the layer and what comes back to its output.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from repair.errors import InputError
from repair.weights.network.batches import in_batches, replicated
from repair.weights.network.convolution import same_padding
from repair.weights.network.layers import Conv, Dense, Layer
from repair.weights.network.network import Network
from repair.weights.patch import Key, Patch


@dataclass(frozen=True, eq=False)
class Weights:
    """All weights of some layers as one vector: each layer's kernel, then its bias, in C order.

    Attributes:
        network: whose weights they are.
        layers: names, in the network's order.

    Raises:
        InputError: a layer that is neither dense nor a convolution.
    """

    network: Network
    layers: tuple[str, ...]

    def __post_init__(self) -> None:
        """Bring the layers into order and check them."""
        names = tuple(sorted(set(self.layers), key=self.network.position))
        object.__setattr__(self, "layers", names)
        for name in names:
            if not isinstance(self.network.layer(name), Dense | Conv):
                raise InputError(
                    f"layer {name!r} is {self.network.layer(name).kind}; kernels and biases of dense and"
                    " convolution layers can be repaired."
                )

    @cached_property
    def arrays(self) -> dict[Key, np.ndarray]:
        """The weights by (layer, "kernel" | "bias"), float64."""
        return {
            (name, key): np.asarray(value, np.float64)
            for name in self.layers
            for key, value in self.network.weights(name).items()
        }

    @cached_property
    def slices(self) -> dict[Key, slice]:
        """Where each array is in the vector."""
        ends = np.cumsum([value.size for value in self.arrays.values()]).tolist()
        return {
            key: slice(end - value.size, end)
            for (key, value), end in zip(self.arrays.items(), ends, strict=True)
        }

    def __len__(self) -> int:
        return sum(value.size for value in self.arrays.values())

    @cached_property
    def units(self) -> np.ndarray:
        """(n,) mean |weight| of the kernel that each weight belongs to; of a bias, its layer's kernel."""
        units = np.empty(len(self))
        for (name, _), where in self.slices.items():
            units[where] = np.abs(self.arrays[name, "kernel"]).mean() or 1.0
        return units

    def split(self, vector: np.ndarray) -> dict[Key, np.ndarray]:
        """A vector (n,) as arrays of the weights' shapes."""
        return {
            key: vector[where].reshape(self.arrays[key].shape) for key, where in self.slices.items()
        }

    def patch(self, vector: np.ndarray) -> Patch:
        """The patch of a vector (n,) of deltas."""
        return Patch.dense(self.network, self.split(vector))

    def moved(self, vector: np.ndarray) -> Network:
        """The network with a vector (n,) of deltas added, rounded to float32 once."""
        network = self.network
        if vector.any():
            for name in self.layers:
                parts = {
                    key: self.arrays[name, key]
                    + vector[where].reshape(self.arrays[name, key].shape)
                    for (layer, key), where in self.slices.items()
                    if layer == name
                }
                network = network.replace(name, **parts)
        return network


@dataclass(frozen=True, eq=False)
class Tangent:
    """Logits as an affine function of a change of the weights, at deltas `at`.

    Attributes:
        weights: what may change.
        at: (n,) deltas at which the network is linearised.
        entering: (N, ...) float32 activations that enter the first of the layers, one for each test.
    """

    weights: Weights
    at: np.ndarray
    entering: np.ndarray

    @classmethod
    def start(cls, weights: Weights, images: np.ndarray) -> Self:
        """At the network as it is, for images."""
        entering = weights.network.activations(images, at=weights.layers[0])
        return cls(weights, np.zeros(len(weights)), entering)

    def move(self, at: np.ndarray) -> Self:
        """The same tests, linearised at other deltas."""
        return type(self)(self.weights, at, self.entering)

    @cached_property
    def network(self) -> Network:
        """The network at `at`."""
        return self.weights.moved(self.at)

    @cached_property
    def logits(self) -> np.ndarray:
        """(N, classes) float64, of the network at `at`."""
        values = self.network.logits_of(self.entering, at=self.weights.layers[0])
        return values.astype(np.float64)

    def along(self, step: np.ndarray) -> np.ndarray:
        """(N, classes) first-order change of the logits for a change (n,) of the weights."""
        graph, state = nnx.split(self.network)
        change = _tree(self.weights.split(step))
        with jax.default_matmul_precision("highest"):
            run = partial(
                _along, graph, replicated(state), replicated(change), start=self.weights.layers[0]
            )
            return in_batches(run, self.entering, self._batch).astype(np.float64)

    def gradient(self, tests: np.ndarray, cotangents: np.ndarray) -> np.ndarray:
        """(n,) gradient of sum(cotangents * logits) over chosen tests (K,), cotangents (K, classes)."""
        graph, state = nnx.split(self.network)
        total = np.zeros(len(self.weights))
        with jax.default_matmul_precision("highest"):
            for z, c, _ in self._padded(tests, cotangents):
                parts = _gradient(graph, state, z, c, self.weights.layers)
                for key, where in self.weights.slices.items():
                    total[where] += np.asarray(parts[key[0]][key[1]], np.float64).ravel()
        return total

    def factors(self, tests: np.ndarray, cotangents: np.ndarray) -> "Factors":
        """Gradients of rows cotangents[k] @ logits[tests[k]], tests (K,), cotangents (K, classes)."""
        graph, state = nnx.split(self.network)
        parts = []
        with jax.default_matmul_precision("highest"):
            for z, c, count in self._padded(tests, cotangents):
                blocks = _factors(graph, state, z, c, self.weights.layers)
                parts.append(jax.tree.map(lambda x, n=count: np.asarray(x)[:n], blocks))
        joined = jax.tree.map(lambda *x: np.concatenate(x), *parts) if parts else {}
        return Factors(self.weights, len(tests), joined)

    @property
    def _batch(self) -> int:
        # As many activations at once as `Network` takes, and room for what comes back.
        return max(16, self.network._batch_size(len(self.entering)) // 2)

    def _padded(
        self, tests: np.ndarray, cotangents: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        size = self._batch
        for begin in range(0, len(tests), size):
            z, c = self.entering[tests[begin : begin + size]], cotangents[begin : begin + size]
            missing = size - len(z)
            yield (
                np.pad(z, [(0, missing)] + [(0, 0)] * (z.ndim - 1)),
                np.pad(c.astype(np.float32), [(0, missing), (0, 0)]),
                len(z),
            )


@dataclass(frozen=True, eq=False)
class Factors:
    """Gradients of rows in all weights, kept in the form that takes least room.

    Attributes:
        weights: of which the gradients are.
        rows: how many.
        parts: by layer; of a dense one what enters it and what comes back to its output, whose products are the
            kernel's gradients, of a convolution the gradients themselves.
    """

    weights: Weights
    rows: int
    parts: dict[str, dict[str, np.ndarray]]

    def columns(self, places: np.ndarray) -> np.ndarray:
        """(rows, c) float64 gradients in the weights at places (c,) of their vector."""
        result = np.zeros((self.rows, len(places)))
        if not self.rows:
            return result
        for (name, key), where in self.weights.slices.items():
            here = np.flatnonzero((places >= where.start) & (places < where.stop))
            inside, part = places[here] - where.start, self.parts[name]
            if key == "kernel" and "entering" in part:
                inputs, outputs = np.divmod(inside, part["returning"].shape[1])
                result[:, here] = part["entering"][:, inputs]
                result[:, here] *= part["returning"][:, outputs]
            else:
                result[:, here] = part["kernel" if key == "kernel" else "returning"][:, inside]
        return result

    def usage(self) -> np.ndarray:
        """(n,) mean |gradient| over the rows, of every weight."""
        usage = np.zeros(len(self.weights))
        for (name, key), where in self.weights.slices.items():
            part = self.parts[name]
            if key == "kernel" and "entering" in part:
                inside = np.abs(part["entering"]).T @ np.abs(part["returning"])
            else:
                inside = np.abs(part["kernel" if key == "kernel" else "returning"]).sum(0)
            usage[where] = inside.ravel() / max(self.rows, 1)
        return usage


def _tree(arrays: dict[Key, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    tree: dict[str, dict[str, np.ndarray]] = {}
    for (name, key), value in arrays.items():
        tree.setdefault(name, {})[key] = value.astype(np.float32)
    return tree


def _replaced(network: Network, weights: Any) -> Network:
    for name, arrays in weights.items():
        network = network.replace(name, **arrays)
    return network


@partial(jax.jit, static_argnames=("graph", "start"))
def _along(graph: Any, state: Any, change: Any, z: jax.Array, start: str) -> jax.Array:
    network = nnx.merge(graph, state)
    present = {name: network.weights(name) for name in change}

    def logits(weights: Any) -> jax.Array:
        return _replaced(network, weights).logits_from(z, start)

    return jax.jvp(logits, (present,), (change,))[1]


@partial(jax.jit, static_argnames=("graph", "layers"))
def _gradient(graph: Any, state: Any, z: jax.Array, c: jax.Array, layers: tuple[str, ...]) -> Any:
    network = nnx.merge(graph, state)

    def total(weights: Any) -> jax.Array:
        return (_replaced(network, weights).logits_from(z, layers[0]) * c).sum()

    return jax.grad(total)({name: network.weights(name) for name in layers})


@partial(jax.jit, static_argnames=("graph", "layers"))
def _factors(graph: Any, state: Any, z: jax.Array, c: jax.Array, layers: tuple[str, ...]) -> Any:
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
    (returning,) = back(c)
    return {name: _parts(network.layer(name), entering[name], returning[name]) for name in layers}


def _parts(layer: Layer, a: jax.Array, g: jax.Array) -> dict[str, jax.Array]:
    """What a row's gradients in one layer's weights are made of: a enters the layer, g comes back to its output."""
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


def margin_cotangents(labels: np.ndarray, rivals: np.ndarray, classes: int) -> np.ndarray:
    """(K, classes): +1 at the label and -1 at the rival of each row."""
    identity = np.eye(classes)
    return identity[labels] - identity[rivals]
