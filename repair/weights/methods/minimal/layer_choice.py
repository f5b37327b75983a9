"""The layers to repair, chosen by repairing each of them: the blame lies where a repair gets furthest."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from repair.weights.methods.repair import Repair
from repair.weights.problem import Problem
from repair.weights.status import RepairStatus


@dataclass(frozen=True, eq=False)
class _LayersRepair:
    """Layers and their repair."""

    layers: tuple[str, ...]
    repair: Repair

    @property
    def rank(self) -> tuple[bool, bool, float, int]:
        """Larger is better: certified, few enough weights, worth on validation data, fewer weights."""
        trace, patch = self.repair.details.get("search", ()), self.repair.patch
        if self.repair.status is not RepairStatus.OK or patch is None or not trace:
            return False, False, 0.0, 0
        admitted, worth = max((line["admitted"], line["worth"]) for line in trace)
        return True, admitted, worth, -patch.weights_changed


def repair_of_best_layers(
    problem: Problem, method: Callable[[Problem, float | None], Repair], time_budget: float | None
) -> Repair:
    """The best repair over each layer of the problem alone and all of them together.

    Args:
        problem: with the layers to choose among.
        method: repairs a problem within seconds (None for no limit).
        time_budget: seconds for all; those that are left are shared among the sets that are left.

    Returns:
        The chosen repair; its details hold what the repair of every set reached, its seconds are those of all.
    """
    began = time.perf_counter()
    sets: list[tuple[str, ...]] = [(layer,) for layer in problem.layers]
    if len(problem.layers) > 1:
        sets.append(problem.layers)
    candidates: list[_LayersRepair] = []
    for number, layers in enumerate(sets):
        share = None
        if time_budget is not None:
            left = time_budget - (time.perf_counter() - began)
            share = max(left, 1e-3) / (len(sets) - number)
        candidates.append(_LayersRepair(layers, method(replace(problem, layers=layers), share)))
    best = max(candidates, key=lambda one: one.rank)
    seconds: dict[str, float] = {}
    for one in candidates:
        for stage, value in one.repair.seconds.items():
            seconds[stage] = seconds.get(stage, 0.0) + value
    details: dict[str, Any] = {
        **best.repair.details,
        "layers_chosen": list(best.layers),
        "layers_tried": [
            {
                "layers": list(one.layers),
                "status": one.repair.status,
                "worth": one.rank[2],
                "weights_changed": one.repair.patch.weights_changed if one.repair.patch else None,
            }
            for one in candidates
        ],
    }
    return replace(best.repair, seconds=seconds, details=details)
