"""How far a network's answers are from soft targets, as a smooth function of a change of its weights.

Values, gradients and curvature come from compiled functions of one batch, called batch after batch: the tests stay
on the devices, split over them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.scipy.special import xlogy

from repair.weights.methods.minimal.distillation.batches import (
    DeviceBatch,
    batch_size,
    device_batches,
    first_tests,
)
from repair.weights.network.batches import replicated
from repair.weights.patch import Key
from repair.weights.tangent import Tangent, Weights

POWER_STEPS = 4
SAMPLE = 256  # tests that tell the curvature


class ArraySlice(NamedTuple):
    """The part of the vector of all weights that is one array, in C order.

    Attributes:
        layer: whose array it is.
        key: "kernel" or "bias".
        start, stop: of the slice.
        shape: of the array.
    """

    layer: str
    key: str
    start: int
    stop: int
    shape: tuple[int, ...]


class NetworkStructure:
    """All that is static of a network, hashed once: a step calls compiled functions many times.

    Attributes:
        graph: of the network, as `flax.nnx.split` gives it.
        tree: the structure of its state.
        first: the layer that tests enter.
        slices: of the weights that may change.
    """

    def __init__(self, graph: Any, tree: Any, first: str, slices: tuple[ArraySlice, ...]):
        self.graph, self.tree, self.first, self.slices = graph, tree, first, slices
        self._parts = (graph, tree, first, slices)
        self._hash = hash(self._parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, NetworkStructure) and self._parts == other._parts
        )


@dataclass(frozen=True, eq=False)
class Divergence:
    """Weighted mean over tests of T * KL(targets || softmax(logits / T)), T the temperature.

    A change x (n,) of the weights is float32, relative to the per-weight scale. KL is the Kullback-Leibler divergence;
    its gradient in the logits is (softmax(logits / T) - targets) / T, and the factor T undoes the division.

    Attributes:
        weights: what may change.
        batches: the tests.
        temperature: T.
        arrays: those that x may change; x is 0 in all others, whose gradients are not computed.
    """

    weights: Weights
    batches: Sequence[DeviceBatch]
    temperature: float
    arrays: frozenset[Key]

    @classmethod
    def over(
        cls, start: Tangent, targets: np.ndarray, sample_weights: np.ndarray, temperature: float
    ) -> Self:
        """Over all tests of a tangent.

        Args:
            start: at the unrepaired network.
            targets: (N, classes) soft targets.
            sample_weights: (N,) above 0.
            temperature: T.
        """
        # Every batch holds tests of all kinds: the first ones are a sample.
        order = np.random.default_rng(0).permutation(len(targets))
        tests = (start.entering, targets, sample_weights)
        batches = device_batches(tests, order, batch_size(start.weights, len(targets)))
        return cls(start.weights, batches, temperature, frozenset(start.weights.slices))

    def value(self, x: jax.Array) -> float:
        """The value at a change x (n,)."""
        parts = [_value(*self._fixed, x, batch, self.temperature) for batch in self.batches]
        return sum(map(float, parts)) / self._total

    def value_and_gradient(self, x: jax.Array) -> tuple[float, jax.Array]:
        """The value and the gradient (n,) at a change x (n,)."""
        parts = [
            _value_and_gradient(*self._fixed, x, batch, self.temperature) for batch in self.batches
        ]
        gradient = sum(gradient for _, gradient in parts) / self._total
        return sum(float(value) for value, _ in parts) / self._total, jnp.asarray(gradient)

    def gradient(self, x: jax.Array, number: int) -> jax.Array:
        """The gradient (n,) at a change x (n,), by the tests of one batch alone."""
        gradient = _value_and_gradient(*self._fixed, x, self.batches[number], self.temperature)[1]
        return gradient * (len(self.batches) / self._total)

    def in_batches(self, size: int) -> Self:
        """The same in batches of so many tests, or a few more: as many on each device."""
        tests = [
            np.concatenate([np.asarray(part) for part in parts])
            for parts in zip(*self.batches, strict=True)
        ]
        return replace(self, batches=device_batches(tests, np.flatnonzero(tests[-1]), size))

    @cached_property
    def step_sizes(self) -> jax.Array:
        """(n,) step size of gradient descent for each weight, one for each array: 1 / its largest curvature.

        The curvature is the largest eigenvalue of the array's block of the Gauss-Newton matrix, by power iteration on
        a sample of the tests.
        """
        sample, n = first_tests(self.batches[0], SAMPLE), len(self.weights)
        total = float(sample.sample_weights.sum())
        start = jax.random.normal(jax.random.key(0), (n,), jnp.float32)
        sizes = np.ones(n, np.float32)
        for where in self.weights.slices.values():
            block = jnp.zeros(n, jnp.float32).at[where].set(1.0)
            vector, largest = start * block, 0.0
            for _ in range(POWER_STEPS):
                vector = vector / jnp.linalg.norm(vector)
                product = _gauss_newton(*self._fixed, vector, sample, self.temperature)
                vector = product * block / total
                largest = float(jnp.linalg.norm(vector))
                if not largest > 0:
                    break
            sizes[where] = 1.0 / largest if largest > 0 else 0.0
        return jnp.asarray(sizes)

    def restricted(self, chosen: np.ndarray) -> Self:
        """The same for changes x of the chosen weights (n,) bool alone."""
        slices = self.weights.slices.items()
        return replace(self, arrays=frozenset(key for key, where in slices if chosen[where].any()))

    def part(self, fraction: float) -> Self:
        """Over a fraction of the batches, at least one: the same function of fewer tests."""
        batches = self.batches[: max(1, round(fraction * len(self.batches)))]
        return replace(self, batches=batches)

    @cached_property
    def _total(self) -> float:
        return float(sum(batch.sample_weights.sum() for batch in self.batches))

    @cached_property
    def _fixed(self) -> tuple[NetworkStructure, list[jax.Array], jax.Array]:
        graph, state = nnx.split(self.weights.network)
        arrays, tree = jax.tree.flatten(replicated(state))
        shapes = {key: value.shape for key, value in self.weights.arrays.items()}
        slices = tuple(
            ArraySlice(*key, where.start, where.stop, shapes[key])
            for key, where in self.weights.slices.items()
            if key in self.arrays
        )
        scale = replicated(jnp.asarray(self.weights.scale, jnp.float32))
        return NetworkStructure(graph, tree, self.weights.layers[0], slices), arrays, scale


def _logits(
    fixed: NetworkStructure, arrays: list[jax.Array], deltas: jax.Array, z: jax.Array
) -> Any:
    """Logits (N, classes) of the network with deltas (n,) added to its weights, of activations z (N, ...)."""
    network = nnx.merge(fixed.graph, jax.tree.unflatten(fixed.tree, arrays))
    for name in dict.fromkeys(part.layer for part in fixed.slices):
        present = network.weights(name)
        changed = {
            part.key: present[part.key] + deltas[part.start : part.stop].reshape(part.shape)
            for part in fixed.slices
            if part.layer == name
        }
        network = network.replace(name, **changed)
    return network.logits_from(z, fixed.first)


def _loss(
    fixed: NetworkStructure,
    arrays: list[jax.Array],
    scale: jax.Array,
    x: jax.Array,
    batch: DeviceBatch,
    temperature: Any,
) -> jax.Array:
    """Sum over a batch of sample_weight * T * KL(targets || softmax(logits / T)), a number."""
    logits = _logits(fixed, arrays, x * scale, batch.entering)
    answers = jax.nn.log_softmax(logits / temperature)
    divergence = (xlogy(batch.targets, batch.targets) - batch.targets * answers).sum(1)
    return (batch.sample_weights * divergence).sum() * temperature


_value = partial(jax.jit, static_argnames="fixed")(_loss)
_value_and_gradient = partial(jax.jit, static_argnames="fixed")(
    jax.value_and_grad(_loss, argnums=3)
)


@partial(jax.jit, static_argnames="fixed")
def _gauss_newton(
    fixed: NetworkStructure,
    arrays: list[jax.Array],
    scale: jax.Array,
    v: jax.Array,
    batch: DeviceBatch,
    temperature: Any,
) -> jax.Array:
    """(n,) the Gauss-Newton matrix at no change times v (n,), summed over a batch."""

    def logits(x: jax.Array) -> Any:
        return _logits(fixed, arrays, x * scale, batch.entering)

    at, change = jax.jvp(logits, (jnp.zeros_like(v),), (v,))
    back = jax.vjp(logits, jnp.zeros_like(v))[1]
    p = jax.nn.softmax(at / temperature)
    product = p * (change - (p * change).sum(1, keepdims=True)) * batch.sample_weights[:, None]
    return jnp.asarray(back(product / temperature)[0])
