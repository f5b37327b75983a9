"""The baseline `finetune`: gradient descent on the repair set, all layers or chosen ones."""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from repair.errors import InputError
from repair.weights.methods.repair import Repair, Repairable
from repair.weights.methods.validation import Score, Validation
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.problem import Problem
from repair.weights.settings import Count, NotNegative, Positive, Settings, Several


@dataclass(frozen=True)
class Finetune(Settings):
    """Adam on the cross-entropy of the problem's layers (Kingma and Ba, arXiv 1412.6980).

    Attributes:
        rates: learning rates; more than one are searched on validation data.
        steps: of Adam, for each rate.
        batch_size: tests in a step.
        checks: how often the network is measured on validation data, for each rate; the best moment is kept.
        time_budget: seconds for all of it; None for no limit.
    """

    rates: Several[Positive] = (1e-4, 3e-4, 1e-3)
    steps: Count = 600
    batch_size: Count = 128
    checks: Count = 6
    time_budget: NotNegative | None = 120.0

    def __post_init__(self) -> None:
        """InputError for settings that do not fit each other."""
        super().__post_init__()
        if self.checks > self.steps:
            raise InputError(
                f"Finetune(checks={self.checks}, steps={self.steps}): expected at most as many checks as steps."
            )

    def repairable(self, network: Network) -> Repairable:
        """Any dense and convolution layer, and all of them."""
        return Repairable.any_of(network.linear)

    def __call__(self, problem: Problem, *, seed: int) -> Repair:
        """The network of the best moment on validation data, as a patch.

        Args:
            problem: with any layers that have weights.
            seed: of the order of the tests.
        """
        began = time.perf_counter()
        network = problem.network
        first = min(problem.layers, key=network.position)
        entering = jnp.asarray(network.activations(problem.tests.images, at=first))
        labels = jnp.asarray(problem.tests.labels)
        validation = Validation(problem, first)
        until = np.inf if self.time_budget is None else began + self.time_budget
        ready = time.perf_counter()
        step = partial(_step, *nnx.split(network), first, entering, labels)
        start = {name: network.weights(name) for name in problem.layers}
        best: tuple[Score, Network] | None = None
        trace, length = list[dict[str, Any]](), self.steps // self.checks
        for rate in self.rates:
            weights, moments = start, optax.adam(rate).init(start)
            done = 0
            for key in jax.random.split(jax.random.key(seed), self.checks):
                if best is not None and time.perf_counter() >= until:
                    break
                batches = jax.random.randint(key, (length, self.batch_size), 0, len(labels))
                for number in range(length):
                    weights, moments = step(weights, moments, batches, number, rate)
                    # Or the clock runs ahead of the device.
                    jax.block_until_ready(weights)  # type: ignore[no-untyped-call]
                    done += 1
                    if time.perf_counter() >= until:
                        break
                tuned = network
                for name, arrays in weights.items():
                    tuned = tuned.replace(name, **arrays)
                score = validation(tuned)
                trace.append(
                    {"rate": rate, "steps": done, "clean": score.clean, "defect": score.defect}
                )
                if best is None or score.total > best[0].total:
                    best = score, tuned
        assert best is not None
        return Repair(
            patch=Patch.between(network, best[1]),
            seconds={"prepare": ready - began, "train": time.perf_counter() - ready},
            details={"search": trace},
        )


@partial(jax.jit, static_argnames=("graph", "first"))
def _step(
    graph: Any,
    state: Any,
    first: str,
    entering: jax.Array,
    labels: jax.Array,
    weights: Any,
    moments: Any,
    batches: jax.Array,
    number: int,
    rate: float,
) -> Any:
    # Not a scan over the batches: on CPU a convolution within a loop took 25 times as long, and a step is where a
    # time budget can end.
    network, batch = nnx.merge(graph, state), batches[number]

    def loss(weights: Any) -> jax.Array:
        changed = network
        for name, arrays in weights.items():
            changed = changed.replace(name, **arrays)
        logits = changed.logits_from(entering[batch], first)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels[batch]).mean()

    gradient = jax.grad(loss)(weights)
    with jax.numpy_dtype_promotion("standard"):  # optax raises floats to whole powers
        updates, moments = optax.adam(rate).update(gradient, moments, weights)
    return optax.apply_updates(weights, updates), moments
