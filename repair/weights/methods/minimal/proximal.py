"""Accelerated proximal gradient descent on a smooth function plus a priced norm.

FISTA (Beck and Teboulle, SIAM J. Imaging Sciences 2, 2009) with backtracking, a length of its own for each weight and
restarts where momentum points uphill (O'Donoghue and Candes, "Adaptive restart for accelerated gradient schemes",
Foundations of Computational Mathematics 15, 2015). All arrays stay on the device; a step costs one gradient and one
value of the smooth function.
"""

import time
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from repair.weights.methods.minimal import norms

LONGER, SHORTER = 1.1, 0.5
ROUNDING = 2e-6  # relative error of a float32 value
STILL, CALM = 1e-5, 3  # ends after CALM steps in a row with a smaller relative fall than STILL
SHORTEST = 1e-6


class Smooth(Protocol):
    """A differentiable function of x (n,)."""

    def value(self, x: jax.Array) -> float:
        """At x."""
        ...

    def value_and_gradient(self, x: jax.Array) -> tuple[float, jax.Array]:
        """At x."""
        ...


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where a descent is: x (n,), the length of its steps relative to `scales`, and how many it has made."""

    x: jax.Array
    rate: float = 1.0
    steps: int = 0


def minimise(
    smooth: Smooth,
    start: Iterate,
    price: jax.Array,
    scales: jax.Array,
    *,
    norm: norms.Kind = "l1",
    bound: float,
    steps: int,
    until: float,
) -> Iterate:
    """Lower smooth(x) + the norm of price * x within |x| <= bound.

    Args:
        smooth: the function.
        start: where to start.
        price: (n,) of |x|, above 0; infinite where x must be 0.
        scales: (n,) lengths of the steps.
        norm: its kind.
        bound: largest |x|.
        steps: most steps.
        until: time (time.perf_counter) at which to stop.
    """
    x, rate, done = start.x, start.rate, 0
    y, age, last, calm = x, 0, np.inf, 0
    while done < steps and calm < CALM and rate > SHORTEST and time.perf_counter() < until:
        value, gradient = smooth.value_and_gradient(y)
        tried = _step(x, y, gradient, rate, price, scales, bound, norm)
        after = smooth.value(tried.x)
        while after > value + tried.model(rate) + ROUNDING * abs(value) and rate > SHORTEST:
            rate *= SHORTER
            tried = _step(x, y, gradient, rate, price, scales, bound, norm)
            after = smooth.value(tried.x)
        age = 0 if float(tried.uphill) > 0 else age + 1
        y = _extrapolated(tried.x, x, age / (age + 3))
        x, rate, done = tried.x, rate * LONGER, done + 1
        total = after + float(tried.norm)
        calm = calm + 1 if abs(last - total) <= STILL * total else 0
        last = total
    return Iterate(x, max(rate, 2 * SHORTEST), start.steps + done)


class _Tried(NamedTuple):
    """A step to x: <gradient, step>, |step|^2 / scales, whether momentum points uphill (> 0), priced norm of x."""

    x: jax.Array
    linear: jax.Array
    square: jax.Array
    uphill: jax.Array
    norm: jax.Array

    def model(self, rate: float) -> float:
        """The most by which the smooth function may rise."""
        return float(self.linear) + float(self.square) / (2 * rate)


@partial(jax.jit, static_argnames="kind")
def _step(
    x: jax.Array,
    y: jax.Array,
    gradient: jax.Array,
    rate: float,
    price: jax.Array,
    scales: jax.Array,
    bound: float,
    kind: norms.Kind,
) -> _Tried:
    length = rate * scales
    to = y - length * gradient
    new = norms.proximal(kind, to, length, price, bound)
    moved = new - y
    per_length = jnp.where(length > 0, 1.0 / jnp.where(scales > 0, scales, 1.0), 0.0)
    square = (moved * moved * per_length).sum()
    uphill = ((y - new) * (new - x) * per_length).sum()
    linear = (gradient * moved).sum()
    return _Tried(new, linear, square, uphill, norms.value(kind, new, price))


@jax.jit
def _extrapolated(new: jax.Array, x: jax.Array, momentum: float) -> jax.Array:
    return new + momentum * (new - x)
