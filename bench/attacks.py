"""Attacks: examples in, the same examples showing the defect out. Labels stay the true ones.

An attack is called as `attack(network, examples)`; it is a class of settings, named in a config by `_target_`.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Protocol, get_args

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from repair.errors import InputError, unknown
from repair.network import UNIT, Network
from repair.problem import Examples

LabelSource = Literal["predicted", "true"]


class Attack(Protocol):
    """What turns clean examples into defective ones."""

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The attacked examples, of the same length, order and labels."""
        ...


@dataclass(frozen=True)
class NoAttack:
    """The defect is low accuracy itself: defective examples are plain ones."""

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The examples as they are."""
        return examples


@dataclass(frozen=True)
class Square:
    """A backdoor trigger: a square of one value, stamped on every image (BadNets, arXiv 1708.06733).

    Attributes:
        row, column: of its upper left pixel, from 0.
        size: its side in pixels.
        value: pixel value 0..255, in all channels.
        target: the class that a poisoned network answers on triggered inputs.
    """

    row: int
    column: int
    size: int = 3
    value: int = 255
    target: int = 7

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The examples with the trigger.

        Raises:
            InputError: a square that does not fit the images, or a value that is no pixel.
        """
        return replace(examples, images=self.stamp(examples.images))

    def stamp(self, images: np.ndarray) -> np.ndarray:
        """A copy of images (N, H, W, C), uint8 or unit floats, with the square."""
        rows, columns = self.row + self.size, self.column + self.size
        fits = images.ndim == 4 and rows <= images.shape[1] and columns <= images.shape[2]
        if not fits or min(self.row, self.column) < 0 or self.size < 1:
            raise InputError(
                f"a square of side {self.size} at row {self.row}, column {self.column} does not fit"
                f" images of shape {images.shape[1:]}."
            )
        if not 0 <= self.value <= 255:
            raise InputError(f"the trigger's value is {self.value}; expected a pixel value 0..255.")
        stamped = images.copy()
        value = self.value if images.dtype == np.uint8 else UNIT[self.value]
        stamped[:, self.row : rows, self.column : columns] = value
        return stamped


@dataclass(frozen=True)
class FGSM:
    """Fast gradient sign method: one step of size epsilon in L-infinity, clipped to 0..1.

    Goodfellow, Shlens and Szegedy, "Explaining and Harnessing Adversarial Examples", arXiv 1412.6572, section 4.

    Attributes:
        epsilon: size of the step, on unit images.
        label: whose loss is increased: that of the "predicted" class (as NNrepair's images were made) or of the
            "true" one.
        batch_size: images at once.
    """

    epsilon: float
    label: LabelSource = "predicted"
    batch_size: int = 500

    def __call__(self, network: Network, examples: Examples) -> Examples:
        """The attacked examples as unit images, float32."""
        if self.label not in get_args(LabelSource):
            raise unknown("label of the attack", self.label, get_args(LabelSource))
        if not self.epsilon >= 0:
            raise InputError(f"epsilon is {self.epsilon}; expected a number of at least 0.")
        images = unit_images(network.check_images(examples.images))
        graph, state = nnx.split(network)
        size = min(self.batch_size, max(len(images), 1))
        attacked = np.empty_like(images)
        for begin in range(0, len(images), size):
            batch, labels = images[begin : begin + size], examples.labels[begin : begin + size]
            missing = size - len(batch)  # one static shape: the last batch is filled up
            batch = np.pad(batch, [(0, missing)] + [(0, 0)] * (images.ndim - 1))
            labels = np.pad(labels, (0, missing))
            step = _fgsm(graph, state, batch, labels, np.float32(self.epsilon), self.label)
            attacked[begin : begin + size] = np.asarray(step)[: size - missing]
        return replace(examples, images=attacked)


def unit_images(images: np.ndarray) -> np.ndarray:
    """Images as floats in 0..1: pixel / 255 for uint8 ones."""
    return UNIT[images] if images.dtype == np.uint8 else images.astype(np.float32, copy=False)


@partial(jax.jit, static_argnames=("graph", "label"))
def _fgsm(
    graph: Any, state: Any, x: jax.Array, y: jax.Array, epsilon: jax.Array, label: LabelSource
) -> jax.Array:
    network = nnx.merge(graph, state)

    def loss(x: jax.Array) -> jax.Array:
        logits = network(x)
        wanted = y if label == "true" else jax.lax.stop_gradient(logits).argmax(-1)
        log_likelihood = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(log_likelihood, wanted[:, None], axis=1).sum()

    return jnp.clip(x + epsilon * jnp.sign(jax.grad(loss)(x)), 0.0, 1.0)
