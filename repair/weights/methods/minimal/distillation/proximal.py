"""Accelerated proximal gradient descent on a smooth function plus a norm.

FISTA (Beck and Teboulle, SIAM J. Imaging Sciences 2, 2009) with backtracking, a step size of its own for each weight
and restarts where momentum points uphill (O'Donoghue and Candes, "Adaptive restart for accelerated gradient schemes",
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

# Factors of the rate: after each step, and where a step leaves the quadratic bound.
LONGER, SHORTER = 1.1, 0.5
SHORTEST = 1e-6  # least rate
ROUNDING = 2e-6  # relative error of a float32 value
# A descent ends after PATIENCE steps in a row with a smaller relative fall than FALL.
PATIENCE, FALL = 3, 1e-5


class Smooth(Protocol):
    """A differentiable function of x (n,)."""

    def value(self, x: jax.Array) -> float:
        """The value at x (n,)."""
        ...

    def value_and_gradient(self, x: jax.Array) -> tuple[float, jax.Array]:
        """The value and the gradient (n,) at x (n,)."""
        ...


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where a descent is.

    Attributes:
        x: (n,) float32.
        rate: factor of the step sizes, which backtracking has adapted.
        steps: how many led here.
    """

    x: jax.Array
    rate: float = 1.0
    steps: int = 0


def minimise(
    smooth: Smooth,
    start: Iterate,
    strengths: jax.Array,
    step_sizes: jax.Array,
    *,
    norm: norms.Kind = "l1",
    bound: float,
    steps: int,
    until: float,
) -> Iterate:
    """Lower smooth(x) + the norm of strengths * x within |x| <= bound.

    Args:
        smooth: the function.
        start: where to start.
        strengths: (n,) regularization strengths above 0; infinite where x must be 0.
        step_sizes: (n,) of gradient steps, which the rate of an iterate multiplies; x stays 0 where they are 0.
        norm: which norm.
        bound: largest |x|.
        steps: most steps.
        until: time (time.perf_counter) at which to stop.

    Returns:
        Where the descent ends: at a minimum within rounding, or for want of steps or time.
    """
    x, rate, done = start.x, start.rate, 0
    y, age, last, calm = x, 0, np.inf, 0
    while done < steps and calm < PATIENCE and rate > SHORTEST and time.perf_counter() < until:
        value, gradient = smooth.value_and_gradient(y)
        tried = _step(x, y, gradient, rate, strengths, step_sizes, bound, norm)
        after = smooth.value(tried.x)
        while after > value + tried.most_rise(rate) + ROUNDING * abs(value) and rate > SHORTEST:
            rate *= SHORTER
            tried = _step(x, y, gradient, rate, strengths, step_sizes, bound, norm)
            after = smooth.value(tried.x)
        age = 0 if float(tried.uphill) > 0 else age + 1
        y = _extrapolated(tried.x, x, age / (age + 3))
        x, rate, done = tried.x, rate * LONGER, done + 1
        total = after + float(tried.norm)
        calm = calm + 1 if abs(last - total) <= FALL * total else 0
        last = total
    return Iterate(x, max(rate, 2 * SHORTEST), start.steps + done)


class _ProximalStep(NamedTuple):
    """A step to x.

    Attributes:
        x: (n,) where it leads.
        linear: <gradient, step>.
        square: |step|^2, divided by the step sizes.
        uphill: above 0 where momentum points uphill.
        norm: of strengths * x.
    """

    x: jax.Array
    linear: jax.Array
    square: jax.Array
    uphill: jax.Array
    norm: jax.Array

    def most_rise(self, rate: float) -> float:
        """The most by which the smooth function may rise, by its quadratic upper bound."""
        return float(self.linear) + float(self.square) / (2 * rate)


@partial(jax.jit, static_argnames="kind")
def _step(
    x: jax.Array,
    y: jax.Array,
    gradient: jax.Array,
    rate: float,
    strengths: jax.Array,
    step_sizes: jax.Array,
    bound: float,
    kind: norms.Kind,
) -> _ProximalStep:
    """A gradient step from the extrapolated y (n,), and then the proximal operator; x (n,) is the last iterate."""
    sizes = rate * step_sizes
    new = norms.proximal(kind, y - sizes * gradient, sizes, strengths, bound)
    step = new - y
    per_size = jnp.where(sizes > 0, 1.0 / jnp.where(step_sizes > 0, step_sizes, 1.0), 0.0)
    square = (step * step * per_size).sum()
    uphill = ((y - new) * (new - x) * per_size).sum()
    linear = (gradient * step).sum()
    return _ProximalStep(new, linear, square, uphill, norms.value(kind, new, strengths))


@jax.jit
def _extrapolated(new: jax.Array, x: jax.Array, momentum: float) -> jax.Array:
    return new + momentum * (new - x)
