"""The third step of a run: what the repair reaches on validation and test data."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.evaluate import Evaluation, evaluate
from bench.progress import stage
from bench.runs.prepare import Prepared
from bench.runs.repair import Repaired


@dataclass(frozen=True, eq=False)
class Measured:
    """What a repair reaches.

    Attributes:
        evaluation: the accuracies, and the choice that validation data made.
        seconds: how long this step took, by its name.
    """

    evaluation: Evaluation
    seconds: Mapping[str, float] = field(default_factory=dict)


def measure(prepared: Prepared, repaired: Repaired) -> Measured:
    """The unrepaired and the repaired network, measured on the data of the scenario."""
    began = time.perf_counter()
    with stage("evaluation on validation and test data"):
        evaluation = evaluate(prepared.scenario, repaired.problem, repaired.repair)
    return Measured(evaluation, {"evaluate": time.perf_counter() - began})
