"""The linear program of a repair at the last layer, solved in three ways in one run: seconds, ratios, objectives.

    python scripts/perf_lp.py [--images 100] [--price 0.03] [--time-limit 600]

The hinge of minimal repair on the paper's backdoored MNIST network: HiGHS with generated rows and columns, as
`method=minimal` does it; and with all rows and columns HiGHS, and scipy's linprog. Ratios are of processor time, which
tells on a shared machine.
"""

import argparse
import time
from collections.abc import Callable

import jax
import numpy as np
from scipy.optimize import linprog

from bench.attacks import Square
from bench.scenarios import Published, Scenario
from repair.weights.localization.localization import ActivationDifference
from repair.weights.methods.minimal.full import full_program
from repair.weights.methods.minimal.linear import best_step
from repair.weights.methods.minimal.merit import Merit
from repair.weights.methods.minimal.norms import least_price
from repair.weights.methods.minimal.start import Start
from repair.weights.programs.program import Program, SolverOptions
from repair.weights.programs.solvers import solve
from repair.weights.tangent import Tangent, Weights


def core(images: int, price: float) -> tuple[Tangent, Merit]:
    """The unrepaired network at the tests, and a merit: half the usual margin as the bar."""
    attack = Square(row=24, column=24, size=3, value=250, target=7)
    scenario = Scenario("poison_mnist", "mnist", Published("mnist_poisoned"), attack, images, 10, 0)
    problem = scenario.problem("last")
    tangent = Tangent.start(Weights(problem.network, problem.layers), problem.tests.images)
    start = Start(problem, tangent, "l1", False, None, ActivationDifference())
    merit = start.merit(margin=0.5, importance=1.0)
    gradient = tangent.gradient(*merit.hinge_cotangents(tangent.logits)) * merit.units
    return tangent, merit.priced(price * least_price("l1", gradient, merit.cost))


def by_scipy(program: Program, limit: float) -> tuple[str, float]:
    found = linprog(
        program.objective,
        A_ub=-program.rows,
        b_ub=-program.row_lower,
        bounds=np.column_stack([program.lower, program.upper]),
        options={"time_limit": limit},
    )
    return ("optimal", float(found.fun)) if found.status == 0 else (found.message, np.nan)


def by(solver: str, program: Program, limit: float) -> tuple[str, float]:
    found = solve(program, solver, SolverOptions(time_limit=limit))
    objective = np.nan if found.objective is None else found.objective
    return found.status.value, objective


def generated(tangent: Tangent, merit: Merit) -> tuple[str, float]:
    step = best_step(tangent, merit)
    return f"{step.status.value}, {step.rows} rows, {step.columns} columns", step.objective


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--price", type=float, default=0.03)
    parser.add_argument("--time-limit", type=float, default=600.0)
    arguments = parser.parse_args()
    tangent, merit = core(arguments.images, arguments.price)
    limit = arguments.time_limit
    best_step(tangent, merit)  # compiles
    begin = time.perf_counter()
    program = full_program(tangent, merit)
    print(f"{jax.devices()}; {program.stats()}; made in {time.perf_counter() - begin:.2f} s")
    ways: dict[str, Callable[[], tuple[str, float]]] = {
        "generated, highs": lambda: generated(tangent, merit),
        "full, highs": lambda: by("highs", program, limit),
        "full, linprog": lambda: by_scipy(program, limit),
    }
    first = 0.0
    for name, way in ways.items():
        begin, processor = time.perf_counter(), time.process_time()
        how, objective = way()
        seconds, processor = time.perf_counter() - begin, time.process_time() - processor
        first = first or processor
        print(
            f"{name}: {seconds:.2f} s; {processor:.2f} s of processor, {processor / first:.1f} times;"
            f" {how}, objective {objective:.6f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
