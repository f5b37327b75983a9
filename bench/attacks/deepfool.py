"""DeepFool: the way to the nearest face of the region in which the network gives its answer."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from bench.attacks.attack import unit_images
from bench.attacks.gradient import LabelSource, Norm
from repair.weights.network.batches import in_batches, replicated
from repair.weights.network.network import Network
from repair.weights.problem import Examples
from repair.weights.settings import Count, NotNegative, Settings

_TINY = 1e-8
# Steps end a little behind the linearised face: on it the answer would not change.
_BEYOND = 1e-4


@dataclass(frozen=True)
class DeepFool(Settings):
    """Steps to the nearest face of the network's linearisation until its answer changes, clipped to 0..1.

    Moosavi-Dezfooli, Fawzi and Frossard, "DeepFool", arXiv 1511.04599, algorithm 2 and section 3.3.

    Attributes:
        steps: the most steps.
        overshoot: the factor, beyond 1, by which the sum of the steps is stretched.
        norm: the norm in which the face is nearest, "l2" or "linf".
        label: the class to leave: the "predicted" or the "true" one. Images that are not in it stay as they are.
        batch_size: the number of images at once.
    """

    steps: Count = 50
    overshoot: NotNegative = 0.02
    norm: Norm = "l2"
    label: LabelSource = "predicted"
    batch_size: Count = 250

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The attacked examples as unit images, float32."""
        images = unit_images(network.check_images(examples.images))
        graph, state = nnx.split(network)
        state = replicated(state)
        overshoot = replicated(np.float32(self.overshoot))

        def attack(start: jax.Array, labels: jax.Array) -> jax.Array:
            left = labels if self.label == "true" else _answers(graph, state, start)
            x, total, still = start, jnp.zeros_like(start), _answers(graph, state, start) == left
            for _ in range(self.steps):  # not within the compiled code: see PGD
                if not still.any():
                    break
                x, total, still = _stepped(
                    graph, state, overshoot, start, left, x, total, still, self.norm
                )
            return x

        size = min(self.batch_size, max(len(images), 1))
        return replace(examples, images=in_batches(attack, images, size, examples.labels))


@partial(jax.jit, static_argnames=("graph",))
def _answers(graph: Any, state: Any, x: jax.Array) -> jax.Array:
    return nnx.merge(graph, state)(x).argmax(-1)


@partial(jax.jit, static_argnames=("graph", "norm"))
def _stepped(
    graph: Any,
    state: Any,
    overshoot: jax.Array,
    start: jax.Array,
    left: jax.Array,
    x: jax.Array,
    total: jax.Array,
    still: jax.Array,
    norm: Norm,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """One step: the images, the sum of the steps, and which images are still in the class that they leave."""
    network = nnx.merge(graph, state)

    def shortest(x: jax.Array, k: jax.Array) -> jax.Array:
        """The step from one image (H, W, C) to the nearest face, for the linearised network."""

        def behind(x: jax.Array) -> jax.Array:
            logits = network(x[None])[0]
            return logits - logits[k]

        behinds, gradients = behind(x), jax.jacrev(behind)(x)
        flat = gradients.reshape(len(behinds), -1)
        size = jnp.sqrt((flat * flat).sum(1)) if norm == "l2" else jnp.abs(flat).sum(1)
        away = (jnp.abs(behinds) + _BEYOND) / (size + _TINY)
        nearest = jnp.where(jnp.arange(len(behinds)) == k, jnp.inf, away).argmin()
        w = gradients[nearest]
        direction = w / (size[nearest] + _TINY) if norm == "l2" else jnp.sign(w)
        return away[nearest] * direction

    total = total + jax.vmap(shortest)(x, left)
    further = jnp.clip(start + (1 + overshoot) * total, 0.0, 1.0)
    x = jnp.where(still.reshape(-1, *(1,) * (x.ndim - 1)), further, x)
    return x, total, still & (network(x).argmax(-1) == left)
