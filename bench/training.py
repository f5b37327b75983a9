"""Training of small networks: deterministic by seed, one compiled epoch, no host round trip per batch."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from bench.attacks import Attack, Square, unit_images
from repair.errors import InputError
from repair.layers import Activation, Dense, Flatten
from repair.network import Network
from repair.problem import Examples


def poison(examples: Examples, attack: Attack, rate: float, seed: int) -> Examples:
    """Training data of which a share carries the attack's trigger and its target's label.

    Args:
        examples: clean training data.
        attack: a `Square`; any other attack has no target and leaves the data as it is.
        rate: share of the examples that is poisoned, 0..1.
        seed: of the choice.
    """
    if not 0 <= rate <= 1:
        raise InputError(f"the rate of poisoning is {rate}; expected a share 0..1.")
    if not isinstance(attack, Square):
        return examples
    chosen = np.random.default_rng(seed).permutation(len(examples))[: round(rate * len(examples))]
    images, labels = examples.images.copy(), examples.labels.copy()
    images[chosen] = attack.stamp(images[chosen])
    labels[chosen] = attack.target
    return Examples(images, labels, f"{examples.name}, poisoned")


def multilayer_perceptron(
    examples: Examples,
    classes: int,
    *,
    hidden: int,
    epochs: int,
    seed: int,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
) -> Network:
    """A network flatten - dense_1 - relu - dense_2, trained with Adam on the cross-entropy.

    Args:
        examples: training data, images (N, H, W, C).
        classes: number of classes.
        hidden: units of dense_1.
        epochs: passes over the data.
        seed: of the initial weights (Glorot uniform) and of the order of the batches.
        batch_size: examples in a step; the rest of an epoch that fills no batch is left out of that epoch.
        learning_rate: of Adam.
    """
    shape = examples.images.shape[1:]
    first, second, order = jax.random.split(jax.random.key(seed), 3)
    glorot = nnx.initializers.glorot_uniform()
    network = Network(
        [
            Flatten("flatten"),
            Dense("dense_1", glorot(first, (int(np.prod(shape)), hidden), jnp.float32)),
            Activation("relu_1"),
            Dense("dense_2", glorot(second, (hidden, classes), jnp.float32)),
        ],
        input_shape=shape,
        scale="0..1",
    )
    graph, weights, rest = nnx.split(network, nnx.Param, ...)  # type: ignore[misc]
    optimizer = optax.adam(learning_rate)
    images, labels = jnp.asarray(unit_images(examples.images)), jnp.asarray(examples.labels)
    state = (weights, optimizer.init(weights))
    for key in jax.random.split(order, epochs):
        batches = jax.random.permutation(key, len(examples))[
            : len(examples) // batch_size * batch_size
        ]
        state = _epoch(
            graph, rest, optimizer, state, images, labels, batches.reshape(-1, batch_size)
        )
    return nnx.merge(graph, state[0], rest)


@partial(jax.jit, static_argnames=("graph", "optimizer"))
def _epoch(
    graph: Any,
    rest: Any,
    optimizer: optax.GradientTransformation,
    state: Any,
    images: jax.Array,
    labels: jax.Array,
    batches: jax.Array,
) -> Any:
    def loss(weights: Any, batch: jax.Array) -> jax.Array:
        logits = nnx.merge(graph, weights, rest)(images[batch])
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels[batch]).mean()

    def step(state: Any, batch: jax.Array) -> tuple[Any, None]:
        weights, moments = state
        gradients = jax.grad(loss)(weights, batch)
        with jax.numpy_dtype_promotion("standard"):  # optax mixes its counter with floats
            updates, moments = optimizer.update(gradients, moments, weights)
        return (optax.apply_updates(weights, updates), moments), None

    return jax.lax.scan(step, state, batches)[0]
