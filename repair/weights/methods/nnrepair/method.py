"""NNrepair: an expert for each class, solved as MaxSAT (Usman et al., CAV 2021, arXiv 2103.12535).

The settings follow the published artifact: ten failing tests of a class are soft rows, of which as many as possible
shall hold; passing tests are hard rows, which must hold; and experts are combined into one classifier
(`repair.weights.experts`).
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool

from repair.errors import InputError
from repair.weights.certificate import MarginConstraints, certify
from repair.weights.experts.experts import Experts
from repair.weights.localization.localization import ActivationDifference, Localization
from repair.weights.methods.nnrepair.constraints import stacked
from repair.weights.methods.nnrepair.expert_problem import TIGHTENED, ExpertProblem
from repair.weights.methods.nnrepair.intermediate_layer import IntermediateLayer, followed_by_relu
from repair.weights.methods.nnrepair.last_layer import LastLayer
from repair.weights.methods.nnrepair.layer_settings import LayerSettings
from repair.weights.methods.nnrepair.shuffled_tests import ShuffledTests
from repair.weights.methods.nnrepair.solved_expert import (
    SolvedExpert,
    describe_experts,
    failure,
    summary,
)
from repair.weights.methods.repair import Repair, Repairable
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.problem import Problem
from repair.weights.programs.maximise import Secondary, maximise
from repair.weights.programs.maxsat import max_satisfied
from repair.weights.programs.program import SolverOptions
from repair.weights.programs.solvers import Solver
from repair.weights.settings import Count, CountOrZero, NotNegative, Positive, Settings, SolverName

LayerRepair = LastLayer | IntermediateLayer
EXPERIMENTS = {0: "ExpA", 10: "ExpB", 50: "ExpC", 100: "ExpD"}
"""The paper's name of a run by its number of passing tests."""


@dataclass(frozen=True)
class NNRepair(Settings):
    """Experts for the classes that fail, by partial MaxSAT over the deltas of few weights.

    Usman, Gopinath, Sun, Noller and Păsăreanu, "NNrepair: Constraint-based Repair of Neural Network Classifiers"
    (CAV 2021, arXiv 2103.12535), section 3: fault localization, constraints, solving, combination.

    Attributes:
        k: free weights of an expert; at an intermediate layer, of each of its neurons. None takes the
            paper's number: 5 (10 for CIFAR-10) at the last layer, 50 at an intermediate one.
        failing_tests: tests of a class that the network gets wrong, for the soft rows.
        passing_tests: tests that it gets right, for the hard rows: 0, 10, 50, 100 are ExpA to ExpD.
        localize_tests: failing and passing tests that localization looks at; None takes all.
        bound: largest absolute delta. None takes the paper's number: 0.5, at an intermediate layer 1.
        margin: slack of the rows, relative to the mean absolute output of the layer.
        localize: scores the weights.
        pattern_depth: longest inferred pattern; None grows the tree until its leaves are pure.
        full: whether to solve for all classes together as well (FULL).
        secondary: which of a program's optima: "none" the solver's own, "l1" the one of the smallest L1 norm.
        solver: the solver's name, or a solver.
        options: settings of the solver, for each program.
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
    secondary: Secondary = "l1"
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
        tests = ShuffledTests.of(problem, layer, seed)
        tested = time.perf_counter()
        how = self._layer_repair(network, layer, tests, seed)
        every = (how.expert_problem(label) for label in range(network.classes))
        experts = [expert for expert in every if expert is not None]
        located = time.perf_counter()
        solved = {expert.label: self._solve(problem, how, [expert]) for expert in experts}
        full = None
        if self.full and experts:
            full = self._solve(problem, how, experts, list(solved.values()))
        ended = time.perf_counter()
        patches = {label: one.patch for label, one in solved.items() if one.patch and one.certified}
        seconds = {"tests": tested - began, "localize": located - tested, "solve": ended - located}
        outcome: dict[str, Any] = {
            "solver": summary([one.maximum for one in solved.values()]),
            "details": {
                "passing_tests": self.passing_tests,
                "exp": EXPERIMENTS.get(self.passing_tests),
                **describe_experts(experts, solved, full, network.classes),
            },
        }
        if not patches:
            return Repair(*failure(list(solved.values())), seconds=seconds, **outcome)
        full_patch = full.patch if full and full.certified else None
        measured = Experts.measured(network, layer, patches, *tests.halves, full_patch)
        seconds["measure"] = time.perf_counter() - ended
        return Repair(experts=measured, seconds=seconds, **outcome)

    def _layer_repair(
        self, network: Network, layer: str, tests: ShuffledTests, seed: int
    ) -> LayerRepair:
        settings = LayerSettings(
            self.localize,
            self.k,
            self.bound,
            self.margin,
            failing=self.failing_tests,
            passing=self.passing_tests,
            localize_tests=self.localize_tests,
            depth=self.pattern_depth,
            seed=seed,
        )
        kind = LastLayer if layer == network.weighted[-1] else IntermediateLayer
        return kind(network, layer, tests, settings)

    def _solve(
        self,
        problem: Problem,
        how: LayerRepair,
        experts: Sequence[ExpertProblem],
        before: Sequence[SolvedExpert] = (),
    ) -> SolvedExpert:
        """The certified answer to experts' problems taken together; the last one tried if none is.

        The solver starts from the deltas of the answers `before`, all at once.
        """
        free = np.unique(np.concatenate([expert.free for expert in experts]))
        start = np.zeros(len(free)) if before else None
        for one in before:
            if start is not None and one.maximum.deltas is not None:
                start[np.searchsorted(free, one.free)] = one.maximum.deltas
        parts = [how.rows(expert, free) for expert in experts]
        hard, soft = (stacked(rows) for rows in zip(*parts, strict=True))
        limit = np.full(len(free), how.bound)
        solved = None
        for tightened in TIGHTENED:
            program = max_satisfied(hard, soft, -limit, limit, margin=tightened * how.margin)
            maximum = maximise(program, self.solver, self.options, start, self.secondary)
            if maximum.deltas is None or maximum.held is None or not maximum.admitted:
                return solved or SolvedExpert(free, maximum)
            key = (problem.layer, "kernel")
            patch = Patch.sparse(problem.network, {key: (free, maximum.deltas)})
            claimed = _claimed(problem, how, experts, maximum.held)
            certificates = [certify(problem.network, patch, rows) for rows in claimed]
            solved = SolvedExpert(free, maximum, patch, tuple(certificates))
            if solved.certified:
                break
        assert solved is not None  # TIGHTENED is not empty
        return solved


def _claimed(
    problem: Problem,
    how: LayerRepair,
    experts: Sequence[ExpertProblem],
    held: Bool[np.ndarray, " soft"],
) -> Iterator[MarginConstraints]:
    """The rows that the deltas claim: the hard rows, and the soft ones that hold."""
    images, begin = problem.tests.images, 0
    for expert in experts:
        passing, failing = expert.passing, expert.failing
        if len(passing):
            yield how.claims(images[passing.indices], passing, expert.label)
        soft = how.claims(images[failing.indices], failing, expert.label)
        yield soft.take(held[begin : begin + len(soft)])
        begin += len(soft)
