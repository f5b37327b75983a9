"""Settings by search: arms halve successively while the price of change falls, judged on validation data.

An arm is a loss with settings of its own. Along an arm the price falls level by level, each level starting where the
last one ended, so that a patch grows from the few weights that pay most. After each level the worse half of the arms
is dropped (successive halving: Jamieson and Talwalkar, AISTATS 2016, arXiv 1502.07943).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np

from repair.weights.methods.minimal.merit import Merit
from repair.weights.methods.validation import Score, Validation
from repair.weights.tangent import Weights

EXCESS = 3.0


@dataclass(frozen=True)
class Limits:
    """What a patch may cost, and what the search may.

    Attributes:
        weights: most changed weights.
        drawdown: loss of clean accuracy on validation data, a fraction, that weighs no more than a gain on defective.
        patience: levels without a better patch after which the search ends.
        together: levels before the first arms are dropped.
        until: time (time.perf_counter) at which to stop.
    """

    weights: int
    drawdown: float
    patience: int
    together: int
    until: float


Judge = Callable[[np.ndarray], None]  # is told the deltas (n,) of every patch on the way


class Arm(Protocol):
    """A loss with its settings, and how far its descent is."""

    @property
    def settings(self) -> Mapping[str, float]:
        """As they are given, for the trace."""
        ...

    @property
    def merit(self) -> Merit:
        """What tightens a patch of the present level whose certificate fails."""
        ...

    @property
    def radius(self) -> float:
        """How far from the patch a tighter one is sought, in units."""
        ...

    def level(self, price: float, judge: Judge, until: float) -> None:
        """Go on to a price, relative to the least at which nothing changes."""
        ...

    def grown(self, most: int) -> bool:
        """Whether its next patches will surely change more weights."""
        ...


@dataclass(frozen=True, eq=False)
class Candidate:
    """A patch that the search has seen.

    Attributes:
        arm: whose it is.
        deltas: (n,) its deltas.
        price: the level.
        merit, radius: what tightens it if its certificate fails, and how far from it, in units.
        score: on validation data.
        worth: sum of the accuracies, less EXCESS times the clean accuracy lost beyond the limit.
        admitted: whether it changes few enough weights.
    """

    arm: Arm
    deltas: np.ndarray
    price: float
    merit: Merit
    radius: float
    score: Score
    worth: float
    admitted: bool

    @property
    def rank(self) -> tuple[bool, float, int]:
        """Larger is better: few enough weights, then worth, then fewer weights."""
        return self.admitted, self.worth, -int(np.count_nonzero(self.deltas))

    @property
    def settings(self) -> dict[str, float]:
        """The settings that led to it."""
        return {**self.arm.settings, "price": self.price}

    def describe(self, seconds: float) -> dict[str, Any]:
        """Its line in the trace."""
        return {
            **self.settings,
            "weights_changed": int(np.count_nonzero(self.deltas)),
            **asdict(self.score),
            "worth": self.worth,
            "admitted": self.admitted,
            "seconds": round(seconds, 3),
        }


@dataclass(eq=False)
class Search:
    """The search and what it has seen.

    Attributes:
        weights: what may change.
        validation: judges patches.
        limits: of patch and search.
        trace: a line for each candidate.
        best: of all candidates.
        ended: why the search did: "prices" are all done, "patience", "weights" are too many, or "time_budget".
    """

    weights: Weights
    validation: Validation
    limits: Limits
    trace: list[dict[str, Any]] = field(default_factory=list)
    best: Candidate | None = None
    ended: str = "prices"

    def __post_init__(self) -> None:
        self._began = time.perf_counter()

    def run(self, arms: Sequence[Arm], prices: Sequence[float]) -> Candidate | None:
        """The best patch of the arms at the falling prices."""
        leaders: dict[Arm, Candidate] = {}
        without = 0
        for number, price in enumerate(prices):
            before = self.best
            for arm in arms:
                self._level(arm, price, leaders)
            if number >= self.limits.together:
                ranked = sorted(arms, key=lambda arm: _rank(leaders.get(arm)), reverse=True)
                arms = ranked[: max(1, -(-len(arms) // 2))]
            if all(arm.grown(self.limits.weights) for arm in arms):
                self.ended = "weights"
                break
            without = without + 1 if self.best is before and before is not None else 0
            if without >= self.limits.patience:
                self.ended = "patience"
                break
            if self._late():
                break
        # A clock that ran out in the middle of a level left it unfinished.
        self.ended = "time_budget" if self._late() else self.ended
        return self.best

    def _level(self, arm: Arm, price: float, leaders: dict[Arm, Candidate]) -> None:
        if self._late():
            return

        def judge(deltas: np.ndarray) -> None:
            found = self._judged(arm, deltas, price)
            self.trace.append(found.describe(time.perf_counter() - self._began))
            if arm not in leaders or found.rank > leaders[arm].rank:
                leaders[arm] = found
            if self.best is None or found.rank > self.best.rank:
                self.best = found

        arm.level(price, judge, self.limits.until)

    def _judged(self, arm: Arm, deltas: np.ndarray, price: float) -> Candidate:
        score = self.validation(self.weights.moved(deltas))
        lost = self.validation.before.clean - score.clean - self.limits.drawdown
        worth = score.total - EXCESS * max(0.0, lost)
        admitted = bool(np.count_nonzero(deltas) <= self.limits.weights)
        return Candidate(arm, deltas, price, arm.merit, arm.radius, score, worth, admitted)

    def _late(self) -> bool:
        return time.perf_counter() >= self.limits.until


def _rank(leader: Candidate | None) -> tuple[bool, float, int]:
    return leader.rank if leader is not None else (False, -np.inf, 0)
