"""The second step of a run: a method repairs the problem, in layers that a localization chose where that is wanted."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bench.progress import stage
from bench.runs.prepare import Prepared
from repair.weights.methods import Method, Repair
from repair.weights.problem import Problem
from repair.weights.ranking import located


@dataclass(frozen=True, eq=False)
class Repaired:
    """What a method made of a problem.

    Attributes:
        problem: the problem, with the layers that were repaired.
        repair: the repair, as the method gave it, with the ranking of layers among its details where there is one.
        seconds: how long localization and repair took, by the name of the step.
    """

    problem: Problem
    repair: Repair
    seconds: Mapping[str, float] = field(default_factory=dict)


def repair(
    prepared: Prepared, method: Method, name: str, *, localize_layers: bool, seed: int
) -> Repaired:
    """The repair of a prepared problem.

    Args:
        prepared: the problem and its scenario.
        method: the method.
        name: the name of the method, to show.
        localize_layers: whether a localization chooses which of the problem's layers are repaired.
        seed: the seed of localization and method.

    Raises:
        InputError: a method that cannot repair these layers, or settings of it that do not fit the problem.
    """
    problem, details, seconds = prepared.problem, {}, {}
    began = time.perf_counter()
    if localize_layers:
        with stage("localization of layers"):
            problem, ranking = located(problem, method, seed=seed)
        details = {"layers_ranked": [layers.describe() for layers in ranking]} if ranking else {}
        seconds = {"localize_layers": time.perf_counter() - began} if ranking else {}
    located_at = time.perf_counter()
    with stage(f"{name}: repair of {', '.join(problem.layers)}"):
        result = method(problem, seed=seed)
    seconds["repair"] = time.perf_counter() - located_at
    seconds |= {f"repair/{stage_name}": value for stage_name, value in result.seconds.items()}
    return Repaired(problem, replace(result, details={**result.details, **details}), seconds)
