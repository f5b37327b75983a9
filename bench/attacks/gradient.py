"""Attacks along the gradient of the loss, inside a ball around the image: FGSM and PGD."""

import math
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from bench.attacks.attack import unit_images
from repair.weights.network.batches import in_batches, replicated
from repair.weights.network.network import Network
from repair.weights.problem import Examples
from repair.weights.settings import Count, NotNegative, Positive, Seed, Settings

LabelSource = Literal["predicted", "true"]
Norm = Literal["linf", "l2"]
# A gradient of this length or less has no direction.
_TINY = 1e-12


@dataclass(frozen=True, kw_only=True)
class _Ascent(Settings):
    label: LabelSource = "predicted"
    norm: Norm = "linf"
    batch_size: Count = 500

    def _ascend(
        self,
        network: Network,
        examples: Examples,
        epsilon: float,
        step_size: float,
        steps: int,
        seed: int | None,
    ) -> Examples:
        """The examples as unit images, float32, after steps uphill; a seed gives them a random start."""
        images = unit_images(network.check_images(examples.images))
        graph, state = nnx.split(network)
        key = jax.random.key(seed or 0)
        settings = replicated((state, np.float32(epsilon), np.float32(step_size), key))

        def attack(start: jax.Array, labels: jax.Array, indices: jax.Array) -> jax.Array:
            x, y = _begun(
                graph, settings, start, labels, indices, self.label, self.norm, seed is not None
            )
            # Not within the compiled code: there XLA's convolutions are slow on CPU.
            for _ in range(steps):
                x = _stepped(graph, settings, start, x, y, self.norm)
            return x

        size = min(self.batch_size, max(len(images), 1))
        indices = np.arange(len(images), dtype=np.int32)
        return replace(examples, images=in_batches(attack, images, size, examples.labels, indices))


@dataclass(frozen=True)
class FGSM(_Ascent):
    """Fast gradient sign method: one step of size epsilon, clipped to 0..1.

    Goodfellow, Shlens and Szegedy, "Explaining and Harnessing Adversarial Examples", arXiv 1412.6572, section 4.

    Attributes:
        epsilon: the size of the step, on unit images.
        label: the class whose loss is increased: the "predicted" one (as NNrepair's images were made) or the "true"
            one.
        norm: "linf" for a step along the sign of the gradient, "l2" for one along the gradient.
        batch_size: the number of images at once.
    """

    epsilon: NotNegative

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The attacked examples as unit images, float32."""
        return self._ascend(network, examples, self.epsilon, self.epsilon, 1, None)


@dataclass(frozen=True)
class PGD(_Ascent):
    """Projected gradient ascent on the loss, within a ball around the image and within 0..1.

    Madry, Makelov, Schmidt, Tsipras and Vladu, "Towards Deep Learning Models Resistant to Adversarial Attacks",
    arXiv 1706.06083, section 2.1.

    Attributes:
        epsilon: the radius of the ball, on unit images.
        steps: the number of steps.
        step_size: the size of each step, in the norm; None for 2.5 * epsilon / steps, as the authors' code for
            CIFAR-10 has it.
        seed: the seed of a random start in the ball; None to start at the image.
        label: the class whose loss is increased: the one "predicted" for the image, or the "true" one.
        norm: the norm of ball and steps, "linf" or "l2".
        batch_size: the number of images at once; the result does not depend on it.
    """

    epsilon: NotNegative
    steps: Count = 20
    step_size: Positive | None = None
    seed: Seed | None = 0
    label: LabelSource = field(default="true", kw_only=True)

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The attacked examples as unit images, float32."""
        size = 2.5 * self.epsilon / self.steps if self.step_size is None else self.step_size
        return self._ascend(network, examples, self.epsilon, size, self.steps, self.seed)


def _steepest(gradients: jax.Array, norm: Norm) -> jax.Array:
    """The direction of length 1 in which each image's loss grows most."""
    if norm == "linf":
        return jnp.sign(gradients)
    return gradients / jnp.maximum(_lengths(gradients), _TINY)


def _lengths(x: jax.Array) -> jax.Array:
    """Euclidean length of each image, (N, 1, ...) beside x (N, ...)."""
    return jnp.sqrt((x * x).sum(tuple(range(1, x.ndim)), keepdims=True))


@partial(jax.jit, static_argnames=("graph", "label", "norm", "random_start"))
def _begun(
    graph: Any,
    settings: Any,
    start: jax.Array,
    labels: jax.Array,
    indices: jax.Array,
    label: LabelSource,
    norm: Norm,
    random_start: bool,
) -> tuple[jax.Array, jax.Array]:
    """Where the steps begin, and the classes whose loss is to grow."""
    state, epsilon, _, key = settings
    y = labels if label == "true" else nnx.merge(graph, state)(start).argmax(-1)
    if not random_start:
        return start, y
    # By the image's index: the same start in every batch and on any number of devices.
    keys = jax.vmap(partial(jax.random.fold_in, key))(indices)
    point = partial(_in_ball, shape=start.shape[1:], norm=norm)
    return _within(start, epsilon, start + epsilon * jax.vmap(point)(keys), norm), y


@partial(jax.jit, static_argnames=("graph", "norm"))
def _stepped(
    graph: Any, settings: Any, start: jax.Array, x: jax.Array, y: jax.Array, norm: Norm
) -> jax.Array:
    state, epsilon, step_size, _ = settings
    network = nnx.merge(graph, state)

    def loss(x: jax.Array) -> jax.Array:
        log_likelihood = jax.nn.log_softmax(network(x))
        return -jnp.take_along_axis(log_likelihood, y[:, None], axis=1).sum()

    uphill = _steepest(jax.grad(loss)(x), norm)
    return _within(start, epsilon, x + step_size * uphill, norm)


def _within(start: jax.Array, epsilon: jax.Array, x: jax.Array, norm: Norm) -> jax.Array:
    """The point of the ball around `start` and of the box that x is brought to."""
    if norm == "linf":
        x = jnp.clip(x, start - epsilon, start + epsilon)
    else:
        delta = x - start
        x = start + delta * jnp.minimum(1.0, epsilon / jnp.maximum(_lengths(delta), _TINY))
    return jnp.clip(x, 0.0, 1.0)


def _in_ball(key: jax.Array, shape: tuple[int, ...], norm: Norm) -> jax.Array:
    """A uniform point of the unit ball."""
    if norm == "linf":
        return jax.random.uniform(key, shape, minval=-1.0, maxval=1.0)
    # A direction, and a radius whose power by the dimension is uniform.
    towards, far = jax.random.split(key)
    direction = jax.random.normal(towards, shape)
    radius = jax.random.uniform(far) ** (1 / math.prod(shape))
    return radius * direction / jnp.sqrt((direction * direction).sum())
