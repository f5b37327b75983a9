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
from repair.weights.localization.localization import ActivationDifference
from repair.weights.methods.minimal.divergence import Divergence
from repair.weights.methods.minimal.start import Start
from repair.weights.methods.minimal.teacher import teachers
from repair.weights.methods.repair import Locatable, Method
from repair.weights.network.batches import replicated
from repair.weights.problem import Problem
from repair.weights.tangent import Tangent, Weights

TESTS = 512  # most tests, half of them to fit
STEPS, EVERY = 25, 5  # of a fit, and how often the other half is looked at
HALVINGS = 6  # of the step length in a row, after which a fit is done
TEMPERATURE = 0.4  # relative to the usual margin: in the middle of what the distillation searches


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
        problem: its layers are not looked at.
        method: one that says what it can repair.
        seed: of the choice of tests.

    Raises:
        InputError: a method that does not say so, or that can repair no layer of this network.
    """
    name, network = type(method).__name__, problem.network
    if not isinstance(method, Locatable):
        raise InputError(
            f"layers=auto is for methods that say which layers they can repair, with repairable(network); {name} does"
            f" not. Name the layers: {', '.join(network.linear)}."
        )
    can = method.repairable(network)
    if not can.sets:
        raise InputError(
            f"layers=auto: {name} can repair none of the layers {', '.join(network.linear)}."
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
        problem: its repair set is looked at, its validation sets are not.
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
    """What a fit has come to: changes x (n,) in units, and the loss of each unseen test (N,)."""

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
    """The tests of all fits: images (N, ...), what they are taught (N, classes), how many of them are fitted to."""

    problem: Problem
    images: np.ndarray
    taught: np.ndarray
    fitted: int
    temperature: float
    before: np.ndarray

    @classmethod
    def of(cls, problem: Problem, seed: int) -> "_Trial":
        tests, network = problem.tests, problem.network
        tangent = Tangent.start(Weights(network, network.weighted[-1:]), tests.images)
        start = Start(problem, tangent, "l1", False, None, ActivationDifference())
        temperature = TEMPERATURE * (start.usual or 1.0)
        taught = teachers(problem, tangent.logits, temperature)
        chosen = np.random.default_rng(seed).permutation(len(tests))[:TESTS]
        fitted = (len(chosen) + 1) // 2
        # A single test is both fitted to and judged by.
        unseen = chosen[fitted:] if len(chosen) > 1 else chosen
        before = _losses(taught[unseen], tangent.logits[unseen], temperature)
        return cls(problem, tests.images[chosen], taught[chosen], fitted, temperature, before)

    def fit(self, weights: Weights, most: int | None, done: Sequence[_Fit]) -> _Fit:
        """Of the weights, from the best fit of a part of them; the best of its moments on unseen tests."""
        network, first = self.problem.network, weights.layers[0]
        entering = network.activations(self.images, at=first)
        tangent = Tangent(weights, np.zeros(len(weights)), entering[: self.fitted])
        taught = self.taught[: self.fitted]
        loss = Divergence.over(tangent, taught, np.ones(len(taught)), self.temperature)
        parts = [fit for fit in done if set(fit.weights.layers) < set(weights.layers)]
        best = _Fit(weights, np.zeros(len(weights), np.float32), self.before)
        if parts:
            part = min(parts, key=lambda fit: float(fit.losses.mean()))
            best = _Fit(weights, part.carried(weights), part.losses)
        unseen = entering[-len(self.before) :]
        for x in _descent(loss, best.x, most):
            moved = weights.moved(x.astype(np.float64) * weights.units)
            logits = moved.logits_of(unseen, at=first)
            losses = _losses(self.taught[-len(self.before) :], logits, self.temperature)
            if losses.mean() < best.losses.mean():
                best = _Fit(weights, x, losses)
        return best


def _losses(taught: np.ndarray, logits: np.ndarray, temperature: float) -> np.ndarray:
    """(N,) T * KL(taught || softmax(logits / T)) of each test."""
    answers = log_softmax(logits.astype(np.float64) / temperature, axis=1)
    return np.asarray(temperature * (xlogy(taught, taught) - taught * answers).sum(1))


def _descent(loss: Divergence, start: np.ndarray, most: int | None) -> Iterator[np.ndarray]:
    """Yields changes (n,) every few steps; at most `most` of their entries are not 0."""
    x = replicated(jnp.asarray(start))
    value, slope = loss.value_and_gradient(x)
    steepest = float(np.abs(np.asarray(slope)).max())
    rate = 1.0 / steepest if steepest > 0 else 0.0  # the first change is of one unit at most
    halvings = 0
    for step in range(1, STEPS + 1):
        tried = _step(x, slope, rate, most)
        after, ahead = loss.value_and_gradient(tried)
        if after < value:
            square, curvature = map(float, _bent(tried, x, ahead, slope))
            rate = square / curvature if curvature > 0 else 2 * rate
            x, value, slope, halvings = tried, after, ahead, 0
        else:
            rate, halvings = rate / 2, halvings + 1
        if step % EVERY == 0:
            yield np.asarray(x)
        if halvings == HALVINGS:
            break
    yield np.asarray(x)


@partial(jax.jit, static_argnames="most")
def _step(x: jax.Array, slope: jax.Array, rate: float, most: int | None) -> jax.Array:
    to = x - rate * slope
    if most is None or most >= len(x):
        return to
    least = jax.lax.top_k(jnp.abs(to), most)[0][-1]
    return jnp.where(jnp.abs(to) >= least, to, 0.0)


@jax.jit
def _bent(
    new: jax.Array, old: jax.Array, ahead: jax.Array, slope: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """|step|^2, and <step, change of the gradient>."""
    moved = new - old
    return moved @ moved, moved @ (ahead - slope)
