"""Exact repair of a few weights: one MILP through the states of ReLUs, solved to a proven gap."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from repair.errors import InputError
from repair.weights.certify import Rows, certify
from repair.weights.localization.localization import (
    ActivationDifference,
    Entering,
    Localization,
    highest,
)
from repair.weights.methods.exact.relu_program import Norm, Rule, Soft, program, reach
from repair.weights.methods.repair import Repair, Repairable
from repair.weights.network.layers import Activation, Dense
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.problem import Problem
from repair.weights.programs.program import Solution, SolverOptions, Status
from repair.weights.programs.solvers import solve
from repair.weights.settings import Count, CountOrZero, Positive, Settings, SolverName
from repair.weights.tangent import Tangent, Weights


@dataclass(frozen=True)
class Exact(Settings):
    """As many failing tests as can be put right with few weights, and among the ways to do so the least change.

    For the last layer, or a dense layer with a ReLU and the last layer behind it.

    Attributes:
        free: how many weights of the kernel may change, those that `localize` scores highest.
        localize: scores the weights.
        failing_tests: of each class, that should become right.
        passing_tests: clean ones of each class, that must stay right.
        soft: "binaries", as many failing tests as possible, or "slacks", each as nearly as possible.
        norm: that is small: "l0", "l1" or "linf" of the deltas, in units of the layer's mean |weight|.
        price: of the largest norm that the bounds allow, in tests; below 1 no test is given up for the norm.
        margin: that a test is to have, relative to the median margin of those that pass.
        bound: largest |delta|, in units of the layer's mean |weight|.
        solver: "auto", "gurobi" or "highs".
        options: of the solver.
    """

    free: Count = 20
    localize: Localization = field(default_factory=ActivationDifference)
    failing_tests: Count = 2
    passing_tests: CountOrZero = 5
    soft: Soft = "binaries"
    norm: Norm = "l1"
    price: Positive = 0.5
    margin: Positive = 0.01
    bound: Positive = 10.0
    solver: SolverName = "auto"
    options: SolverOptions = field(default_factory=lambda: SolverOptions(time_limit=60.0))

    def repairable(self, network: Network) -> Repairable:
        """The last layer where it is dense, and a dense one with only a ReLU between."""
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
        if not failing or failing == len(tests):
            return Repair("skipped", "no test fails, or none passes.")
        tangent = Tangent.start(Weights(problem.network, (layer,)), tests.images)
        margins, rivals = _margins(tangent.logits, tests.labels)
        places = self._places(problem, tangent, tests.labels, margins.min(1) > 0)
        rule = Rule(
            self.margin * float(np.median(margins[failing:].min(1))),
            np.arange(len(tests)) >= failing,
            self.soft,
            self.norm,
            self.price,
            self.bound,
        )
        kernel = np.asarray(problem.network.weights(layer)["kernel"], np.float64)
        unit = float(np.abs(kernel).mean())
        reached = reach(
            tangent.entering.astype(np.float64),
            tangent.entering @ kernel + _bias(problem, layer),
            margins,
            _weights_behind(problem, tests.labels, rivals),
            places,
            unit,
            self.bound,
            rectified,
        )
        asked = program(reached, rule)
        built = time.perf_counter()
        found = solve(asked, self.solver, self.options)
        solved = time.perf_counter()
        details: dict[str, Any] = {
            "program": asked.stats(),
            "undecided_relus": int(asked.integer[asked.column_blocks["state"]].sum()),
            "bound_proven": found.bound,
        }
        seconds = {"prepare": built - began, "solver": solved - built}
        outcome: dict[str, Any] = {
            "solver": found.summary(),
            "details": details,
            "seconds": seconds,
        }
        if found.values is None:
            return Repair(*_failure(found), **outcome)
        values = found.values
        x = values[asked.column_blocks["plus"]] - values[asked.column_blocks["minus"]]
        deltas = np.zeros_like(kernel)
        deltas[places] = np.where(np.abs(x) > 1e-9, x, 0.0) * unit
        patch = Patch.dense(problem.network, {(layer, "kernel"): deltas})
        claimed = (
            reached.constant
            + reached.matrix @ x
            + reached.relus @ values[asked.column_blocks["relu"]]
        )
        right = claimed.reshape(len(tests), -1).min(1) >= rule.bar / 2
        certificate = certify(
            problem.network, patch, Rows.margins(tests.take(right), problem.network.classes)
        )
        details |= {
            "failing_tests": failing,
            "failing_tests_right": int(right[:failing].sum()),
            "certificate": certificate.describe(),
        }
        seconds["certify"] = time.perf_counter() - solved
        if not certificate.ok:
            reason = f"{len(certificate.failing)} of {certificate.rows} rows break in float32."
            return Repair("uncertified", reason, patch=patch, **outcome)
        return Repair(patch=patch, **outcome)

    def _places(
        self, problem: Problem, tangent: Tangent, labels: np.ndarray, right: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and outputs (k,) of the weights most to blame."""
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
        " Use method=minimal."
    )


def _margins(logits: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, R) margins to each rival class, and the rivals (T, R)."""
    rivals = np.tile(np.arange(logits.shape[1]), (len(labels), 1))
    rivals = rivals[rivals != labels[:, None]].reshape(len(labels), -1)
    own = logits[np.arange(len(labels)), labels]
    return own[:, None] - np.take_along_axis(logits, rivals, 1), rivals


def _bias(problem: Problem, layer: str) -> np.ndarray:
    return np.asarray(problem.network.weights(layer).get("bias", 0.0), np.float64)


def _weights_behind(problem: Problem, labels: np.ndarray, rivals: np.ndarray) -> np.ndarray:
    """(T, R, out) by which what follows the layer weighs its neurons in each margin."""
    network, classes = problem.network, problem.network.classes
    last = network.layers[-1].name
    behind = np.eye(classes)
    if problem.layer != last:
        behind = np.asarray(network.weights(last)["kernel"], np.float64)
    signs = np.eye(classes)[labels][:, None, :] - np.eye(classes)[rivals]
    weighed: np.ndarray = signs @ behind.T
    return weighed


def _failure(found: Solution) -> tuple[str, str]:
    reason = found.message or f"the solver ended with status {found.status.value}."
    if found.status is Status.TIME_LIMIT:
        return "time_limit", "no solution was found within the time limit."
    known = {Status.INFEASIBLE: "infeasible", Status.LICENCE: "licence"}
    return known.get(found.status, "error"), reason
