"""Blame by intervention: how much a neuron, held at what it does on passing tests, causes the failing tests' loss."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Float

from repair.weights.localization.backward import dense_kernel, losses, some
from repair.weights.localization.localization import Entering
from repair.weights.network.network import Network


@dataclass(frozen=True)
class CausalEffect:
    """|effect of do(neuron = its mean over passing tests)| on the failing tests' loss, shared among its weights.

    The intervention follows CARE (Sun, Sun, Pham and Shi, "Causality-Based Neural Network Repair", ICSE 2022, arXiv
    2204.09274), which blames neurons; a neuron's weights share its effect by the mean |activation x weight| that
    each carries.
    """

    def __call__(
        self, network: Network, layer: str, failing: Entering, passing: Entering
    ) -> Float[np.ndarray, "in out"]:
        """Scores of a dense kernel; InputError for another layer, no failing or no passing tests."""
        kernel = dense_kernel(network, layer)
        graph, state = nnx.split(network)
        effects = np.asarray(
            _effects(
                graph,
                state,
                layer,
                jnp.asarray(some(failing, "failing").values),
                jnp.asarray(failing.labels),
                jnp.asarray(some(passing, "passing").values),
            )
        )
        carried = np.abs(failing.values).mean(0)[:, None] * np.abs(kernel)
        total = carried.sum(0)
        return np.abs(effects) * carried / np.where(total > 0, total, 1.0)


@partial(jax.jit, static_argnames=("graph", "layer"))
def _effects(
    graph: Any, state: Any, layer: str, failing: jax.Array, labels: jax.Array, passing: jax.Array
) -> jax.Array:
    """(out,) change of the mean loss of the failing tests when one output is held at its mean over passing ones."""
    network = nnx.merge(graph, state)
    outputs, held = network.layer(layer)(failing), network.layer(layer)(passing).mean(0)
    before = losses(network, layer, outputs, labels).mean()

    def effect(neuron: jax.Array) -> jax.Array:
        changed = outputs.at[:, neuron].set(held[neuron])
        return losses(network, layer, changed, labels).mean() - before

    return jax.lax.map(effect, jnp.arange(outputs.shape[1]))
