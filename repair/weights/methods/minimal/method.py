"""Minimal repair: the least change of weights that puts tests right, certified.

A loss over the tests plus the priced norm of the change: distillation by proximal gradient descent, or the hinge of
margins by linear programs. Settings of the loss and the price are found by a search on validation data.
"""

import time
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from repair.errors import InputError
from repair.weights.certificate import Certificate
from repair.weights.localization.localization import ActivationDifference, Localization
from repair.weights.methods.minimal.certified import certified
from repair.weights.methods.minimal.choice import best_layers
from repair.weights.methods.minimal.costs import Norm
from repair.weights.methods.minimal.distillation import Distillation
from repair.weights.methods.minimal.hinge import Hinge
from repair.weights.methods.minimal.linear import Generation
from repair.weights.methods.minimal.programs import Programs
from repair.weights.methods.minimal.search import Arm, Candidate, Limits, Search
from repair.weights.methods.minimal.start import Start
from repair.weights.methods.repair import Repair, Repairable
from repair.weights.methods.validation import Validation
from repair.weights.network.network import Network
from repair.weights.problem import Problem
from repair.weights.programs.program import SolverOptions, SolverStatus
from repair.weights.settings import (
    Count,
    CountOrZero,
    Positive,
    Settings,
    Several,
    Share,
    SolverName,
)
from repair.weights.status import RepairStatus
from repair.weights.tangent import Tangent, Weights

SOLVERS = ("auto", "highs")
SHORTLIST = 2
Keep = Literal["none", "clean"]


@runtime_checkable
class Loss(Protocol):
    """What a patch should make small."""

    def arms(self, start: Start, programs: Programs, most: int) -> list[Arm]:
        """An arm of the search for each of its settings that leave something to do.

        Args:
            start: the unrepaired network at the tests.
            programs: how linear programs are solved.
            most: most changed weights of a patch.
        """
        ...


@dataclass(frozen=True)
class Minimal(Settings):
    """The method's settings.

    Attributes:
        loss: `Distillation`, or the `Hinge` of margins.
        prices: of a change, relative to the least price at which nothing changes; falling, level by level.
        choose_layers: whether to repair each of the problem's layers alone, and all together, and take the best on
            validation data; of layers that a localization chooses, the first two.
        norm: "l1"; "weighted_l1": by how much clean data uses a weight; "l2"; or "linf". With the last two all weights
            would change: a patch is that of the `most_weights` that count most, alone.
        keep: tests that must keep a right answer, at any price: "none", or the "clean" ones that have it. Linear
            programs alone can promise it: loss=Hinge.
        free: how many weights may change at all, those of a dense layer that `localize` scores highest; None for
            all weights of the layers, of which the loss takes what it needs.
        localize: scores the weights, where `free` is given.
        most_weights: most changed weights of a patch.
        drawdown: loss of clean accuracy on validation data, a fraction; what is lost beyond it weighs four times as
            much as a gain on defective data.
        bound: largest |delta| relative to the mean |weight| of its layer's kernel; None for none.
        together: levels before the worse half of the loss's settings is dropped, level after level.
        patience: price levels without a better patch after which the search ends.
        time_budget: seconds for all of it, after which the best patch so far is taken and the details say so; None
            for no limit.
        generation: how rows and columns of linear programs are generated.
        solver: "highs", which "auto" is too: the programs grow from solve to solve. Or "pdhg", which is given every row
            and column at once: for the hinge at layers with few weights, such as the last.
        options: of the solver, for each solve.
    """

    loss: Loss = field(default_factory=Distillation)
    prices: Several[Positive] = (0.1, 0.03, 0.01, 0.003, 0.001)
    choose_layers: bool = False
    norm: Norm = "l1"
    keep: Keep = "none"
    free: Count | None = None
    localize: Localization = field(default_factory=ActivationDifference)
    most_weights: Count = 500
    drawdown: Share = 0.003
    bound: Positive | None = None
    together: CountOrZero = 0
    patience: Count = 2
    time_budget: Positive | None = 300.0
    generation: Generation = field(default_factory=Generation)
    solver: SolverName = "auto"
    options: SolverOptions = field(default_factory=SolverOptions)

    def __post_init__(self) -> None:
        """InputError for settings that do not fit each other."""
        super().__post_init__()
        if self.solver not in SOLVERS:
            raise InputError(
                f"minimal: solver={self.solver}; its growing programs are solved by HiGHS alone:"
                " solver=highs or solver=auto."
            )
        if self.norm == "l2" and isinstance(self.loss, Hinge):
            raise InputError(
                "minimal: norm=l2 with method/loss=hinge would be a quadratic program, not a linear one; use"
                " norm=l1, weighted_l1 or linf, or method/loss=distillation."
            )
        if self.keep != "none" and isinstance(self.loss, Distillation):
            raise InputError(
                f"minimal: keep={self.keep} is a promise of linear programs; ask for it with method/loss=hinge."
            )

    def repairable(self, network: Network) -> Repairable:
        """Any dense and convolution layer, and all of them; with `free` dense layers alone."""
        shortlist = SHORTLIST if self.choose_layers else 1
        if self.free is None:
            return Repairable.any_of(network.linear, self.most_weights, shortlist)
        dense = [(name,) for name in network.linear if network.layer(name).kind == "dense"]
        return Repairable(dense, min(self.free, self.most_weights), shortlist)

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
        start = Start(problem, tangent, self.norm, self.keep == "clean", self.free, self.localize)
        bound = np.inf if self.bound is None else self.bound
        programs = Programs(self._generation, self.options, bound, self._solver)
        arms = self.loss.arms(start, programs, self.most_weights) if start.usual > 0 else []
        ready = time.perf_counter()
        if not arms:
            return Repair(
                RepairStatus.SKIPPED,
                "the network gets no clean test right, or no test lacks anything.",
            )
        limits = Limits(self.most_weights, self.drawdown, self.patience, self.together, until)
        search = Search(weights, Validation(problem, weights.layers[0]), limits)
        found = search.run(arms, sorted(self.prices, reverse=True))
        searched, solving = time.perf_counter(), programs.seconds
        patch, certificate = certified(problem, tangent, found, programs)
        seconds = {
            "prepare": ready - began,
            "solver": programs.seconds,
            "search_without_solver": searched - ready - solving,
            "certify": time.perf_counter() - searched,
        }
        outcome: dict[str, Any] = {
            "patch": patch,
            "solver": programs.summary(),
            "seconds": seconds,
            "details": _details(weights, found, certificate, search, programs),
        }
        if found is None or patch is None:
            status, reason = _failure(programs)
            return Repair(status, reason, **outcome)
        if certificate is not None and not certificate.ok:
            reason = f"{len(certificate.failing)} of {certificate.rows} rows break in float32."
            return Repair(RepairStatus.UNCERTIFIED, reason, **outcome)
        return Repair(**outcome)

    @property
    def _solver(self) -> str:
        return "highs" if self.solver == "auto" else self.solver

    @property
    def _generation(self) -> Generation:
        """With L-inf every weight in a program may change."""
        if self.norm != "linf":
            return self.generation
        most = min(self.generation.most_columns, self.most_weights)
        return replace(self.generation, most_columns=most)

    def _within(self, seed: int, problem: Problem, seconds: float | None) -> Repair:
        return replace(self, choose_layers=False, time_budget=seconds)(problem, seed=seed)


def _details(
    weights: Weights,
    found: Candidate | None,
    certificate: Certificate | None,
    search: Search,
    programs: Programs,
) -> dict[str, Any]:
    details: dict[str, Any] = {
        "free_weights": len(weights),
        "search": search.trace,
        "search_ended": search.ended,
        "rounds": len(programs.rounds),
        "rounds_accepted": sum(done.accepted for done in programs.rounds),
        "validation_before": asdict(search.validation.before),
    }
    if found is not None:
        details["settings"] = found.settings
    if certificate is not None:
        details["certificate"] = certificate.describe()
    return details


def _failure(programs: Programs) -> tuple[RepairStatus, str]:
    if not programs.rounds:
        return RepairStatus.TIME_LIMIT, "the time budget ended before the first patch."
    step = programs.rounds[-1].step
    if step.status is SolverStatus.TIME_LIMIT:
        return RepairStatus.TIME_LIMIT, "no program was solved within the time limit."
    return RepairStatus.ERROR, f"no patch was found: {step.message or step.status.value}"
