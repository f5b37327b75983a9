"""NNrepair: an expert for each class, solved as MaxSAT (Usman et al., CAV 2021, arXiv 2103.12535).

The settings follow the published artifact: ten failing tests of a class ask for what they can get (soft rows), passing
tests must keep what they have (hard rows), and experts are combined into one classifier (`repair.weights.experts`).
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from repair.errors import InputError
from repair.weights.certify import Certificate, Rows, certify
from repair.weights.experts.experts import Experts
from repair.weights.localization.localization import ActivationDifference, Localization
from repair.weights.methods.nnrepair.asked import TIGHTENED, Asked
from repair.weights.methods.nnrepair.intermediate_layer import IntermediateLayer, followed_by_relu
from repair.weights.methods.nnrepair.last_layer import LastLayer
from repair.weights.methods.nnrepair.margins import stacked
from repair.weights.methods.nnrepair.pool import Pool
from repair.weights.methods.repair import Repair, Repairable
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.problem import Problem
from repair.weights.programs.maximise import Maximum, Secondary, maximise
from repair.weights.programs.maxsat import max_satisfied
from repair.weights.programs.program import SolverOptions, Status
from repair.weights.programs.solvers import Solver
from repair.weights.settings import Count, CountOrZero, NotNegative, Positive, Settings, SolverName

Place = LastLayer | IntermediateLayer
_FAILURES = {
    Status.INFEASIBLE: "infeasible",
    Status.TIME_LIMIT: "time_limit",
    Status.LICENCE: "licence",
}


@dataclass(frozen=True)
class NNRepair(Settings):
    """The method's settings.

    Attributes:
        k: free weights of an expert; at an intermediate layer, of each of its neurons. None takes
            the paper's: 5 (10 for CIFAR-10) at the last layer, 50 at an intermediate one.
        failing_tests: tests of a class that the network gets wrong, for the soft rows.
        passing_tests: tests that it gets right, for the hard rows: 0, 10, 50, 100 are ExpA to ExpD.
        localize_tests: failing and passing tests that localization looks at; None takes all.
        bound: largest absolute delta. None takes the paper's: 0.5, at an intermediate layer 1.
        margin: slack of the rows, relative to the mean absolute output of the layer.
        localize: scores the weights.
        pattern_depth: longest inferred pattern; None grows the tree until its leaves are pure.
        full: whether to solve for all classes together as well (FULL).
        secondary: which of a program's optima: "none" the solver's own, "l1" the smallest.
        solver: its name, or a solver.
        options: of the solver, for each program.
    """

    k: Count | None = None
    failing_tests: Count = 10
    passing_tests: CountOrZero = 50
    localize_tests: Count | None = None
    bound: NotNegative | None = None
    margin: Positive = 1e-5
    localize: Localization = field(default_factory=ActivationDifference)
    pattern_depth: Count | None = None
    full: bool = True
    secondary: Secondary = "none"
    solver: SolverName | Solver = "auto"
    options: SolverOptions = field(default_factory=SolverOptions)

    def repairable(self, network: Network) -> Repairable:
        """The last layer where it is dense, and dense ones with a ReLU behind them."""
        dense = [name for name in network.linear if network.layer(name).kind == "dense"]
        return Repairable(
            [
                (name,)
                for name in dense
                if name == network.weighted[-1] or followed_by_relu(network, name)
            ]
        )

    def __call__(self, problem: Problem, *, seed: int) -> Repair:
        """Experts for the classes that have failing tests.

        Args:
            problem: with one dense layer to repair; an intermediate one has a ReLU behind it.
            seed: of the choice of tests and of the decision trees.

        Raises:
            InputError: a layer of another kind, or a k that is larger than the layer.
        """
        began = time.perf_counter()
        network, layer = problem.network, problem.layer
        if network.layer(layer).kind != "dense":
            raise InputError(
                f"nnrepair repairs dense layers; {layer!r} is {network.layer(layer).kind}."
            )
        tests = Pool.of(problem, layer, seed)
        tested = time.perf_counter()
        place = self._place(network, layer, tests, seed)
        asked = [asked for label in range(network.classes) if (asked := place.ask(label))]
        located = time.perf_counter()
        answers = {a.label: self._answer(problem, place, [a]) for a in asked}
        together = None
        if self.full and asked:
            together = self._answer(problem, place, asked, [answers[a.label] for a in asked])
        solved = time.perf_counter()
        patches = {label: a.patch for label, a in answers.items() if a.patch and a.certified}
        seconds = {"tests": tested - began, "localize": located - tested, "solve": solved - located}
        outcome: dict[str, Any] = {
            "solver": _summary([answer.maximum for answer in answers.values()]),
            "details": _details(asked, answers, together, network.classes),
        }
        if not patches:
            return Repair(*_failure(list(answers.values())), seconds=seconds, **outcome)
        full = together.patch if together and together.certified else None
        experts = Experts.measured(network, layer, patches, *tests.halves, full)
        seconds["measure"] = time.perf_counter() - solved
        return Repair(experts=experts, seconds=seconds, **outcome)

    def _place(self, network: Network, layer: str, tests: Pool, seed: int) -> Place:
        settings: dict[str, Any] = {
            "localize": self.localize,
            "k": self.k,
            "bound": self.bound,
            "margin": self.margin,
            "failing": self.failing_tests,
            "passing": self.passing_tests,
            "localize_tests": self.localize_tests,
        }
        if layer == network.weighted[-1]:
            return LastLayer(network, layer, tests, **settings)
        depth = self.pattern_depth
        return IntermediateLayer(network, layer, tests, **settings, depth=depth, seed=seed)

    def _answer(
        self,
        problem: Problem,
        place: Place,
        asked: Sequence[Asked],
        before: Sequence["_Answer"] = (),
    ) -> "_Answer":
        """The certified answer to what classes ask together; the last one tried if none is.

        The solver starts from the deltas of the answers `before`, all at once.
        """
        free = np.unique(np.concatenate([a.free for a in asked]))
        start = np.zeros(len(free)) if before else None
        for a in before:
            if start is not None and a.maximum.deltas is not None:
                start[np.searchsorted(free, a.free)] = a.maximum.deltas
        parts = [place.rows(a, free) for a in asked]
        hard, soft = (stacked(rows) for rows in zip(*parts, strict=True))
        limit = np.full(len(free), place.bound)
        answer = None
        for tightened in TIGHTENED:
            program = max_satisfied(hard, soft, -limit, limit, margin=tightened * place.margin)
            maximum = maximise(program, self.solver, self.options, start, self.secondary)
            if maximum.deltas is None or maximum.held is None or not maximum.admitted:
                return answer or _Answer(free, maximum)
            key = (problem.layer, "kernel")
            patch = Patch.sparse(problem.network, {key: (free, maximum.deltas)})
            claimed = _claimed(problem, place, asked, maximum.held)
            certificates = [certify(problem.network, patch, rows) for rows in claimed]
            answer = _Answer(free, maximum, patch, tuple(certificates))
            if answer.certified:
                break
        assert answer is not None  # TIGHTENED is not empty
        return answer


def _claimed(
    problem: Problem, place: Place, asked: Sequence[Asked], held: np.ndarray
) -> Iterator[Rows]:
    """What the deltas claim: the hard rows, and the soft ones that hold."""
    images, begin = problem.tests.images, 0
    for a in asked:
        if len(a.passing):
            yield place.claims(images[a.passing.places], a.passing, a.label)
        soft = place.claims(images[a.failing.places], a.failing, a.label)
        yield soft.take(held[begin : begin + len(soft)])
        begin += len(soft)


@dataclass(frozen=True, eq=False)
class _Answer:
    """What the solver said, and what a run of the patched network said of it."""

    free: np.ndarray
    maximum: Maximum
    patch: Patch | None = None
    certificates: tuple[Certificate, ...] = ()

    @property
    def certified(self) -> bool:
        return self.patch is not None and all(certificate.ok for certificate in self.certificates)

    def describe(self) -> dict[str, Any]:
        maximum = self.maximum
        return {
            "free_weights": len(self.free),
            "soft_rows": None if maximum.held is None else len(maximum.held),
            "soft_rows_held": maximum.count,
            "soft_rows_bound": maximum.bound,
            "proven": maximum.proven,
            "certified_rows": sum(certificate.held for certificate in self.certificates),
            "claimed_rows": sum(certificate.rows for certificate in self.certificates),
            "solver": maximum.solution.solver,
            "status": maximum.solution.status.value,
            "seconds": maximum.solution.seconds,
        }


def _details(
    asked: Sequence[Asked],
    answers: Mapping[int, _Answer],
    together: _Answer | None,
    classes: int,
) -> dict[str, Any]:
    experts = {
        str(a.label): {
            "failing_tests": len(a.failing),
            "passing_tests": len(a.passing),
            **a.about,
            **answers[a.label].describe(),
        }
        for a in asked
    }
    without = sorted(set(range(classes)) - set(answers))
    reason = "no failing or no passing tests of this class, or none that violates its pattern"
    return {
        "experts": experts,
        "skipped_classes": {str(label): reason for label in without},
        "full": together.describe() if together else None,
    }


def _summary(maxima: Sequence[Maximum]) -> dict[str, Any] | None:
    """All experts' solves as one: sizes and objectives added up, the worst status."""
    if not maxima:
        return None
    solutions = [maximum.solution for maximum in maxima]
    statuses = [solution.status for solution in solutions]
    worst = max(statuses, key=lambda status: (status is not Status.OPTIMAL, status.value))
    objectives = [s.objective for s in solutions if s.objective is not None]
    bounds = [s.bound for s in solutions if s.bound is not None]
    return {
        "name": "+".join(sorted({solution.solver for solution in solutions})),
        "status": worst.value,
        "objective": sum(objectives) if len(objectives) == len(solutions) else None,
        "bound": sum(bounds) if len(bounds) == len(solutions) else None,
        "rows": sum(solution.rows for solution in solutions),
        "columns": sum(solution.columns for solution in solutions),
        "soft_rows_violated": sum(len(m.held) - m.count for m in maxima if m.held is not None),
        "seconds": sum(solution.seconds for solution in solutions),
        "programs": len(solutions),
    }


def _failure(answers: Sequence[_Answer]) -> tuple[str, str]:
    if not answers:
        return "skipped", "no class has failing tests to repair on; there is nothing to do."
    if any(answer.patch for answer in answers):
        return "uncertified", "no expert keeps its rows when the patched network runs in float32."
    solution = answers[0].maximum.solution
    message = solution.message or f"the solver ended with {solution.status.value}"
    return _FAILURES.get(solution.status, "error"), f"no expert was found: {message}"
