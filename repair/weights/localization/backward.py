"""What comes back to a dense layer's outputs from the loss of its tests."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float, Int

from repair.errors import InputError
from repair.weights.localization.localization import Entering
from repair.weights.network.network import Network


def dense_kernel(network: Network, layer: str) -> Float[np.ndarray, "in out"]:
    """The kernel of a dense layer; InputError for another layer."""
    kernel = np.asarray(network.weights(layer)["kernel"])
    if kernel.ndim != 2:
        raise InputError(
            f"this localization scores dense layers; {layer!r} has a kernel of shape {kernel.shape}."
            " Dense layers have kernels of two axes."
        )
    return kernel


def some(tests: Entering, what: str) -> Entering:
    """The tests; InputError where there are none."""
    if not len(tests):
        raise InputError(f"localization needs {what} tests; there are none.")
    return tests


def returning(
    network: Network,
    layer: str,
    values: Float[np.ndarray, "N in"],
    labels: Int[np.ndarray, " N"],
) -> Float[np.ndarray, "N out"]:
    """The gradient of each test's cross-entropy at the layer's outputs.

    Args:
        network: the network under repair.
        layer: a dense layer.
        values: (N, in) activations that enter it.
        labels: (N,) true classes.
    """
    graph, state = nnx.split(network)
    return np.asarray(_returning(graph, state, layer, jnp.asarray(values), jnp.asarray(labels)))


def losses(
    network: Network, layer: str, outputs: Float[Array, "N out"], labels: Int[Array, " N"]
) -> Float[Array, " N"]:
    """The cross-entropy of each test, from the layer's outputs; for use under jit."""
    last = network.position(layer) == len(network.names) - 1
    logits = outputs
    if not last:
        logits = network.logits_from(outputs, network.names[network.position(layer) + 1])
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels)


@partial(jax.jit, static_argnames=("graph", "layer"))
def _returning(
    graph: Any, state: Any, layer: str, values: jax.Array, labels: jax.Array
) -> jax.Array:
    network = nnx.merge(graph, state)
    outputs = network.layer(layer)(values)
    return jax.grad(lambda x: losses(network, layer, x, labels).sum())(outputs)
