"""Minimal repair: the least change of weights that puts margins right, certified.

Margins as soft rows with a price, the L1 norm of the change as objective: an LP at the last layer, a sequence of LPs
within a trust region at any other. The rows and the weights that matter are generated as they are needed, over whole
layers; margin and price are found by a search on validation data.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from repair.certify import Certificate
from repair.errors import InputError, unknown
from repair.localize import ActivationDifference, Localization
from repair.methods.minimal.certified import certified
from repair.methods.minimal.choice import best_layers
from repair.methods.minimal.costs import Norm, costs, only_blamed
from repair.methods.minimal.descent import Point, Round
from repair.methods.minimal.linear import Generation
from repair.methods.minimal.merit import Merit
from repair.methods.minimal.search import Arm, Candidate, Limits, Search
from repair.methods.minimal.validation import Validation
from repair.methods.repair import Repair
from repair.problem import Problem
from repair.program import SolverOptions, Status
from repair.tangent import Tangent, Weights

SOLVERS = ("auto", "highs")
Keep = Literal["none", "clean"]


@dataclass(frozen=True)
class Minimal:
    """The method's settings.

    Attributes:
        margins: what a test's margin should reach, relative to the median margin of the clean tests that the network
            gets right; more than one are searched.
        prices: of a change, relative to the least price at which nothing changes; falling, level by level.
        importances: price of a clean test's slack relative to a defective one's; more than one are searched.
        choose_layers: whether to repair each of the problem's layers alone, and all together, and take the best on
            validation data.
        norm: "l1", or "weighted_l1": by how much clean data uses a weight.
        keep: tests that must keep a right answer, at any price: "none", or the "clean" ones that have it.
        free: how many weights may change at all, those of a dense layer that `localize` scores highest; None for
            all weights of the layers, of which the program takes what it needs.
        localize: scores the weights, where `free` is given.
        most_weights: most changed weights of a patch.
        drawdown: loss of clean accuracy on validation data, a fraction; what is lost beyond it weighs four times as
            much as a gain on defective data.
        bound: largest |delta| relative to the mean |weight| of its layer's kernel; None for none.
        radius: of the first trust region, in the same unit.
        rounds: most rounds at a price.
        patience: price levels without a better patch after which the search ends.
        time_budget: seconds for all of it; None for no limit.
        generation: how rows and columns are generated.
        solver: "highs", which "auto" is too: the programs grow from solve to solve.
        options: of the solver, for each solve.
    """

    margins: Sequence[float] = (0.2, 0.5)
    prices: Sequence[float] = (0.1, 0.03, 0.01, 0.003, 0.001)
    importances: Sequence[float] = (1.0, 3.0)
    choose_layers: bool = False
    norm: Norm = "l1"
    keep: Keep = "none"
    free: int | None = None
    localize: Localization = field(default_factory=ActivationDifference)
    most_weights: int = 500
    drawdown: float = 0.003
    bound: float | None = None
    radius: float = 1.0
    rounds: int = 4
    patience: int = 2
    time_budget: float | None = 120.0
    generation: Generation = field(default_factory=Generation)
    solver: str = "auto"
    options: SolverOptions = field(default_factory=SolverOptions)

    def __post_init__(self) -> None:
        """InputError for a setting outside its range."""
        for name in ("margins", "prices", "importances"):
            values = getattr(self, name)
            if not len(values) or not min(values) > 0:
                raise InputError(f"minimal: {name} are {list(values)}; expected numbers above 0.")
        for name, least in (("most_weights", 1), ("rounds", 1), ("patience", 1), ("drawdown", 0)):
            if not getattr(self, name) >= least:
                raise InputError(
                    f"minimal: {name} is {getattr(self, name)}; expected at least {least}."
                )
        for name in ("bound", "radius", "time_budget"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"minimal: {name} is {value}; expected a number above 0.")
        for name, known in (("norm", get_args(Norm)), ("keep", get_args(Keep))):
            if getattr(self, name) not in known:
                raise unknown(f"{name} of minimal", str(getattr(self, name)), known)
        if self.solver not in SOLVERS:
            raise InputError(
                f"minimal: solver={self.solver}; its growing programs are solved by HiGHS alone:"
                " solver=highs or solver=auto."
            )

    def __call__(self, problem: Problem, *, seed: int) -> Repair:
        """The patch that is best on validation data; the method draws nothing, the seed is not used.

        Args:
            problem: with any dense and convolution layers to repair.

        Raises:
            InputError: a layer of another kind.
        """
        if self.choose_layers:
            return best_layers(problem, partial(self._within, seed), self.time_budget)
        began = time.perf_counter()
        until = np.inf if self.time_budget is None else began + self.time_budget
        weights = Weights(problem.network, problem.layers)
        tangent = Tangent.start(weights, problem.tests.images)
        validation = Validation(problem, weights.layers[0])
        exact = weights.layers == problem.network.names[-1:]
        point = Point(tangent, np.inf if exact else self.radius)
        arms = self._arms(problem, weights, point)
        ready = time.perf_counter()
        if not arms:
            return Repair(
                "skipped", "the network gets no clean test right, or no test lacks a margin."
            )
        search = Search(
            validation,
            Limits(
                self.most_weights,
                self.drawdown,
                np.inf if self.bound is None else self.bound,
                1 if exact else self.rounds,
                self.patience,
                until,
            ),
            self.generation,
            self.options,
        )
        found = search.run(arms, sorted(self.prices, reverse=True))
        searched = time.perf_counter()
        patch, certificate = certified(problem, tangent, found, search)
        solver_seconds = sum(done.step.solver_seconds for done in search.rounds)
        seconds = {
            "prepare": ready - began,
            "solver": solver_seconds,
            "search_without_solver": searched - ready - solver_seconds,
            "certify": time.perf_counter() - searched,
        }
        outcome: dict[str, Any] = {
            "patch": patch,
            "solver": _summary(search.rounds),
            "seconds": seconds,
            "details": _details(weights, found, certificate, search),
        }
        if found is None or patch is None:
            status, reason = _failure(search.rounds)
            return Repair(status, reason, **outcome)
        if certificate is not None and not certificate.ok:
            reason = f"{len(certificate.failing)} of {certificate.rows} rows break in float32."
            return Repair("uncertified", reason, **outcome)
        return Repair(**outcome)

    def _within(self, seed: int, problem: Problem, seconds: float | None) -> Repair:
        return replace(self, choose_layers=False, time_budget=seconds)(problem, seed=seed)

    def _arms(self, problem: Problem, weights: Weights, point: Point) -> list[Arm]:
        tests, logits = problem.tests, point.tangent.logits
        clean = np.arange(len(tests)) >= len(tests) - len(problem.repair_clean)
        labels, units = tests.labels, weights.units
        plain = Merit(labels, np.ones(len(tests)), 1.0, 1.0, np.ones(len(weights)), units)
        margins = plain.margins(logits).min(1)
        cost = costs(self.norm, point.tangent, plain, clean)
        if self.free is not None:
            cost = only_blamed(
                cost, problem.layer, point.tangent, labels, margins > 0, self.localize, self.free
            )
        hard = clean & (margins > 0) if self.keep == "clean" else None
        right = margins[clean & (margins > 0)]
        arms = []
        for relative in self.margins if len(right) else ():
            for importance in self.importances if not clean.all() else (1.0,):
                merit = Merit(
                    labels,
                    np.where(clean, importance, 1.0),
                    relative * float(np.median(right)),
                    1.0,
                    cost,
                    units,
                    hard,
                )
                gradient = point.tangent.gradient(*merit.hinge_cotangents(logits))
                steepest = float(np.abs(gradient * units / merit.cost).max())
                if steepest > 0:
                    arms.append(Arm(relative, importance, merit, steepest, point))
        return arms


def _details(
    weights: Weights, found: Candidate | None, certificate: Certificate | None, search: Search
) -> dict[str, Any]:
    details: dict[str, Any] = {
        "free_weights": len(weights),
        "search": search.trace,
        "rounds": len(search.rounds),
        "rounds_accepted": sum(done.accepted for done in search.rounds),
        "validation_before": asdict(search.validation.before),
    }
    if found is not None:
        details["settings"] = {
            "margin": found.margin,
            "importance": found.importance,
            "price": found.price,
        }
    if certificate is not None:
        details["certificate"] = certificate.describe()
    return details


def _summary(rounds: Sequence[Round]) -> Mapping[str, Any] | None:
    """All programs as one: the largest sizes, seconds added up, the last status."""
    if not rounds:
        return None
    steps = [done.step for done in rounds]
    return {
        "name": "highs",
        "status": steps[-1].status.value,
        "objective": steps[-1].objective if np.isfinite(steps[-1].objective) else None,
        "rows": max(step.rows for step in steps),
        "columns": max(step.columns for step in steps),
        "seconds": sum(step.solver_seconds for step in steps),
        "programs": len(steps),
        "solves": sum(step.passes for step in steps),
        "exact_programs": sum(step.exact for step in steps),
    }


def _failure(rounds: Sequence[Round]) -> tuple[str, str]:
    if not rounds:
        return "time_limit", "the time budget ended before the first program was solved."
    step = rounds[-1].step
    if step.status is Status.TIME_LIMIT:
        return "time_limit", "no program was solved within the time limit."
    return "error", f"no patch was found: {step.message or step.status.value}"
