"""The first-order model of a network's logits in the weights of some layers: what a sequential LP is made of.

Its matrix, the Jacobian (tests x classes, weights), is never formed. A product with it from the right is one pass in
forward mode, from the left one pass of backpropagation; single entries come from the structure of the layers
(`repair.weights.factors`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Self

import jax
import numpy as np
from flax import nnx

from repair.errors import InputError
from repair.weights.factors import GradientFactors, gradient_parts
from repair.weights.network.batches import in_batches, replicated
from repair.weights.network.layers import Conv, Dense
from repair.weights.network.network import Network
from repair.weights.patch import Key, Patch


@dataclass(frozen=True, eq=False)
class Weights:
    """All weights of some layers as one vector (n,): each layer's kernel, then its bias, in C order.

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
        """The place of each array in the vector."""
        ends = np.cumsum([value.size for value in self.arrays.values()]).tolist()
        return {
            key: slice(end - value.size, end)
            for (key, value), end in zip(self.arrays.items(), ends, strict=True)
        }

    def __len__(self) -> int:
        return sum(value.size for value in self.arrays.values())

    @cached_property
    def scale(self) -> np.ndarray:
        """(n,) per-weight scale: the mean |weight| of the layer's kernel, for kernel and bias alike."""
        scale = np.empty(len(self))
        for (name, _), where in self.slices.items():
            scale[where] = np.abs(self.arrays[name, "kernel"]).mean() or 1.0
        return scale

    def split(self, deltas: np.ndarray) -> dict[Key, np.ndarray]:
        """A vector (n,) as arrays of the weights' shapes."""
        return {
            key: deltas[where].reshape(self.arrays[key].shape) for key, where in self.slices.items()
        }

    def patch(self, deltas: np.ndarray) -> Patch:
        """The patch of a vector (n,) of deltas."""
        return Patch.dense(self.network, self.split(deltas))

    def apply(self, deltas: np.ndarray) -> Network:
        """The network with deltas (n,) added to its weights, rounded to float32 once."""
        network = self.network
        if deltas.any():
            for name in self.layers:
                parts = {
                    key: self.arrays[name, key]
                    + deltas[where].reshape(self.arrays[name, key].shape)
                    for (layer, key), where in self.slices.items()
                    if layer == name
                }
                network = network.replace(name, **parts)
        return network


@dataclass(frozen=True, eq=False)
class Tangent:
    """Logits as an affine function of the weights: linearised where these differ from the network's by `deltas`.

    Attributes:
        weights: what may change.
        deltas: (n,) float64.
        entering: (N, ...) float32 activations that enter the first of the layers, one for each test.
    """

    weights: Weights
    deltas: np.ndarray
    entering: np.ndarray

    @classmethod
    def start(cls, weights: Weights, images: np.ndarray) -> Self:
        """The model at the network as it is, for images (N, ...)."""
        entering = weights.network.activations(images, at=weights.layers[0])
        return cls(weights, np.zeros(len(weights)), entering)

    def at(self, deltas: np.ndarray) -> Self:
        """The same tests, linearised at other deltas (n,)."""
        return type(self)(self.weights, deltas, self.entering)

    @cached_property
    def network(self) -> Network:
        """The network with the deltas applied."""
        return self.weights.apply(self.deltas)

    @cached_property
    def logits(self) -> np.ndarray:
        """(N, classes) float64, of the network with the deltas applied."""
        values = self.network.logits_of(self.entering, at=self.weights.layers[0])
        return values.astype(np.float64)

    def change_of_logits(self, step: np.ndarray) -> np.ndarray:
        """(N, classes) first-order change of the logits for a step (n,) from the deltas."""
        graph, state = nnx.split(self.network)
        change = _tree(self.weights.split(step))
        with jax.default_matmul_precision("highest"):
            run = partial(
                _jvp, graph, replicated(state), replicated(change), start=self.weights.layers[0]
            )
            return in_batches(run, self.entering, self._batch).astype(np.float64)

    def gradient(self, tests: np.ndarray, cotangents: np.ndarray) -> np.ndarray:
        """The gradient in the weights of a linear combination of logits, by backpropagation.

        Args:
            tests: (K,) indices of the tests that take part.
            cotangents: (K, classes) what each of their logits counts.

        Returns:
            (n,) float64.
        """
        graph, state = nnx.split(self.network)
        total = np.zeros(len(self.weights))
        with jax.default_matmul_precision("highest"):
            for z, c, _ in self._padded(tests, cotangents):
                parts = _gradient(graph, state, z, c, self.weights.layers)
                for key, where in self.weights.slices.items():
                    total[where] += np.asarray(parts[key[0]][key[1]], np.float64).ravel()
        return total

    def factors(self, tests: np.ndarray, cotangents: np.ndarray) -> GradientFactors:
        """The gradients of K rows, each a linear combination of one test's logits.

        Args:
            tests: (K,) index of the test of each row.
            cotangents: (K, classes) what each of its logits counts.
        """
        graph, state = nnx.split(self.network)
        parts = []
        with jax.default_matmul_precision("highest"):
            for z, c, count in self._padded(tests, cotangents):
                blocks = gradient_parts(graph, state, z, c, self.weights.layers)
                parts.append(jax.tree.map(lambda x, n=count: np.asarray(x)[:n], blocks))
        joined = jax.tree.map(lambda *x: np.concatenate(x), *parts) if parts else {}
        return GradientFactors(self.weights.slices, len(tests), joined)

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
def _jvp(graph: Any, state: Any, change: Any, z: jax.Array, start: str) -> jax.Array:
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


def margin_cotangents(labels: np.ndarray, rivals: np.ndarray, classes: int) -> np.ndarray:
    """Cotangents of margins, a margin being the logit of a label minus that of a rival class.

    Args:
        labels, rivals: (K,) of each row.
        classes: number of logits.

    Returns:
        (K, classes), 1 at the label and -1 at the rival.
    """
    identity = np.eye(classes)
    return identity[labels] - identity[rivals]
