"""The distillation loss: every test should be answered as the unrepaired network answers its clean twin.

Smooth, so that proximal gradient descent on the accelerator finds the patch of least priced norm. At every price the
weights found are then fitted again at a fraction of it, alone: the relaxed lasso (Meinshausen, Computational
Statistics and Data Analysis 52, 2007), for an L1 norm that chooses weights also holds them back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from repair.weights.methods.minimal.divergence import Divergence
from repair.weights.methods.minimal.merit import Merit
from repair.weights.methods.minimal.norms import least_price
from repair.weights.methods.minimal.programs import Programs
from repair.weights.methods.minimal.proximal import Iterate, minimise
from repair.weights.methods.minimal.search import Arm, Judge
from repair.weights.methods.minimal.start import Start
from repair.weights.methods.minimal.stochastic import fitted
from repair.weights.methods.minimal.teacher import teachers
from repair.weights.settings import Count, CountOrZero, Positive, Settings, Several, ShareAboveZero

LEFT_OVER = 4  # supports up to so many times the limit are cut to their largest weights
WIDER, WIDER_FOR = (
    3,
    1 / 3,
)  # Adam begins with so many times as many weights, for that share of its passes
TIGHTENING = 0.05  # radius, in units, within which a patch whose certificate fails is tightened
BAR = 1e-3  # margin for that, relative to the usual one: claimed tests need little
CHEAP = 1e-6


@dataclass(frozen=True)
class Distillation(Settings):
    """Importance times T * KL(teacher || answer) of every test, both softened by a temperature T.

    Attributes:
        temperatures: T, relative to the median margin of the clean tests that the network gets right; more than one are
            searched.
        importances: weight of a clean test relative to a defective one; more than one are searched.
        steps: most proximal steps at a price, and as many again for the chosen weights alone.
        relaxed: their price then, relative to the level's.
        growth: shares of the tests that the first levels see; all later ones see all.
        epochs: passes over the tests by which Adam fits the chosen weights alone, at no price, instead of proximal
            steps at the relaxed one; for networks whose tests take long. The first third of them fit three times as
            many weights as may change, of which the largest are kept. 0 for proximal steps.
        batch_size: tests in a step of Adam.
        rate: of Adam, in units: relative to the mean |weight| of a layer's kernel.
    """

    temperatures: Several[Positive] = (0.2, 0.4, 0.8)
    importances: Several[Positive] = (1.0,)
    steps: Count = 50
    relaxed: ShareAboveZero = 0.1
    growth: Sequence[ShareAboveZero] = ()
    epochs: CountOrZero = 0
    batch_size: Count = 32
    rate: Positive = 0.02

    def arms(self, start: Start, programs: Programs, most: int) -> list[Arm]:
        """An arm for each temperature and importance that leave something to do."""
        importances = self.importances if not start.clean.all() else (1.0,)
        arms: list[Arm] = []
        for relative in self.temperatures:
            temperature = relative * start.usual
            taught = teachers(start.problem, start.tangent.logits, temperature)
            for importance in importances:
                counts = np.where(start.clean, importance, 1.0)
                loss = Divergence.over(start.tangent, taught, counts, temperature)
                settings = {"temperature": relative, "importance": importance}
                arm = DistillationArm(self, settings, loss, start, programs.bound, most)
                if arm.steepest > 0:
                    arms.append(arm)
        return arms


class DistillationArm:
    """A temperature and an importance of clean tests, and how far their descent is.

    Attributes:
        settings: the two.
        merit: what tightens a patch whose certificate fails: margins just above 0, reached at little cost.
        radius: within which it does.
    """

    radius = TIGHTENING

    def __init__(
        self,
        how: Distillation,
        settings: Mapping[str, float],
        loss: Divergence,
        start: Start,
        bound: float,
        most: int,
    ):
        self.settings, self._how, self._loss = settings, how, loss
        self.merit: Merit = start.merit(BAR, settings["importance"], CHEAP)
        self._bound, self._most, self._units = bound, most, start.weights.units
        self._cost = jnp.asarray(start.cost, jnp.float32)
        self._at = Iterate(jnp.zeros(len(self._units), jnp.float32))
        self._levels = 0
        gradient = loss.value_and_gradient(self._at.x)[1]
        self._kind = start.kind
        self.steepest = least_price(self._kind, np.asarray(gradient, np.float64), start.cost)

    def level(self, price: float, judge: Judge, until: float) -> None:
        """The patch of least loss and priced norm, and the one of its weights alone at a lower price."""
        growth = self._how.growth
        share = growth[self._levels] if self._levels < len(growth) else 1.0
        self._levels += 1
        prices = price * self.steepest * self._cost
        self._at = self._minimise(share, self._at, prices, until)
        changed = np.abs(np.asarray(self._at.x))
        count = np.count_nonzero(changed)
        if count <= self._most:
            judge(self._deltas(self._at))
        if not count or (share < 1 and not self._how.epochs):
            return
        judge(
            self._deltas(self._by_adam(until) if self._how.epochs else self._alone(prices, until))
        )

    def _alone(self, prices: jax.Array, until: float) -> Iterate:
        """The weights chosen, at the relaxed price; the others unchanged."""
        among = self._largest(self._at.x, self._most)
        start = Iterate(jnp.where(among, self._at.x, 0.0), self._at.rate)
        alone = jnp.where(among, prices * self._how.relaxed, jnp.inf)
        return self._minimise(1.0, start, alone, until)

    def _by_adam(self, until: float) -> Iterate:
        """More weights than may change, at no price, and then the largest of them, that may."""
        x = self._at.x
        wider = round(self._how.epochs * WIDER_FOR)
        for most, epochs in ((WIDER * self._most, wider), (self._most, self._how.epochs - wider)):
            x = fitted(
                self._in_small_batches,
                x,
                self._largest(x, most),
                epochs=epochs,
                rate=self._how.rate,
                bound=self._bound,
                until=until,
            )
        return replace(self._at, x=x)

    @cached_property
    def _in_small_batches(self) -> Divergence:
        return self._loss.in_batches(self._how.batch_size)

    def _largest(self, x: jax.Array, most: int) -> jax.Array:
        """(n,) bool, the weights of x that it pays most to change, at most so many."""
        changed = np.abs(np.asarray(x))
        count = min(np.count_nonzero(changed), most)
        chosen = np.argsort(-self._worth(changed), kind="stable")[:count]
        return jnp.zeros(len(changed), bool).at[chosen].set(True)

    def _worth(self, changed: np.ndarray) -> np.ndarray:
        """(n,) by what to choose weights: the largest changes, in units, ties to the first.

        Of many changes that are the largest at once, as with L-inf, those by which the loss would rise most.
        """
        if self._kind != "linf":
            return changed
        return changed * np.abs(np.asarray(self._loss.value_and_gradient(self._at.x)[1]))

    def grown(self, most: int) -> bool:
        """A support somewhat too large can be cut; one far too large cannot, but all are with L2 and L-inf."""
        if self._kind != "l1":
            return False
        return int(jnp.count_nonzero(self._at.x)) > LEFT_OVER * most

    def _minimise(self, share: float, start: Iterate, prices: jax.Array, until: float) -> Iterate:
        return minimise(
            self._loss.part(share),
            start,
            prices,
            self._loss.scales,
            norm=self._kind,
            bound=self._bound,
            steps=self._how.steps,
            until=until,
        )

    def _deltas(self, at: Iterate) -> np.ndarray:
        return np.asarray(at.x, np.float64) * self._units
