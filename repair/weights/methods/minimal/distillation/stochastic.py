"""Adam on small batches of the tests (Kingma and Ba, arXiv 1412.6980), for weights that have been chosen already.

Where a pass over all tests takes seconds, a proximal descent makes too few of them: enough to choose weights, not to
fit them.
"""

import math
import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from repair.weights.methods.minimal.distillation.divergence import Divergence

ADAM = optax.scale_by_adam()
LAST = 0.1  # learning rate at the end, relative to that at the start, along a cosine


def fitted(
    loss: Divergence,
    start: jax.Array,
    chosen: jax.Array,
    *,
    epochs: int,
    rate: float,
    bound: float,
    until: float,
) -> jax.Array:
    """Lower a loss by Adam within |x| <= bound, in the chosen weights alone.

    Args:
        loss: over all tests; each of its batches makes a step.
        start: (n,) where to start.
        chosen: (n,) bool.
        epochs: passes over the tests.
        rate: learning rate, in the scale of the weights.
        bound: largest |x|.
        until: time (time.perf_counter) at which to stop.

    Returns:
        (n,) the change x, 0 but for the chosen weights.
    """
    count, loss = len(loss.batches), loss.restricted(np.asarray(chosen))
    x, moments = jnp.where(chosen, start, 0.0), ADAM.init(start)
    rng, steps, done = np.random.default_rng(0), epochs * count, 0
    for _ in range(epochs):
        for number in rng.permutation(count):
            if time.perf_counter() >= until:
                return x
            falling = LAST + (1 - LAST) * (1 + math.cos(math.pi * done / steps)) / 2
            gradient = loss.gradient(x, number)
            x, moments = _step(x, moments, gradient, chosen, rate * falling, bound)
            # Or the clock runs ahead of the device.
            jax.block_until_ready(x)  # type: ignore[no-untyped-call]
            done += 1
    return x


@partial(jax.jit, donate_argnums=(0, 1))
def _step(
    x: jax.Array, moments: Any, gradient: jax.Array, chosen: jax.Array, rate: float, bound: float
) -> tuple[jax.Array, Any]:
    with jax.numpy_dtype_promotion("standard"):  # optax raises floats to whole powers
        updates, moments = ADAM.update(gradient * chosen, moments)
    return jnp.clip(x - rate * updates, -bound, bound), moments
