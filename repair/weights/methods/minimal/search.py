"""The settings of a loss by search: configurations compete along the regularization path, on validation data.

A configuration is a loss with settings of its own. Along its path the regularization strength falls step by step, each
step starting where the last one ended (warm starts), so that a patch grows from the few weights that pay most. After
each step the worse half of the configurations is dropped: successive halving (Jamieson and Talwalkar, "Non-stochastic
best arm identification and hyperparameter optimization", AISTATS 2016, arXiv 1502.07943).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from repair.weights.methods.minimal.objective import Objective
from repair.weights.methods.validation import Score, Validation
from repair.weights.tangent import Weights

EXCESS = 3.0  # what a loss of clean accuracy beyond the limit counts besides
Ended = Literal["path", "patience", "weights", "time_budget"]
Callback = Callable[[np.ndarray], None]  # is told the deltas (n,) of every patch on the way


@dataclass(frozen=True)
class Budget:
    """What a patch may cost, and what the search may.

    Attributes:
        most_weights: most changed weights.
        drawdown: loss of clean accuracy on validation data, a fraction, that weighs no more than a gain on defective.
        patience: steps of the path without a better patch after which the search ends.
        warmup_steps: steps of the path before the first configurations are dropped.
        until: time (time.perf_counter) at which to stop.
    """

    most_weights: int
    drawdown: float
    patience: int
    warmup_steps: int
    until: float


class Configuration(Protocol):
    """A loss with its settings, and how far its descent is."""

    @property
    def settings(self) -> Mapping[str, float]:
        """The settings as they are given, for the trace."""
        ...

    @property
    def objective(self) -> Objective:
        """What tightens a patch of the present step whose certificate fails."""
        ...

    @property
    def radius(self) -> float:
        """How far from the patch a tighter one is sought, in the scale of the weights."""
        ...

    def advance(self, strength: float, callback: Callback, until: float) -> None:
        """Take the next step of the path.

        Args:
            strength: regularization strength, relative to the largest one, from which on nothing changes.
            callback: is told of every patch.
            until: time (time.perf_counter) at which to stop.
        """
        ...

    def exceeds_budget(self, most_weights: int) -> bool:
        """Whether its next patches will surely change more weights."""
        ...


@dataclass(frozen=True, eq=False)
class Candidate:
    """A patch that the search has seen.

    Attributes:
        settings: that led to it, the regularization strength among them.
        deltas: (n,) its deltas.
        objective: what tightens it if its certificate fails.
        radius: how far from it a tighter one is sought, in the scale of the weights.
        score: on validation data.
        worth: sum of the accuracies, less EXCESS times the clean accuracy lost beyond the limit.
        admitted: whether it changes few enough weights.
    """

    settings: Mapping[str, float]
    deltas: np.ndarray
    objective: Objective
    radius: float
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
            **self.settings,
            "weights_changed": int(np.count_nonzero(self.deltas)),
            **asdict(self.score),
            "worth": self.worth,
            "admitted": self.admitted,
            "seconds": round(seconds, 3),
        }


@dataclass(eq=False)
class ConfigurationSearch:
    """The search and what it has seen.

    Attributes:
        weights: what may change.
        validation: measures patches.
        budget: of patch and search.
        trace: a line for each candidate.
        best: of all candidates.
        ended: why the search did: the "path" is at its end, "patience", too many "weights", or "time_budget".
    """

    weights: Weights
    validation: Validation
    budget: Budget
    trace: list[dict[str, Any]] = field(default_factory=list)
    best: Candidate | None = None
    ended: Ended = "path"

    def __post_init__(self) -> None:
        """Start the clock."""
        self._began = time.perf_counter()

    def run(
        self, configurations: Sequence[Configuration], strengths: Sequence[float]
    ) -> Candidate | None:
        """The best patch of the configurations along the path of falling strengths."""
        leaders: dict[Configuration, Candidate] = {}
        without = 0
        for number, strength in enumerate(strengths):
            before = self.best
            for configuration in configurations:
                self._advance(configuration, strength, leaders)
            if number >= self.budget.warmup_steps:
                configurations = _better_half(configurations, leaders)
            if all(one.exceeds_budget(self.budget.most_weights) for one in configurations):
                self.ended = "weights"
                break
            without = without + 1 if self.best is before and before is not None else 0
            if without >= self.budget.patience:
                self.ended = "patience"
                break
            if self._late():
                break
        # A clock that ran out in the middle of a step left it unfinished.
        self.ended = "time_budget" if self._late() else self.ended
        return self.best

    def _advance(
        self,
        configuration: Configuration,
        strength: float,
        leaders: dict[Configuration, Candidate],
    ) -> None:
        if self._late():
            return

        def callback(deltas: np.ndarray) -> None:
            candidate = self._candidate(configuration, deltas, strength)
            self.trace.append(candidate.describe(time.perf_counter() - self._began))
            leader = leaders.get(configuration)
            if leader is None or candidate.rank > leader.rank:
                leaders[configuration] = candidate
            if self.best is None or candidate.rank > self.best.rank:
                self.best = candidate

        configuration.advance(strength, callback, self.budget.until)

    def _candidate(
        self, configuration: Configuration, deltas: np.ndarray, strength: float
    ) -> Candidate:
        score = self.validation(self.weights.apply(deltas))
        lost = self.validation.before.clean - score.clean - self.budget.drawdown
        return Candidate(
            {**configuration.settings, "strength": strength},
            deltas,
            configuration.objective,
            configuration.radius,
            score,
            worth=score.total - EXCESS * max(0.0, lost),
            admitted=bool(np.count_nonzero(deltas) <= self.budget.most_weights),
        )

    def _late(self) -> bool:
        return time.perf_counter() >= self.budget.until


def _better_half(
    configurations: Sequence[Configuration], leaders: Mapping[Configuration, Candidate]
) -> Sequence[Configuration]:
    """By the best candidate of each, at least one; one without a candidate is worst."""

    def rank(configuration: Configuration) -> tuple[bool, float, int]:
        leader = leaders.get(configuration)
        return leader.rank if leader is not None else (False, -np.inf, 0)

    ranked = sorted(configurations, key=rank, reverse=True)
    return ranked[: max(1, -(-len(configurations) // 2))]
