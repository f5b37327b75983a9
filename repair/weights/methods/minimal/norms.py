"""Norms of a change of weights: values, dual norms, and proximal operators in a metric of step sizes.

Each is the norm of strengths * x, elementwise, the regularization strength times a penalty factor for each weight; one
of infinite strength stays 0. The L1 operator is soft thresholding. The L-inf operator is x less its projection onto a
ball of the dual norm, L1 (Parikh and Boyd, "Proximal algorithms", Foundations and Trends in Optimization 1, 2014,
section 6.5); where step sizes differ from weight to weight, it and the L2 one are a bisection for one number.
"""

from collections.abc import Callable
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

Kind = Literal["l1", "l2", "linf"]
ORDER: dict[Kind, float] = {"l1": 1, "l2": 2, "linf": np.inf}
DUAL: dict[Kind, float] = {"l1": np.inf, "l2": 2, "linf": 1}
HALVINGS = 40  # of an interval of float32 numbers: to the last bit of all but tiny ones


def largest_strength(kind: Kind, gradient: np.ndarray, factors: np.ndarray) -> float:
    """The strength s from which on no x lowers gradient @ x + s * |factors * x|: the dual norm of gradient / factors.

    A regularization path begins there (Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear
    models via coordinate descent", Journal of Statistical Software 33, 2010, section 2.5).

    Args:
        kind: the norm.
        gradient: (n,) of the loss at x = 0.
        factors: (n,) penalty factors above 0, infinite where x must be 0.
    """
    return float(np.linalg.norm(gradient / factors, DUAL[kind]))


def value(kind: Kind, x: jax.Array, strengths: jax.Array) -> jax.Array:
    """The norm of strengths * x, both (n,); x is 0 where its strength is infinite."""
    weighted = jnp.where(x == 0, 0.0, jnp.where(jnp.isfinite(strengths), strengths, 0.0) * x)
    return jnp.linalg.norm(weighted, ORDER[kind])


def proximal(
    kind: Kind,
    point: jax.Array,
    step_sizes: jax.Array,
    strengths: jax.Array,
    bound: jax.Array | float,
) -> jax.Array:
    """The proximal operator of a norm in a metric of step sizes, within a box.

    Args:
        kind: the norm.
        point: (n,) where a gradient step leads.
        step_sizes: (n,) of this step; a weight whose step size is 0 stays 0.
        strengths: (n,) regularization strengths above 0, infinite where x must be 0.
        bound: largest |x|.

    Returns:
        (n,) the x that minimises sum((x - point)^2 / (2 step_sizes)) + |strengths * x| within |x| <= bound.
    """
    free = (step_sizes > 0) & jnp.isfinite(strengths)
    size = jnp.where(free, jnp.abs(point), 0.0)
    # 0 * inf is no number.
    step_sizes, strengths = jnp.where(free, step_sizes, 1.0), jnp.where(free, strengths, 1.0)
    return jnp.sign(point) * jnp.minimum(_SHRUNK[kind](size, step_sizes, strengths, bound), bound)


def _l1(
    size: jax.Array, step_sizes: jax.Array, strengths: jax.Array, bound: jax.Array
) -> jax.Array:
    """Soft thresholding."""
    return jnp.maximum(size - step_sizes * strengths, 0.0)


def _l2(
    size: jax.Array, step_sizes: jax.Array, strengths: jax.Array, bound: jax.Array
) -> jax.Array:
    """Every weight shrinks by a factor r / (r + strengths^2 step_sizes), r the norm of what is left."""

    def share(r: jax.Array) -> jax.Array:
        return size / (r + strengths * strengths * step_sizes)

    def too_small(r: jax.Array) -> jax.Array:
        return jnp.linalg.norm(strengths * jnp.minimum(share(r), bound / r)) > 1

    r = _last(too_small, jnp.linalg.norm(strengths * size))
    return r * share(r)


def _linf(
    size: jax.Array, step_sizes: jax.Array, strengths: jax.Array, bound: jax.Array
) -> jax.Array:
    """Every weight is cut to t / strengths: what is cut off, relative to step sizes and strengths, adds up to 1."""

    def too_small(t: jax.Array) -> jax.Array:
        most = t / strengths
        cut = jnp.where(most < bound, jnp.maximum(size - most, 0.0), 0.0)
        return (cut / (step_sizes * strengths)).sum() > 1

    return jnp.minimum(size, _last(too_small, (strengths * size).max()) / strengths)


_SHRUNK: dict[Kind, Callable[..., jax.Array]] = {"l1": _l1, "l2": _l2, "linf": _linf}


def _last(holds: Callable[[jax.Array], jax.Array], high: jax.Array) -> jax.Array:
    """The end of the interval from 0 in which a condition holds, at most `high`; 0 where it never does."""

    def halved(_: int, ends: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = ends
        middle = (low + high) / 2
        inside = holds(middle)
        return jnp.where(inside, middle, low), jnp.where(inside, high, middle)

    return jax.lax.fori_loop(0, HALVINGS, halved, (jnp.zeros_like(high), high))[0]
