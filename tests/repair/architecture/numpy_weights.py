"""First weights from NumPy: compiling JAX's generator for every shape took half of Keras's time."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

_GENERATOR = np.random.default_rng(0)


def _uniform(_: Any, shape: Any = (), dtype: Any = float, minval: Any = 0, maxval: Any = 1) -> Any:
    return jnp.asarray(_GENERATOR.uniform(minval, maxval, shape), dtype)


def _normal(_: Any, shape: Any = (), dtype: Any = float) -> Any:
    return jnp.asarray(_GENERATOR.normal(size=shape), dtype)


def _truncated(_: Any, lower: Any, upper: Any, shape: Any = (), dtype: Any = float) -> Any:
    return jnp.asarray(_GENERATOR.normal(size=shape).clip(lower, upper), dtype)


jax.random.uniform, jax.random.normal, jax.random.truncated_normal = _uniform, _normal, _truncated
