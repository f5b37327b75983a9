"""The distillation loss: every test should be answered as the unrepaired network answers its clean pair.

Smooth, so that proximal gradient descent on the accelerator finds the patch of least loss and regularizer. At every
step of the regularization path the weights found are then fitted again at a fraction of the strength, alone: the
relaxed lasso (Meinshausen, Computational Statistics and Data Analysis 52, 2007), for an L1 norm that chooses weights
also holds them back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from repair.weights.methods.minimal.distillation.divergence import Divergence
from repair.weights.methods.minimal.distillation.proximal import Iterate, minimise
from repair.weights.methods.minimal.distillation.stochastic import fitted
from repair.weights.methods.minimal.distillation.teacher import soft_targets
from repair.weights.methods.minimal.linear_programs.sequential import SequentialLP
from repair.weights.methods.minimal.loss import HIGHS, Keep
from repair.weights.methods.minimal.norms import largest_strength
from repair.weights.methods.minimal.objective import Objective
from repair.weights.methods.minimal.penalties import Norm
from repair.weights.methods.minimal.search import Callback, Configuration
from repair.weights.methods.minimal.starting_point import StartingPoint
from repair.weights.settings import (
    Count,
    CountOrZero,
    Positive,
    Settings,
    Several,
    ShareAboveZero,
    SolverName,
)

EXCESS_FACTOR = 4  # supports up to so many times the budget are cut to their largest weights
# Adam begins with so many times as many weights as may change, for that share of its passes.
WIDER, WIDER_SHARE = 3, 1 / 3
# A patch whose certificate fails is tightened within this radius, in the scale of the weights, towards this target
# margin, relative to the reference margin, at this regularization strength: claimed tests need little.
TIGHTENING, TIGHTENING_MARGIN, TIGHTENING_STRENGTH = 0.05, 1e-3, 1e-6


@dataclass(frozen=True)
class Distillation(Settings):
    """Sample weight times T * KL(soft targets || answer) of every test, both softened by a temperature T.

    Attributes:
        temperatures: T, relative to the median margin of the clean tests that the network gets right; more than one are
            searched.
        sample_weights: weight of a clean test relative to a defective one; more than one are searched.
        steps: most proximal steps at a step of the regularization path, and as many again for the chosen weights alone.
        refit_strength: the regularization strength then, relative to that of the path.
        data_fractions: fractions of the tests that the first steps of the path see; all later ones see all.
        epochs: passes over the tests by which Adam fits the chosen weights alone, without regularizer, instead of
            proximal steps at `refit_strength`; for networks whose tests take long. The first third of them fit three
            times as many weights as may change, of which the largest are kept. 0 for proximal steps.
        batch_size: tests in a step of Adam.
        rate: learning rate of Adam, relative to the mean |weight| of a layer's kernel.
    """

    norms: ClassVar[tuple[Norm, ...]] = ("l1", "weighted_l1", "l2", "linf")
    keeps: ClassVar[tuple[Keep, ...]] = ("none",)
    solvers: ClassVar[tuple[SolverName, ...]] = HIGHS

    temperatures: Several[Positive] = (0.2, 0.4, 0.8)
    sample_weights: Several[Positive] = (1.0,)
    steps: Count = 50
    refit_strength: ShareAboveZero = 0.1
    data_fractions: Sequence[ShareAboveZero] = ()
    epochs: CountOrZero = 0
    batch_size: Count = 32
    rate: Positive = 0.02

    def configurations(
        self, start: StartingPoint, programs: SequentialLP, most_weights: int
    ) -> list[Configuration]:
        """One for each temperature and sample weight that leave something to do."""
        sample_weights = self.sample_weights if not start.clean.all() else (1.0,)
        configurations: list[Configuration] = []
        for relative in self.temperatures:
            temperature = relative * start.reference_margin
            targets = soft_targets(start.problem, start.tangent.logits, temperature)
            for weight in sample_weights:
                weights = start.sample_weights(weight)
                divergence = Divergence.over(start.tangent, targets, weights, temperature)
                settings = {"temperature": relative, "sample_weight": weight}
                configuration = DistillationConfiguration(
                    self, settings, divergence, start, programs.bound, most_weights
                )
                if configuration.largest_strength > 0:
                    configurations.append(configuration)
        return configurations


class DistillationConfiguration:
    """A temperature and a sample weight of clean tests, and how far their descent is.

    Args:
        loss: the settings that all configurations share.
        settings: the temperature and the sample weight.
        divergence: with them.
        start: the unrepaired network at the tests.
        bound: largest |delta|, in the scale of the weights.
        most_weights: most changed weights of a patch.

    Attributes:
        settings: as above.
        objective: what tightens a patch whose certificate fails: margins just above 0, at little regularization.
        radius: within which it does.
        largest_strength: the regularization strength from which on nothing changes.
    """

    radius = TIGHTENING

    def __init__(
        self,
        loss: Distillation,
        settings: Mapping[str, float],
        divergence: Divergence,
        start: StartingPoint,
        bound: float,
        most_weights: int,
    ):
        self.settings, self._loss, self._divergence = settings, loss, divergence
        self.objective: Objective = start.objective(
            TIGHTENING_MARGIN, settings["sample_weight"], TIGHTENING_STRENGTH
        )
        self._bound, self._most_weights, self._scale = bound, most_weights, start.weights.scale
        self._factors = jnp.asarray(start.penalty_factors, jnp.float32)
        self._at = Iterate(jnp.zeros(len(self._scale), jnp.float32))
        self._steps = 0
        self._kind = start.kind
        gradient = divergence.value_and_gradient(self._at.x)[1]
        self.largest_strength = largest_strength(
            self._kind, np.asarray(gradient, np.float64), start.penalty_factors
        )

    def advance(self, strength: float, callback: Callback, until: float) -> None:
        """The patch of least loss and regularizer, and then its weights alone at a lower strength."""
        fractions = self._loss.data_fractions
        fraction = fractions[self._steps] if self._steps < len(fractions) else 1.0
        self._steps += 1
        strengths = strength * self.largest_strength * self._factors
        self._at = self._minimise(fraction, self._at, strengths, until)
        count = np.count_nonzero(np.asarray(self._at.x))
        if count <= self._most_weights:
            callback(self._deltas(self._at.x))
        if not count or (fraction < 1 and not self._loss.epochs):
            return
        x = self._refit_by_adam(until) if self._loss.epochs else self._refit(strengths, until)
        callback(self._deltas(x))

    def _refit(self, strengths: jax.Array, until: float) -> jax.Array:
        """The weights chosen, at the lower strength; the others unchanged."""
        chosen = self._largest(self._at.x, self._most_weights)
        start = Iterate(jnp.where(chosen, self._at.x, 0.0), self._at.rate)
        lower = jnp.where(chosen, strengths * self._loss.refit_strength, jnp.inf)
        return self._minimise(1.0, start, lower, until).x

    def _refit_by_adam(self, until: float) -> jax.Array:
        """More weights than may change, without regularizer, and then the largest of them, that may."""
        x, loss, most = self._at.x, self._loss, self._most_weights
        wider = round(loss.epochs * WIDER_SHARE)
        for count, epochs in ((WIDER * most, wider), (most, loss.epochs - wider)):
            x = fitted(
                self._in_small_batches,
                x,
                self._largest(x, count),
                epochs=epochs,
                rate=loss.rate,
                bound=self._bound,
                until=until,
            )
        return x

    @cached_property
    def _in_small_batches(self) -> Divergence:
        return self._divergence.in_batches(self._loss.batch_size)

    def _largest(self, x: jax.Array, most: int) -> jax.Array:
        """(n,) bool, the weights of x (n,) that it pays most to change, at most so many; ties go to the first.

        Those are the largest changes. Of many changes that are the largest at once, as in the L-inf norm, those by
        which the loss would rise most.
        """
        changes = np.abs(np.asarray(x))
        count = min(np.count_nonzero(changes), most)
        if self._kind == "linf":
            gradient = self._divergence.value_and_gradient(self._at.x)[1]
            changes = changes * np.abs(np.asarray(gradient))
        chosen = np.argsort(-changes, kind="stable")[:count]
        return jnp.zeros(len(changes), bool).at[chosen].set(True)

    def exceeds_budget(self, most_weights: int) -> bool:
        """A support somewhat too large can be cut; one far too large cannot, but all are with L2 and L-inf."""
        if self._kind != "l1":
            return False
        return int(jnp.count_nonzero(self._at.x)) > EXCESS_FACTOR * most_weights

    def _minimise(
        self, fraction: float, start: Iterate, strengths: jax.Array, until: float
    ) -> Iterate:
        return minimise(
            self._divergence.part(fraction),
            start,
            strengths,
            self._divergence.step_sizes,
            norm=self._kind,
            bound=self._bound,
            steps=self._loss.steps,
            until=until,
        )

    def _deltas(self, x: jax.Array) -> np.ndarray:
        return np.asarray(x, np.float64) * self._scale
