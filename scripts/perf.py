"""Performance of minimal repair, for a fixed seed: stages, peak memory, rows a second, and two comparisons.

    python scripts/perf.py [--images 200] [--layers last]

On the backdoored network that is trained on scikit-learn's digits (no files needed): seconds of each stage of
`method=minimal` with both losses and the solver's share, against fine-tuning in the same process, and the linear
program at the last layer against scipy's linprog called with the full matrix. The first call of each is a warm-up
that compiles.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from scipy.optimize import linprog

from bench.attacks import Square
from bench.scenarios import Scenario, Trained
from repair.weights.methods import Method
from repair.weights.methods.finetune import Finetune
from repair.weights.methods.minimal import Hinge, Minimal
from repair.weights.methods.minimal.linear_programs.generation import best_step
from repair.weights.methods.minimal.objective import Objective, Regularizer
from repair.weights.problem import Problem
from repair.weights.tangent import Tangent, Weights, margin_cotangents


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    work()
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result


def peak() -> float:
    """Peak resident memory of this process so far, MiB."""
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def methods(problem: Problem) -> None:
    choices: dict[str, Method] = {
        "minimal, distillation": Minimal(),
        "minimal, hinge": Minimal(Hinge()),
        "finetune": Finetune(),
    }
    for name, method in choices.items():
        seconds, repair = timed(partial(method, problem, seed=0))
        stages = ", ".join(f"{stage} {value:.2f}" for stage, value in repair.seconds.items())
        best = max(repair.details["search"], key=lambda line: line["clean"] + line["defect"])
        print(
            f"{name}: {seconds:.2f} s ({stages}), {repair.patch.weights_changed} weights,"
            f" validation clean {best['clean']:.3f} defect {best['defect']:.3f}, peak {peak():.0f} MiB"
        )


def rows(tangent: Tangent, labels: np.ndarray) -> None:
    tests = np.arange(len(labels))
    classes = tangent.logits.shape[1]
    cotangents = margin_cotangents(labels, (labels + 1) % classes, classes)
    seconds, factors = timed(lambda: tangent.factors(tests, cotangents))
    print(f"rows: {factors.rows / seconds:,.0f} a second, of {len(tangent.weights)} weights each")


def linear_program(tangent: Tangent, labels: np.ndarray) -> None:
    count, classes = tangent.logits.shape
    scale = tangent.weights.scale
    n = len(scale)
    target_margin = float(np.abs(tangent.logits).mean())
    objective = Objective(
        labels, np.ones(count), target_margin, Regularizer("l1", 1.0, np.ones(n), scale)
    )
    strength = 0.03 * objective.largest_strength(tangent)
    objective = objective.with_strength(strength)
    ours, step = timed(lambda: best_step(tangent, objective))

    def full() -> Any:
        tests, rivals = (part.ravel() for part in np.indices((count, classes)))
        kept = rivals != labels[tests]
        tests, rivals = tests[kept], rivals[kept]
        cotangents = margin_cotangents(labels[tests], rivals, classes)
        matrix = tangent.factors(tests, cotangents).columns(np.arange(n)) * scale / target_margin
        cost = np.concatenate([np.full(2 * n, strength), objective.sample_weights])
        rows = -np.hstack([matrix, -matrix, np.eye(count)[tests]])
        return linprog(cost, A_ub=rows, b_ub=objective.margins(tangent.logits)[tests, rivals] - 1.0)

    begin = time.perf_counter()
    full_solution = full()
    theirs = time.perf_counter() - begin
    print(
        f"LP: generated {ours:.2f} s ({step.rows} rows, {step.columns} columns, objective"
        f" {step.objective:.4f}, solver {step.solver_seconds:.2f} s); linprog with all"
        f" {count * (classes - 1)} rows {theirs:.2f} s (objective {full_solution.fun:.4f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--layers", default="last")
    arguments = parser.parse_args()
    attack = Square(row=6, column=6, size=2, value=255, target=7)
    scenario = Scenario("digits", "digits", Trained(), attack, arguments.images, 300, 0)
    problem = scenario.problem(arguments.layers)
    print(
        f"{jax.devices()}; {arguments.images} images and as many paired ones, layers {problem.layers}"
    )
    methods(problem)
    tangent = Tangent.start(Weights(problem.network, problem.layers), problem.tests.images)
    rows(tangent, problem.tests.labels)
    linear_program(tangent, problem.tests.labels)


if __name__ == "__main__":
    main()
