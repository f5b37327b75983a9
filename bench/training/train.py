"""Training: deterministic by seed, compiled, data on the devices, batches split over all of them."""

import logging
import time
from dataclasses import dataclass
from functools import cache, partial
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from pydantic import Field

from bench.attacks import unit_images
from bench.training.architectures import Architecture
from bench.training.augment import flipped_and_cropped
from bench.training.flaws import HELD_OUT
from repair.errors import InputError
from repair.weights.network.batches import over_devices, replicated
from repair.weights.network.convolution import Shape
from repair.weights.network.network import Network
from repair.weights.problem import Examples
from repair.weights.settings import Count, NotNegative, Positive, Settings

Precision = Literal["float32", "bfloat16"]
Optimizer = Literal["adam", "sgd"]
Schedule = Literal["constant", "cosine"]
# Random keys for as many kernels.
KERNELS = 256
# Seconds between lines about a long training.
SAY_EVERY = 10.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training(Settings):
    """How a network is trained, on the cross-entropy.

    Attributes:
        epochs: the most passes over the data.
        batch_size: the number of examples in a step; the rest of an epoch that fills no batch is left out of it.
        optimizer: "adam" (Kingma and Ba, arXiv 1412.6980), or "sgd" with Nesterov momentum 0.9.
        learning_rate: the learning rate of the optimizer.
        schedule: how the learning rate changes: "constant", or "cosine" down to zero (Loshchilov and Hutter, arXiv
            1608.03983).
        weight_decay: the share of a kernel that is taken away in a step, times the learning rate (arXiv 1711.05101).
        precision: the number type of activations and gradients; weights and statistics are float32 always.
        augment: whether images are flipped left to right and shifted by up to 4 pixels, at random.
        held_out: the share of the training data that is held out, to choose the epoch whose weights are kept.
        patience: the number of epochs without a smaller held-out loss after which training stops; None: never.
    """

    epochs: Count = 60
    batch_size: Count = 64
    optimizer: Optimizer = "adam"
    learning_rate: Positive = 3e-3
    schedule: Schedule = "constant"
    weight_decay: NotNegative = 0.0
    precision: Precision = "float32"
    augment: bool = False
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.0
    patience: Count | None = None

    def __post_init__(self) -> None:
        """InputError for settings that do not fit each other."""
        super().__post_init__()
        if self.patience is not None and not self.held_out:
            raise InputError(
                f"{type(self).__name__}: patience is {self.patience}; expected at least 1, with held_out above 0."
            )


def initial(
    architecture: Architecture, shape: Shape, classes: int, seed: int
) -> tuple[Network, jax.Array]:
    """The untrained network, a function of the seed, and a random key of the same seed that it did not use."""
    drawn: tuple[Network, jax.Array] = _drawn(
        _Untrained(architecture, shape, classes), jax.random.key(seed)
    )
    return drawn


def structure(architecture: Architecture, shape: Shape, classes: int) -> Network:
    """The network with shapes in place of weights; nothing is computed."""
    network: Network = nnx.eval_shape(lambda: initial(architecture, shape, classes, seed=0)[0])
    return network


def train(
    settings: Training, architecture: Architecture, examples: Examples, classes: int, seed: int
) -> Network:
    """A trained network, a function of its arguments (and, in the last digits, of the devices).

    Args:
        settings: how the network is trained.
        architecture: what is trained.
        examples: the training data, images (N, H, W, C).
        classes: the number of classes.
        seed: the seed of the initial weights, of what is held out, of the order of the batches and of augmentation.

    Raises:
        InputError: fewer examples than a batch.
    """
    network, unused = initial(architecture, examples.images.shape[1:], classes, seed)
    learned, held = _apart(examples, settings.held_out, seed)
    steps = len(learned) // settings.batch_size
    if not steps:
        raise InputError(
            f"{len(learned)} training images do not fill one batch of {settings.batch_size}; ask for a smaller"
            " batch_size or more images."
        )
    graph, weights, statistics, rest = nnx.split(network, nnx.Param, nnx.BatchStat, ...)  # type: ignore[misc]
    optimizer = _optimizer(settings, steps)
    images, labels = replicated((unit_images(learned.images), learned.labels))
    state = replicated((weights, statistics, optimizer.init(weights)))
    best = _Best(settings.patience)
    logged_at = time.monotonic()
    # On CPU a convolution within a loop took 25 times as long: there each step is a call of its own.
    steps_at_once = 1 if _convolves(network) and jax.default_backend() == "cpu" else steps
    for epoch, key in enumerate(jax.random.split(unused, settings.epochs), 1):
        batches = jax.random.permutation(key, len(learned))[: steps * settings.batch_size]
        order = replicated((batches.reshape(steps, settings.batch_size), key))
        losses = []
        for begin in range(0, steps, steps_at_once):
            state, loss = _steps(
                graph, rest, optimizer, settings, steps_at_once, state, images, labels, order, begin
            )
            losses.append(loss)
        now = nnx.merge(graph, *state[:2], rest)
        done = best.seen(now, held)
        if time.monotonic() > logged_at + SAY_EVERY:
            logged_at = time.monotonic()
            log.info("epoch %d of %d: loss %.4f%s", epoch, settings.epochs, np.mean(losses), best)
        if done:
            break
        network = now
    return best.network or network


class _Best:
    """The network of the smallest held-out loss so far."""

    def __init__(self, patience: int | None):
        self.patience, self.since = patience, 0
        self.loss = np.inf
        self.network: Network | None = None

    def seen(self, network: Network, held: Examples) -> bool:
        """Takes a network into account; whether it is time to stop."""
        if not len(held):
            return False
        logits = jnp.asarray(network.logits(held.images))
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, jnp.asarray(held.labels))
        loss = float(losses.mean())
        self.since += 1
        if loss < self.loss:
            self.loss, self.network, self.since = loss, network, 0
        return self.patience is not None and self.since >= self.patience

    def __str__(self) -> str:
        return "" if self.network is None else f", held-out loss at best {self.loss:.4f}"


def _apart(examples: Examples, share: float, seed: int) -> tuple[Examples, Examples]:
    """Examples to learn from, and those held out, drawn by seed."""
    count = round(share * len(examples))
    held = np.zeros(len(examples), bool)
    held[np.random.default_rng([seed, HELD_OUT]).permutation(len(examples))[:count]] = True
    return (examples if not count else examples.take(~held)), examples.take(held)


@cache  # the same object for the same settings, so that compiled epochs are shared
def _optimizer(settings: Training, steps: int) -> optax.GradientTransformation:
    rate: Any = settings.learning_rate
    if settings.schedule == "cosine":
        rate = optax.cosine_decay_schedule(rate, settings.epochs * steps)
    ascent = optax.scale_by_adam()
    if settings.optimizer == "sgd":
        ascent = optax.trace(decay=0.9, nesterov=True)
    decay = [optax.add_decayed_weights(settings.weight_decay, _kernels)]
    return optax.chain(
        ascent, *decay * (settings.weight_decay > 0), optax.scale_by_learning_rate(rate)
    )


class _Untrained:
    """What makes an untrained network; two that make the same share a compiled function."""

    def __init__(self, architecture: Architecture, shape: Shape, classes: int):
        self.architecture, self.shape, self.classes = architecture, shape, classes
        self._parts = (type(architecture), repr(architecture), shape, classes)

    def __hash__(self) -> int:
        return hash(self._parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Untrained) and self._parts == other._parts


def _draw(untrained: _Untrained, key: jax.Array) -> tuple[Network, jax.Array]:
    keys = iter(jax.random.split(key, KERNELS))
    return untrained.architecture(keys, untrained.shape, untrained.classes), next(keys)


# One compilation, not one for each kernel's shape and step.
_drawn: Any = nnx.jit(_draw, static_argnames="untrained")


def _convolves(network: Network) -> bool:
    return any(leaf.ndim == 4 for leaf in jax.tree.leaves(nnx.state(network, nnx.Param)))


def _kernels(weights: Any) -> Any:
    return jax.tree.map(lambda weight: weight.ndim > 1, weights)


@partial(jax.jit, static_argnames=("graph", "optimizer", "settings", "count"))
def _steps(
    graph: Any,
    rest: Any,
    optimizer: optax.GradientTransformation,
    settings: Training,
    count: int,
    state: Any,
    images: jax.Array,
    labels: jax.Array,
    order: tuple[jax.Array, jax.Array],
    begin: int,
) -> tuple[Any, jax.Array]:
    """`count` steps of an epoch from step `begin` on."""
    batches, key = order
    batches = jax.lax.dynamic_slice_in_dim(batches, begin, count)
    indices = begin + jnp.arange(count)
    dtype = jnp.dtype(settings.precision)
    split = settings.batch_size % jax.device_count() == 0
    sharding = over_devices("batch") if split else over_devices()

    def loss(weights: Any, statistics: Any, x: jax.Array, y: jax.Array) -> tuple[jax.Array, Any]:
        weights = jax.tree.map(lambda weight: weight.astype(dtype), weights)
        network = nnx.merge(graph, weights, statistics, rest, copy=True)  # its statistics change
        network.train()
        first = network.names[0]
        logits = network.logits_from(network.features(x, first).astype(dtype), first)
        logits = logits.astype(jnp.float32)
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, y)
        return losses.mean(), nnx.state(network, nnx.BatchStat)

    def step(carry: Any, at: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
        weights, statistics, moments = carry
        batch, index = at
        x, y = images[batch], labels[batch]
        if settings.augment:
            x = flipped_and_cropped(jax.random.fold_in(key, index), x)
        x, y = jax.lax.with_sharding_constraint((x, y), sharding)  # type: ignore[no-untyped-call]
        (value, statistics), gradients = jax.value_and_grad(loss, has_aux=True)(
            weights, statistics, x, y
        )
        with jax.numpy_dtype_promotion("standard"):  # optax mixes its counter with floats
            updates, moments = optimizer.update(gradients, moments, weights)
        return (optax.apply_updates(weights, updates), statistics, moments), value

    if count == 1:  # a scan, of one step too, is a loop
        return step(state, (batches[0], indices[0]))
    state, losses = jax.lax.scan(step, state, (batches, indices))
    return state, losses.mean()
