"""How far a network's answers are from its teachers', as a smooth function of a change of its weights.

Values, gradients and curvature come from compiled functions of one batch, called batch after batch: the tests stay
on the devices, split over them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.scipy.special import xlogy

from repair.weights.network.batches import over_devices, replicated
from repair.weights.patch import Key
from repair.weights.tangent import Tangent, Weights

POWER_STEPS = 4
SAMPLE = 256  # tests that tell the curvature


class Batch(NamedTuple):
    """Tests on the devices: what enters the first layer, what is taught, and how much each counts."""

    entering: jax.Array
    taught: jax.Array
    importance: jax.Array


class Place(NamedTuple):
    """Where the vector of all weights holds one array."""

    layer: str
    key: str
    start: int
    stop: int
    shape: tuple[int, ...]


class Structure:
    """All that is static, hashed once: a step calls compiled functions many times.

    Attributes:
        graph, tree: of the network, and of its arrays.
        first: the layer that tests enter.
        places: of the weights.
    """

    def __init__(self, graph: Any, tree: Any, first: str, places: tuple[Place, ...]):
        self.graph, self.tree, self.first, self.places = graph, tree, first, places
        self._parts = (graph, tree, first, places)
        self._hash = hash(self._parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Structure) and self._parts == other._parts)


@dataclass(frozen=True, eq=False)
class Divergence:
    """Mean over tests of importance * T * KL(taught || softmax(logits / T)), T the temperature.

    A change x (n,) of the weights is float32 and in their units.

    Attributes:
        weights: what may change.
        batches: the tests.
        temperature: T.
        arrays: of the weights, those that x changes; where it is 0 throughout, the others can be left out.
    """

    weights: Weights
    batches: Sequence[Batch]
    temperature: float
    arrays: frozenset[Key]

    @classmethod
    def over(
        cls, start: Tangent, taught: np.ndarray, importance: np.ndarray, temperature: float
    ) -> Self:
        """Over all tests of a tangent; taught (N, classes), importance (N,)."""
        # Every batch holds tests of all kinds: the first ones are a sample.
        order = np.random.default_rng(0).permutation(len(taught))
        tests = (start.entering, taught, importance)
        batches = _batches(tests, order, _batch_size(start.weights, len(taught)))
        return cls(start.weights, batches, temperature, frozenset(start.weights.slices))

    def value(self, x: jax.Array) -> float:
        """At a change x (n,)."""
        parts = [_value(*self._fixed, x, batch, self.temperature) for batch in self.batches]
        return sum(map(float, parts)) / self._total

    def value_and_gradient(self, x: jax.Array) -> tuple[float, jax.Array]:
        """At a change x (n,): the value, and its gradient (n,)."""
        parts = [_slope(*self._fixed, x, batch, self.temperature) for batch in self.batches]
        gradient = sum(slope for _, slope in parts) / self._total
        return sum(float(value) for value, _ in parts) / self._total, jnp.asarray(gradient)

    def gradient(self, x: jax.Array, number: int) -> jax.Array:
        """(n,) at a change x (n,), by the tests of one batch alone."""
        slope = _slope(*self._fixed, x, self.batches[number], self.temperature)[1]
        return slope * (len(self.batches) / self._total)

    def in_batches(self, size: int) -> Self:
        """The same in batches of so many tests, or a few more: as many on each device."""
        tests = [
            np.concatenate([np.asarray(part) for part in parts])
            for parts in zip(*self.batches, strict=True)
        ]
        return replace(self, batches=_batches(tests, np.flatnonzero(tests[-1]), size))

    @cached_property
    def scales(self) -> jax.Array:
        """(n,) 1 / curvature: of each array of weights, the largest eigenvalue of the Gauss-Newton matrix's block.

        By power iteration on a sample; gradient steps of these lengths are what each array bears.
        """
        sample, n = self._sample(), len(self.weights)
        seen = float(sample.importance.sum())
        start = jax.random.normal(jax.random.key(0), (n,), jnp.float32)
        scales = np.ones(n, np.float32)
        for where in self.weights.slices.values():
            block = jnp.zeros(n, jnp.float32).at[where].set(1.0)
            vector, largest = start * block, 0.0
            for _ in range(POWER_STEPS):
                vector = vector / jnp.linalg.norm(vector)
                bent = _curvature(*self._fixed, vector, sample, self.temperature)
                vector = bent * block / seen
                largest = float(jnp.linalg.norm(vector))
                if not largest > 0:
                    break
            scales[where] = 1.0 / largest if largest > 0 else 0.0
        return jnp.asarray(scales)

    def _sample(self) -> Batch:
        batch = self.batches[0]
        count = min(SAMPLE, len(batch.importance))
        count -= count % jax.local_device_count()
        return Batch(*jax.device_put([x[:count] for x in batch], over_devices("batch")))

    def along(self, chosen: np.ndarray) -> Self:
        """The same for changes x of the chosen weights (n,) alone; gradients of arrays without any are not computed."""
        slices = self.weights.slices.items()
        return replace(self, arrays=frozenset(key for key, where in slices if chosen[where].any()))

    def part(self, share: float) -> "Divergence":
        """Over a share of the batches, at least one: the same function of fewer tests."""
        batches = self.batches[: max(1, round(share * len(self.batches)))]
        return replace(self, batches=batches)

    @cached_property
    def _total(self) -> float:
        return float(sum(batch.importance.sum() for batch in self.batches))

    @cached_property
    def _fixed(self) -> tuple[Structure, list[jax.Array], jax.Array]:
        graph, state = nnx.split(self.weights.network)
        arrays, tree = jax.tree.flatten(replicated(state))
        shapes = {key: value.shape for key, value in self.weights.arrays.items()}
        places = tuple(
            Place(*key, where.start, where.stop, shapes[key])
            for key, where in self.weights.slices.items()
            if key in self.arrays
        )
        units = replicated(jnp.asarray(self.weights.units, jnp.float32))
        return Structure(graph, tree, self.weights.layers[0], places), arrays, units


def _batches(tests: Sequence[np.ndarray], order: np.ndarray, size: int) -> list[Batch]:
    """Parts of tests on the devices, in order, all of one size; the last is padded with tests that do not count."""
    devices = jax.local_device_count()
    size = -(-size // devices) * devices
    batches = []
    for begin in range(0, len(order), size):
        chosen = order[begin : begin + size]
        lacking = size - len(chosen)
        parts = [x[chosen].astype(np.float32) for x in tests]
        padded = [np.pad(x, [(0, lacking)] + [(0, 0)] * (x.ndim - 1)) for x in parts]
        batches.append(Batch(*jax.device_put(padded, over_devices("batch"))))
    return batches


def _batch_size(weights: Weights, count: int) -> int:
    """Tests in a batch, a power of two on every device; on CPU so few that activations are not paged in anew."""
    network = weights.network
    shapes = network.shapes[network.position(weights.layers[0]) :]
    room = 2**22 if jax.default_backend() == "cpu" else 2**31
    size = max(16, room // (4 * max(map(math.prod, shapes))))
    return min(1 << round(math.log2(min(size, 8192))), 1 << (count - 1).bit_length())


def _logits(fixed: Structure, arrays: list[jax.Array], x: jax.Array, z: jax.Array) -> Any:
    """Logits of the network with deltas x (n,) added to its weights."""
    network, places = nnx.merge(fixed.graph, jax.tree.unflatten(fixed.tree, arrays)), fixed.places
    for name in dict.fromkeys(place.layer for place in places):
        present = network.weights(name)
        moved = {
            place.key: present[place.key] + x[place.start : place.stop].reshape(place.shape)
            for place in places
            if place.layer == name
        }
        network = network.replace(name, **moved)
    return network.logits_from(z, fixed.first)


def _loss(
    fixed: Structure,
    arrays: list[jax.Array],
    units: jax.Array,
    x: jax.Array,
    batch: Batch,
    temperature: Any,
) -> jax.Array:
    logits = _logits(fixed, arrays, x * units, batch.entering)
    answers = jax.nn.log_softmax(logits / temperature)
    apart = (xlogy(batch.taught, batch.taught) - batch.taught * answers).sum(1)
    return (batch.importance * apart).sum() * temperature


_value = partial(jax.jit, static_argnames="fixed")(_loss)
_slope = partial(jax.jit, static_argnames="fixed")(jax.value_and_grad(_loss, argnums=3))


@partial(jax.jit, static_argnames="fixed")
def _curvature(
    fixed: Structure,
    arrays: list[jax.Array],
    units: jax.Array,
    v: jax.Array,
    batch: Batch,
    temperature: Any,
) -> jax.Array:
    """(n,) the Gauss-Newton matrix at no change times v (n,), summed over a batch."""

    def logits(x: jax.Array) -> Any:
        return _logits(fixed, arrays, x * units, batch.entering)

    at, along = jax.jvp(logits, (jnp.zeros_like(v),), (v,))
    back = jax.vjp(logits, jnp.zeros_like(v))[1]
    p = jax.nn.softmax(at / temperature)
    bent = p * (along - (p * along).sum(1, keepdims=True)) * batch.importance[:, None]
    return jnp.asarray(back(bent / temperature)[0])
