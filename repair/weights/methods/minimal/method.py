"""Minimal repair: the least change of weights that puts tests right, certified.

Minimised is a loss over the tests plus a norm of the change of weights, the regularizer: distillation by proximal
gradient descent, or the hinge loss by linear programs. The regularization strength and the settings of the loss are
found by a search on validation data.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from repair.errors import InputError
from repair.weights.certificate import Certificate
from repair.weights.localization.localization import ActivationDifference, Localization
from repair.weights.methods.minimal.certified import certified
from repair.weights.methods.minimal.distillation.loss import Distillation
from repair.weights.methods.minimal.layer_choice import repair_of_best_layers
from repair.weights.methods.minimal.linear_programs.generation import Generation
from repair.weights.methods.minimal.linear_programs.hinge import Hinge
from repair.weights.methods.minimal.linear_programs.sequential import SequentialLP
from repair.weights.methods.minimal.loss import Keep, Loss
from repair.weights.methods.minimal.penalties import Norm
from repair.weights.methods.minimal.search import Budget, Candidate, ConfigurationSearch
from repair.weights.methods.minimal.starting_point import StartingPoint
from repair.weights.methods.repair import Repair, Repairable
from repair.weights.methods.validation import Validation
from repair.weights.network.network import Network
from repair.weights.patch import Patch
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

SHORTLIST = 2
# What of a loss says which values of a setting it supports, and who else may.
SUPPORTED = {"norm": "norms", "keep": "keeps", "solver": "solvers"}
LOSSES = (Distillation, Hinge)


@dataclass(frozen=True)
class Minimal(Settings):
    """The method's settings.

    Attributes:
        loss: `Distillation`, `Hinge`, or one of your own (the protocol `Loss`). It says which of the values below of
            `norm`, `keep` and `solver` it supports.
        strengths: the regularization path: strengths relative to the largest one, from which on nothing changes; they
            are gone through from large to small.
        choose_layers: whether to repair each of the problem's layers alone, and all together, and take the best on
            validation data; of layers that a localization chooses, the first two.
        norm: of the change: "l1"; "weighted_l1", with penalty factors by how much clean data uses a weight; "l2"; or
            "linf". With the last two all weights would change: a patch is that of the `most_weights` that count most,
            alone.
        keep: tests that must keep a right answer, at any regularization strength: "none", or the "clean" ones that
            have it.
        free: how many weights may change at all, those of a dense layer that `localize` scores highest; None for
            all weights of the layers, of which the loss takes what it needs.
        localize: scores the weights, where `free` is given.
        most_weights: most changed weights of a patch.
        drawdown: loss of clean accuracy on validation data, a fraction; what is lost beyond it weighs four times as
            much as a gain on defective data.
        bound: largest |delta| relative to the mean |weight| of its layer's kernel; None for none.
        warmup_steps: steps of the path before the worse half of the loss's configurations is dropped, at each step.
        patience: steps of the path without a better patch after which the search ends.
        time_budget: seconds for all of it, after which the best patch so far is taken and the details say so; None
            for no limit.
        generation: how rows and columns of linear programs are generated.
        solver: of linear programs, which grow from solve to solve: "highs", which "auto" is too.
        options: of the solver, for each solve.
    """

    loss: Loss = field(default_factory=Distillation)
    strengths: Several[Positive] = (0.1, 0.03, 0.01, 0.003, 0.001)
    choose_layers: bool = False
    norm: Norm = "l1"
    keep: Keep = "none"
    free: Count | None = None
    localize: Localization = field(default_factory=ActivationDifference)
    most_weights: Count = 500
    drawdown: Share = 0.003
    bound: Positive | None = None
    warmup_steps: CountOrZero = 3
    patience: Count = 2
    time_budget: Positive | None = 300.0
    generation: Generation = field(default_factory=Generation)
    solver: SolverName = "auto"
    options: SolverOptions = field(default_factory=SolverOptions)

    def __post_init__(self) -> None:
        """InputError for values that the loss does not support."""
        super().__post_init__()
        for setting, supported in SUPPORTED.items():
            value, values = getattr(self, setting), getattr(self.loss, supported)
            if value not in values:
                others = [kind.__name__ for kind in LOSSES if value in getattr(kind, supported)]
                hint = f", or the loss {' or '.join(others)}" if others else ""
                raise InputError(
                    f"Minimal({setting}={value!r}): the loss {type(self.loss).__name__} supports {setting}"
                    f" {' or '.join(map(repr, values))} alone. Use what it supports{hint}."
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
            return repair_of_best_layers(problem, partial(self._within, seed), self.time_budget)
        began = time.perf_counter()
        until = np.inf if self.time_budget is None else began + self.time_budget
        weights = Weights(problem.network, problem.layers)
        tangent = Tangent.start(weights, problem.tests.images)
        start = StartingPoint(
            problem, tangent, self.norm, self.keep == "clean", self.free, self.localize
        )
        bound = np.inf if self.bound is None else self.bound
        programs = SequentialLP(self._generation, self.options, bound)
        configurations = (
            self.loss.configurations(start, programs, self.most_weights)
            if start.reference_margin > 0
            else []
        )
        ready = time.perf_counter()
        if not configurations:
            return Repair(
                RepairStatus.SKIPPED,
                "the network gets no clean test right, or no test lacks anything.",
            )
        budget = Budget(self.most_weights, self.drawdown, self.patience, self.warmup_steps, until)
        validation = Validation(problem, weights.layers[0])
        search = ConfigurationSearch(weights, validation, budget)
        candidate = search.run(configurations, sorted(self.strengths, reverse=True))
        searched, solving = time.perf_counter(), programs.seconds
        patch, certificate = None, None
        if candidate is not None:
            patch, certificate = certified(problem, tangent, candidate, programs)
        seconds = {
            "prepare": ready - began,
            "solver": programs.seconds,
            "search_without_solver": searched - ready - solving,
            "certify": time.perf_counter() - searched,
        }
        details = _details(search, programs, candidate, certificate)
        return _answer(patch, certificate, programs, seconds, details)

    @property
    def _generation(self) -> Generation:
        """In the L-inf norm every weight in a program may change."""
        if self.norm != "linf":
            return self.generation
        most = min(self.generation.most_columns, self.most_weights)
        return replace(self.generation, most_columns=most)

    def _within(self, seed: int, problem: Problem, seconds: float | None) -> Repair:
        return replace(self, choose_layers=False, time_budget=seconds)(problem, seed=seed)


def _details(
    search: ConfigurationSearch,
    programs: SequentialLP,
    candidate: Candidate | None,
    certificate: Certificate | None,
) -> dict[str, Any]:
    details: dict[str, Any] = {
        "free_weights": len(search.weights),
        "search": search.trace,
        "search_ended": search.ended,
        "rounds": len(programs.rounds),
        "rounds_accepted": sum(done.accepted for done in programs.rounds),
        "validation_before": asdict(search.validation.before),
    }
    if candidate is not None:
        details["settings"] = dict(candidate.settings)
    if certificate is not None:
        details["certificate"] = certificate.describe()
    return details


def _answer(
    patch: Patch | None,
    certificate: Certificate | None,
    programs: SequentialLP,
    seconds: Mapping[str, float],
    details: Mapping[str, Any],
) -> Repair:
    status, reason = RepairStatus.OK, None
    if patch is None:
        status, reason = _failure(programs)
    elif certificate is not None and not certificate.ok:
        status = RepairStatus.UNCERTIFIED
        reason = f"{len(certificate.failing)} of {certificate.rows} rows break in float32."
    return Repair(
        status, reason, patch, solver=programs.summary(), seconds=seconds, details=details
    )


def _failure(programs: SequentialLP) -> tuple[RepairStatus, str]:
    if not programs.rounds:
        return RepairStatus.TIME_LIMIT, "the time budget ended before the first patch."
    step = programs.rounds[-1].step
    if step.status is SolverStatus.TIME_LIMIT:
        return RepairStatus.TIME_LIMIT, "no program was solved within the time limit."
    return RepairStatus.ERROR, f"no patch was found: {step.message or step.status.value}"
