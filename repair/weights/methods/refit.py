"""The baseline `refit`: the last layer again, by regularised logistic regression on the repair set."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from repair.errors import InputError
from repair.weights.methods.repair import Repair, Repairable
from repair.weights.methods.validation import Score, Validation
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.problem import Problem
from repair.weights.settings import Count, NotNegative, Positive, Settings, Several


@dataclass(frozen=True)
class Refit(Settings):
    """Multinomial logistic regression on what enters the last layer, with a ridge on the change from its weights.

    Attributes:
        ridges: weights of the mean squared change, relative to the activations' mean square; more than one are
            searched on validation data.
        iterations: most iterations of L-BFGS, for each ridge.
        time_budget: seconds for all of it; None for no limit.
    """

    ridges: Several[Positive] = (10.0, 1.0, 0.1, 0.01, 0.001)
    iterations: Count = 500
    time_budget: NotNegative | None = 120.0

    def repairable(self, network: Network) -> Repairable:
        """The last layer where it is dense."""
        last = network.names[-1]
        return Repairable([(last,)] if network.layer(last).kind == "dense" else [])

    def __call__(self, problem: Problem, *, seed: int) -> Repair:
        """The patch of the ridge that is best on validation data; nothing is drawn, the seed is not used.

        Raises:
            InputError: another layer than a dense last one.
        """
        began = time.perf_counter()
        network, layer = problem.network, problem.layer
        if layer != network.names[-1] or network.layer(layer).kind != "dense":
            raise InputError(
                f"refit fits the last layer {network.names[-1]!r} where it is dense; expected it alone, got {layer!r}."
            )
        entering = network.activations(problem.tests.images, at=layer).astype(np.float64)
        weights = {
            key: np.asarray(value, np.float64) for key, value in network.weights(layer).items()
        }
        before = np.vstack([weights["kernel"], weights["bias"]])
        inputs = np.hstack([entering, np.ones((len(entering), 1))])
        scale = float(np.square(entering).mean()) or 1.0
        labels = problem.tests.labels
        validation = Validation(problem, layer)
        ready = time.perf_counter()
        until = np.inf if self.time_budget is None else began + self.time_budget
        best: tuple[Score, np.ndarray] | None = None
        change, trace = np.zeros_like(before), list[dict[str, Any]]()
        for ridge in sorted(self.ridges, reverse=True):
            if best is not None and time.perf_counter() >= until:
                break
            change = self._fit(inputs, labels, before, change, ridge * scale)
            patched = _patch(problem, layer, change).apply(network)
            score = validation(patched)
            trace.append({"ridge": ridge, "clean": score.clean, "defect": score.defect})
            if best is None or score.total > best[0].total:
                best = score, change
        assert best is not None
        return Repair(
            patch=_patch(problem, layer, best[1]),
            seconds={"prepare": ready - began, "fit": time.perf_counter() - ready},
            details={"search": trace},
        )

    def _fit(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        before: np.ndarray,
        start: np.ndarray,
        ridge: float,
    ) -> np.ndarray:
        """The change (in + 1, classes) of least mean cross-entropy + ridge / 2 * mean squared change."""
        base, count = inputs @ before, len(inputs)
        one_hot = np.eye(before.shape[1])[labels]
        # Preconditioned: activations of hundreds beside a bias's 1 would stall L-BFGS.
        spread = np.sqrt(np.square(inputs).mean(0) + 1e-6)[:, None]

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            change = flat.reshape(before.shape) / spread
            logits = base + inputs @ change
            value = -(one_hot * log_softmax(logits, axis=1)).sum() / count
            gradient = inputs.T @ (softmax(logits, axis=1) - one_hot) / count
            value += ridge / 2 * np.square(change).mean()
            gradient += ridge * change / change.size
            return float(value), (gradient / spread).ravel()

        result = minimize(
            loss,
            (start * spread).ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": self.iterations},
        )
        return result.x.reshape(before.shape) / spread


def _patch(problem: Problem, layer: str, change: np.ndarray) -> Patch:
    return Patch.dense(
        problem.network, {(layer, "kernel"): change[:-1], (layer, "bias"): change[-1]}
    )
