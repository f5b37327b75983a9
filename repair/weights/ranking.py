"""Localization of layers: where a small patch removes most of what is wrong, on tests that it was not fitted to.

Each set of layers is fitted to one half of the repair set, for a few steps and with few weights: normalized iterative
hard thresholding (Blumensath and Davies, IEEE J. Selected Topics in Signal Processing 4(2), 2010) of the distillation
loss, with the step length of Barzilai and Borwein (IMA J. Numerical Analysis 8, 1988). The loss of the other half
tells blame from mere room to fit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import log_softmax, xlogy

from repair.errors import InputError
from repair.weights.methods.minimal.distillation.divergence import Divergence
from repair.weights.methods.minimal.distillation.teacher import soft_targets
from repair.weights.methods.minimal.starting_point import StartingPoint
from repair.weights.methods.repair import Locatable, Method
from repair.weights.network.batches import replicated
from repair.weights.problem import Problem
from repair.weights.tangent import Tangent, Weights

TESTS = 512  # most tests, half of them to fit
STEPS, EVERY = 25, 5  # of a fit, and after how many of them the loss of the other half is measured
HALVINGS = 6  # of the step length in a row, after which a fit is done
TEMPERATURE = (
    0.4  # relative to the reference margin: in the middle of what the distillation searches
)


@dataclass(frozen=True)
class Blame:
    """What a set of layers can do about the failing tests.

    Attributes:
        layers: their names, in the network's order.
        removed: share of the unseen tests' loss that is gone, 0 where no patch lowers it.
        weights_changed: how many weights that took.
        best: whether its loss is within one standard error of the least.
    """

    layers: tuple[str, ...]
    removed: float
    weights_changed: int
    best: bool

    def describe(self) -> dict[str, Any]:
        """Its line in the record."""
        return {
            "layers": list(self.layers),
            "loss_removed": round(self.removed, 4),
            "weights_changed": self.weights_changed,
            "best": self.best,
        }


def located(problem: Problem, method: Method, *, seed: int) -> tuple[Problem, list[Blame]]:
    """The problem with the layers that are most to blame of those that a method can repair, and the ranking of all.

    Args:
        problem: its layers are not used.
        method: one that says what it can repair.
        seed: of the choice of tests.

    Raises:
        InputError: a method that does not say so, or that can repair no layer of this network.
    """
    name, network = type(method).__name__, problem.network
    if not isinstance(method, Locatable):
        raise InputError(
            f"layers are chosen for methods that say which they can repair, with repairable(network); {name} does not."
            f" Name the layers: {', '.join(network.linear)}."
        )
    can = method.repairable(network)
    if not can.sets:
        raise InputError(
            f"{name} can repair none of the layers {', '.join(network.linear)}; there is none to choose."
        )
    ranking = rank_layers(problem, can.sets, can.most_weights, seed=seed)
    layers = ranking[0].layers
    if can.shortlist > 1:
        singles = [blame.layers[0] for blame in ranking if len(blame.layers) == 1]
        layers = tuple(sorted(singles[: can.shortlist], key=network.position))
    return replace(problem, layers=layers), ranking


def rank_layers(
    problem: Problem, sets: Sequence[tuple[str, ...]], most_weights: int | None, *, seed: int
) -> list[Blame]:
    """The sets of layers, those most to blame first.

    Of sets that are best within one standard error the simplest comes first, by the one-standard-error rule (Breiman
    et al., "Classification and Regression Trees", 1984, section 3.4.3): fewer layers before more, later ones before
    earlier ones, which are nearer to linear and dearer to enter.

    Args:
        problem: its repair set is used, its validation sets are not.
        sets: layers that a method can repair together.
        most_weights: most weights that may change; None: all.
        seed: of the choice of tests and of their halves.
    """
    trial = _Trial.of(problem, seed)
    fits: list[_Fit] = []
    for layers in sorted(sets, key=len):
        fits.append(trial.fit(Weights(problem.network, layers), most_weights, fits))
    least = min(fits, key=lambda fit: float(fit.losses.mean()))
    error = float(least.losses.std()) / np.sqrt(len(least.losses))
    before = float(trial.before.mean())
    blames: list[Blame] = []
    for fit in fits:
        after = float(fit.losses.mean())
        removed = 1.0 - after / before if before > 0 else 0.0
        best = bool(after <= float(least.losses.mean()) + error)
        changed = int(np.count_nonzero(fit.x))
        blames.append(Blame(fit.weights.layers, removed, changed, best))

    def order(blame: Blame) -> tuple[bool, int, int, float]:
        if not blame.best:
            return True, 0, 0, -blame.removed
        return False, len(blame.layers), -problem.network.position(blame.layers[0]), 0.0

    return sorted(blames, key=order)


@dataclass(frozen=True, eq=False)
class _Fit:
    """The result of a fit.

    Attributes:
        weights: that it may change.
        x: (n,) changes, in the scale of the weights.
        losses: (N,) of each unseen test.
    """

    weights: Weights
    x: np.ndarray
    losses: np.ndarray

    def carried(self, weights: Weights) -> np.ndarray:
        """Its changes among the weights of more layers."""
        x = np.zeros(len(weights), np.float32)
        for key, where in self.weights.slices.items():
            x[weights.slices[key]] = self.x[where]
        return x


@dataclass(frozen=True, eq=False)
class _Trial:
    """The tests of all fits.

    Attributes:
        problem: whose tests they are.
        images: (N, ...) of the tests.
        targets: (N, classes) their soft targets.
        fitted: how many of them, the first, are fitted to; the others are unseen.
        temperature: of the loss.
        before: (N - fitted,) losses of the unseen tests at the unrepaired network.
    """

    problem: Problem
    images: np.ndarray
    targets: np.ndarray
    fitted: int
    temperature: float
    before: np.ndarray

    @classmethod
    def of(cls, problem: Problem, seed: int) -> "_Trial":
        tests, network = problem.tests, problem.network
        tangent = Tangent.start(Weights(network, network.weighted[-1:]), tests.images)
        reference_margin = StartingPoint(problem, tangent).reference_margin
        temperature = TEMPERATURE * (reference_margin or 1.0)
        targets = soft_targets(problem, tangent.logits, temperature)
        chosen = np.random.default_rng(seed).permutation(len(tests))[:TESTS]
        fitted = (len(chosen) + 1) // 2
        # A single test is both fitted to and measured on.
        unseen = chosen[fitted:] if len(chosen) > 1 else chosen
        before = _losses(targets[unseen], tangent.logits[unseen], temperature)
        return cls(problem, tests.images[chosen], targets[chosen], fitted, temperature, before)

    def fit(self, weights: Weights, most: int | None, done: Sequence[_Fit]) -> _Fit:
        """A fit of the weights that starts at the best fit of a part of them; its best moment on unseen tests."""
        network, first = self.problem.network, weights.layers[0]
        entering = network.activations(self.images, at=first)
        tangent = Tangent(weights, np.zeros(len(weights)), entering[: self.fitted])
        targets = self.targets[: self.fitted]
        loss = Divergence.over(tangent, targets, np.ones(len(targets)), self.temperature)
        parts = [fit for fit in done if set(fit.weights.layers) < set(weights.layers)]
        best = _Fit(weights, np.zeros(len(weights), np.float32), self.before)
        if parts:
            part = min(parts, key=lambda fit: float(fit.losses.mean()))
            best = _Fit(weights, part.carried(weights), part.losses)
        unseen = entering[-len(self.before) :]
        for x in _descent(loss, best.x, most):
            patched = weights.apply(x.astype(np.float64) * weights.scale)
            logits = patched.logits_of(unseen, at=first)
            losses = _losses(self.targets[-len(self.before) :], logits, self.temperature)
            if losses.mean() < best.losses.mean():
                best = _Fit(weights, x, losses)
        return best


def _losses(targets: np.ndarray, logits: np.ndarray, temperature: float) -> np.ndarray:
    """(N,) T * KL(targets || softmax(logits / T)) of each test."""
    answers = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return np.asarray(temperature * (xlogy(targets, targets) - targets * answers).sum(1))


def _descent(loss: Divergence, start: np.ndarray, most: int | None) -> Iterator[np.ndarray]:
    """Yield changes (n,) every few steps, at most `most` of whose entries are not 0."""
    x = replicated(jnp.asarray(start))
    value, gradient = loss.value_and_gradient(x)
    steepest = float(np.abs(np.asarray(gradient)).max())
    # The first change is of one scale at most.
    rate = 1.0 / steepest if steepest > 0 else 0.0
    halvings = 0
    for step in range(1, STEPS + 1):
        tried = _step(x, gradient, rate, most)
        after, ahead = loss.value_and_gradient(tried)
        if after < value:
            square, curvature = map(float, _secant(tried, x, ahead, gradient))
            rate = square / curvature if curvature > 0 else 2 * rate
            x, value, gradient, halvings = tried, after, ahead, 0
        else:
            rate, halvings = rate / 2, halvings + 1
        if step % EVERY == 0:
            yield np.asarray(x)
        if halvings == HALVINGS:
            break
    yield np.asarray(x)


@partial(jax.jit, static_argnames="most")
def _step(x: jax.Array, gradient: jax.Array, rate: float, most: int | None) -> jax.Array:
    """A gradient step, and then the hard threshold that leaves the `most` largest entries."""
    to = x - rate * gradient
    if most is None or most >= len(x):
        return to
    least = jax.lax.top_k(jnp.abs(to), most)[0][-1]
    return jnp.where(jnp.abs(to) >= least, to, 0.0)


@jax.jit
def _secant(
    new: jax.Array, old: jax.Array, ahead: jax.Array, gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """|step|^2, and <step, change of the gradient>: their ratio is the step length of Barzilai and Borwein."""
    step = new - old
    return step @ step, step @ (ahead - gradient)
