"""Settings by search: margins and importances halve successively while the price falls, judged on validation data.

An arm is a margin with an importance of clean tests. Along an arm the price of change falls level by level, each
level starting where the last one ended, so that a patch grows from the few weights that pay most. After each level
the worse half of the arms is dropped (successive halving: Jamieson and Talwalkar, AISTATS 2016, arXiv 1502.07943).
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from repair.methods.minimal.descent import Point, Round, descend
from repair.methods.minimal.linear import Generation
from repair.methods.minimal.merit import Merit
from repair.methods.minimal.validation import Score, Validation
from repair.program import SolverOptions

EXCESS = 3.0


@dataclass(frozen=True)
class Limits:
    """What a patch may cost, and what the search may.

    Attributes:
        weights: most changed weights.
        drawdown: loss of clean accuracy on validation data, a fraction, that weighs no more than a gain on defective.
        bound: largest |delta|, in units of the mean |weight| of the layer.
        rounds: most rounds of a price.
        patience: levels without a better patch after which the search ends.
        until: time (time.perf_counter) at which to stop.
    """

    weights: int
    drawdown: float
    bound: float
    rounds: int
    patience: int
    until: float


@dataclass(frozen=True, eq=False)
class Candidate:
    """A patch that the search has seen.

    Attributes:
        deltas: (n,) its deltas.
        margin, importance, price: the settings that led to it, as they are given.
        merit: with those settings.
        score: on validation data.
        worth: sum of the accuracies, less EXCESS times the clean accuracy lost beyond the limit.
        admitted: whether it changes few enough weights.
    """

    deltas: np.ndarray
    margin: float
    importance: float
    price: float
    merit: Merit
    score: Score
    worth: float
    admitted: bool

    @property
    def rank(self) -> tuple[bool, float, int]:
        """Larger is better: few enough weights, then worth, then fewer weights."""
        return self.admitted, self.worth, -int(np.count_nonzero(self.deltas))

    def describe(self, seconds: float) -> dict[str, Any]:
        """Its line in the trace."""
        return {
            "margin": self.margin,
            "importance": self.importance,
            "price": self.price,
            "weights_changed": int(np.count_nonzero(self.deltas)),
            **asdict(self.score),
            "worth": self.worth,
            "admitted": self.admitted,
            "seconds": round(seconds, 3),
        }


@dataclass(eq=False)
class Arm:
    """A margin and an importance of clean tests, and how far their descent is."""

    margin: float
    importance: float
    merit: Merit
    steepest: float
    point: Point
    best: Candidate | None = None


@dataclass(eq=False)
class Search:
    """The search and what it has seen.

    Attributes:
        validation: judges patches.
        limits: of patch and search.
        generation, options: of the programs.
        rounds: all solved rounds.
        trace: a line for each candidate.
        best: of all candidates.
    """

    validation: Validation
    limits: Limits
    generation: Generation
    options: SolverOptions
    rounds: list[Round] = field(default_factory=list)
    trace: list[dict[str, Any]] = field(default_factory=list)
    best: Candidate | None = None

    def __post_init__(self) -> None:
        self._began = time.perf_counter()

    def run(self, arms: Sequence[Arm], prices: Sequence[float]) -> Candidate | None:
        """The best patch of the arms at the prices, which are shares of the price that would change nothing."""
        without = 0
        for price in prices:
            before = self.best
            for arm in arms:
                self._level(arm, price)
            arms = sorted(arms, key=_rank, reverse=True)[: max(1, -(-len(arms) // 2))]
            # Patches only grow as the price falls.
            if all(np.count_nonzero(arm.point.tangent.at) > self.limits.weights for arm in arms):
                break
            without = without + 1 if self.best is before and before is not None else 0
            if without >= self.limits.patience or self._late():
                break
        return self.best

    def _level(self, arm: Arm, price: float) -> None:
        if self._late():
            return
        merit = arm.merit.priced(price * arm.steepest)
        seen = len(self.trace)

        def judge(point: Point) -> None:
            self._judge(arm, point, merit, price)

        arm.point, rounds = descend(
            arm.point,
            merit,
            rounds=self.limits.rounds,
            bound=self.limits.bound,
            generation=self.generation,
            options=self.options,
            until=self.limits.until,
            accepted=judge,
        )
        self.rounds.extend(rounds)
        if seen == len(self.trace) and arm.best is None:
            judge(arm.point)

    def _judge(self, arm: Arm, point: Point, merit: Merit, price: float) -> None:
        deltas = point.tangent.at
        score = self.validation(point.tangent.network)
        lost = self.validation.before.clean - score.clean - self.limits.drawdown
        worth = score.total - EXCESS * max(0.0, lost)
        admitted = bool(np.count_nonzero(deltas) <= self.limits.weights)
        found = Candidate(deltas, arm.margin, arm.importance, price, merit, score, worth, admitted)
        self.trace.append(found.describe(time.perf_counter() - self._began))
        if arm.best is None or found.rank > arm.best.rank:
            arm.best = found
        if self.best is None or found.rank > self.best.rank:
            self.best = found

    def _late(self) -> bool:
        return time.perf_counter() >= self.limits.until


def _rank(arm: Arm) -> tuple[bool, float, int]:
    return arm.best.rank if arm.best is not None else (False, -np.inf, 0)
