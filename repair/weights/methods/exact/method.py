"""Exact repair of a few weights: one MILP through the states of ReLUs, solved to a proven gap."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from repair.errors import InputError
from repair.weights.certificate import MarginConstraints, certify
from repair.weights.localization.localization import (
    ActivationDifference,
    Entering,
    Localization,
    highest,
)
from repair.weights.methods.exact.relu_program import (
    Norm,
    ProgramObjective,
    Soft,
    program,
    reachable_margins,
)
from repair.weights.methods.repair import Repair, Repairable, status_without_solution
from repair.weights.network.layers import Activation, Dense
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.problem import Problem
from repair.weights.programs.program import Solution, SolverOptions
from repair.weights.programs.solvers import solve
from repair.weights.settings import Count, CountOrZero, Positive, Settings, SolverName
from repair.weights.status import RepairStatus
from repair.weights.tangent import Tangent, Weights


@dataclass(frozen=True)
class Exact(Settings):
    """As many failing tests as can be put right with few weights, and among the ways to do so the least change.

    For the last layer, or a dense layer with a ReLU and the last layer behind it. ReLUs are encoded as by Tjeng, Xiao
    and Tedrake, "Evaluating robustness of neural networks with mixed integer programming" (ICLR 2019, arXiv
    1711.07356), section 4.1.

    Attributes:
        free: how many weights of the kernel may change: those that `localize` scores highest.
        localize: scores the weights.
        failing_tests: how many failing tests of each class should become right.
        passing_tests: how many clean tests of each class must stay right.
        soft: "binaries", as many failing tests as possible, or "slacks", each as nearly as possible.
        norm: the norm of the deltas that is small, "l0", "l1" or "linf", in units of the layer's mean |weight|.
        strength: regularization strength: the cost, in tests, of the largest norm that the bounds allow; below 1 no
            test is given up for the norm.
        margin: the margin that a test is to have, relative to the median margin of those that pass.
        bound: the largest |delta|, in units of the layer's mean |weight|.
        solver: "auto", "gurobi" or "highs".
        options: settings of the solver.
    """

    free: Count = 20
    localize: Localization = field(default_factory=ActivationDifference)
    failing_tests: Count = 2
    passing_tests: CountOrZero = 5
    soft: Soft = "binaries"
    norm: Norm = "l1"
    strength: Positive = 0.5
    margin: Positive = 0.01
    bound: Positive = 10.0
    solver: SolverName = "auto"
    options: SolverOptions = field(default_factory=SolverOptions)

    def repairable(self, network: Network) -> Repairable:
        """The last layer where it is dense, and a dense one with only a ReLU between the two."""
        fitting = [name for name in network.linear if _rectified(network, name) is not None]
        return Repairable([(name,) for name in fitting], self.free)

    def __call__(self, problem: Problem, *, seed: int) -> Repair:
        """The patch of the program's best solution; nothing is drawn, the seed is the solver's own.

        Raises:
            InputError: several layers, or one that is not as the class says.
        """
        began = time.perf_counter()
        layer = problem.layer
        rectified = _rectified(problem.network, layer)
        if rectified is None:
            raise _refusal(problem.network, layer)
        chosen = problem.limited(self.failing_tests, self.passing_tests)
        tests, failing = chosen.tests, len(chosen.repair_defect)
        details: dict[str, Any] = {"passing_tests": self.passing_tests}
        if not failing or failing == len(tests):
            reason = "no test fails, or none passes."
            return Repair(RepairStatus.SKIPPED, reason, details=details)
        tangent = Tangent.start(Weights(problem.network, (layer,)), tests.images)
        margins, rivals = _margins(tangent.logits, tests.labels)
        free = self._free(problem, tangent, tests.labels, margins.min(1) > 0)
        goal = ProgramObjective(
            self.margin * float(np.median(margins[failing:].min(1))),
            chosen.is_clean,
            self.soft,
            self.norm,
            self.strength,
            self.bound,
        )
        kernel = np.asarray(problem.network.weights(layer)["kernel"], np.float64)
        unit = float(np.abs(kernel).mean())
        reachable = reachable_margins(
            tangent.entering.astype(np.float64),
            tangent.entering @ kernel + _bias(problem, layer),
            margins,
            _weights_behind(problem, tests.labels, rivals),
            free,
            unit,
            self.bound,
            rectified,
        )
        milp = program(reachable, goal)
        built = time.perf_counter()
        solution = solve(milp, self.solver, self.options)
        solved = time.perf_counter()
        details |= {
            "program": milp.stats(),
            "undecided_relus": int(milp.integer[milp.column_blocks["state"]].sum()),
            "bound_proven": solution.bound,
        }
        seconds = {"prepare": built - began, "solver": solved - built}
        outcome: dict[str, Any] = {
            "solver": solution.summary(),
            "details": details,
            "seconds": seconds,
        }
        if solution.values is None:
            return Repair(*_failure(solution), **outcome)
        values = solution.values
        x = values[milp.column_blocks["plus"]] - values[milp.column_blocks["minus"]]
        deltas = np.zeros_like(kernel)
        deltas[free] = np.where(np.abs(x) > 1e-9, x, 0.0) * unit
        patch = Patch.dense(problem.network, {(layer, "kernel"): deltas})
        claimed = (
            reachable.constant
            + reachable.matrix @ x
            + reachable.relus @ values[milp.column_blocks["relu"]]
        )
        right = claimed.reshape(len(tests), -1).min(1) >= goal.target_margin / 2
        rows = MarginConstraints.margins(tests.take(right), problem.network.classes)
        certificate = certify(problem.network, patch, rows)
        details |= {
            "failing_tests": failing,
            "failing_tests_right": int(right[:failing].sum()),
            "certificate": certificate.describe(),
        }
        seconds["certify"] = time.perf_counter() - solved
        if not certificate.ok:
            reason = f"{len(certificate.failing)} of {certificate.rows} rows break in float32."
            return Repair(RepairStatus.UNCERTIFIED, reason, patch=patch, **outcome)
        return Repair(patch=patch, **outcome)

    def _free(
        self,
        problem: Problem,
        tangent: Tangent,
        labels: Int[np.ndarray, " T"],
        right: Bool[np.ndarray, " T"],
    ) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]:
        """Inputs and outputs of the weights most to blame."""
        network, layer = problem.network, problem.layer
        tests = Entering(tangent.entering, labels, np.arange(len(right)))
        scores = self.localize(network, layer, tests.take(~right), tests.take(right))
        best = highest(scores.ravel(), self.free, f"layer {layer!r}")
        inputs, outputs = np.divmod(best, scores.shape[1])
        return inputs, outputs


def _rectified(network: Network, layer: str) -> bool | None:
    """Whether a ReLU follows the layer; None where anything else stands between it and the last layer."""
    behind = network.layers[network.position(layer) + 1 :]
    if isinstance(network.layer(layer), Dense):
        if not behind:
            return False
        first, *rest = behind
        if (
            isinstance(first, Activation)
            and first.function == "relu"
            and len(rest) == 1
            and isinstance(rest[0], Dense)
        ):
            return True
    return None


def _refusal(network: Network, layer: str) -> InputError:
    behind = network.layers[network.position(layer) + 1 :]
    return InputError(
        f"exact repair takes the last layer, or a dense one with a ReLU and the last layer behind it; {layer!r} is"
        f" {network.layer(layer).kind} and has {', '.join(one.kind for one in behind) or 'nothing'} behind it."
        " Use Minimal(...), which repairs any layer."
    )


def _margins(
    logits: Float[np.ndarray, "T classes"], labels: Int[np.ndarray, " T"]
) -> tuple[Float[np.ndarray, "T R"], Int[np.ndarray, "T R"]]:
    """Margins to each rival class, and the rivals."""
    rivals = np.tile(np.arange(logits.shape[1]), (len(labels), 1))
    rivals = rivals[rivals != labels[:, None]].reshape(len(labels), -1)
    true = logits[np.arange(len(labels)), labels]
    return true[:, None] - np.take_along_axis(logits, rivals, 1), rivals


def _bias(problem: Problem, layer: str) -> Float[np.ndarray, "..."]:
    return np.asarray(problem.network.weights(layer).get("bias", 0.0), np.float64)


def _weights_behind(
    problem: Problem, labels: Int[np.ndarray, " T"], rivals: Int[np.ndarray, "T R"]
) -> Float[np.ndarray, "T R out"]:
    """The factors by which what follows the layer weighs its neurons in each margin."""
    network, classes = problem.network, problem.network.classes
    last = network.layers[-1].name
    behind = np.eye(classes)
    if problem.layer != last:
        behind = np.asarray(network.weights(last)["kernel"], np.float64)
    signs = np.eye(classes)[labels][:, None, :] - np.eye(classes)[rivals]
    weighed: np.ndarray = signs @ behind.T
    return weighed


def _failure(solution: Solution) -> tuple[RepairStatus, str]:
    status = status_without_solution(solution.status)
    if status is RepairStatus.TIME_LIMIT:
        return status, "no solution was found within the time limit."
    return status, solution.message or f"the solver ended with status {solution.status.value}."
