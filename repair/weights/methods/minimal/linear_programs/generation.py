"""The linear program of one round, solved exactly by generating its rows and its columns.

The program minimises the objective of the first-order model within a trust region. It has a row for every test and
rival class and two columns for every weight; only the rows that are violated and the weights whose reduced cost is
negative are ever generated (column and constraint generation for L1-regularised support vector machines: Dedieu,
Mazumder, Wang, "Solving L1-regularized SVMs and related linear programs", JMLR 23, 2022).
"""

import time
from dataclasses import dataclass

import numpy as np

from repair.weights.methods.minimal.linear_programs.generated_program import GeneratedProgram
from repair.weights.methods.minimal.objective import Objective
from repair.weights.programs.program import SolverOptions, SolverStatus
from repair.weights.settings import Count, Settings
from repair.weights.tangent import Tangent


@dataclass(frozen=True)
class Generation(Settings):
    """How rows and columns are generated.

    Attributes:
        rows: most rows added at once.
        columns: most weights added at once.
        most_columns: most weights in the program at all.
        passes: most solves of a program.
    """

    rows: Count = 400
    columns: Count = 200
    most_columns: Count = 1500
    passes: Count = 60


@dataclass(frozen=True, eq=False)
class LinearStep:
    """The answer of a round.

    Attributes:
        deltas: (n,) deltas from the unrepaired network.
        objective: of the first-order model there.
        exact: whether no row and no weight was left that would improve on it.
        status: of the last solve.
        rows, columns: of the program at the end.
        solver_seconds: in the solver; the rest is ours.
        passes: solves.
        message: for a person, where the last solve failed.
    """

    deltas: np.ndarray
    objective: float
    exact: bool
    status: SolverStatus
    rows: int
    columns: int
    solver_seconds: float
    passes: int
    message: str = ""


def best_step(
    tangent: Tangent,
    objective: Objective,
    *,
    radius: float = np.inf,
    bound: float = np.inf,
    generation: Generation | None = None,
    options: SolverOptions | None = None,
    until: float = np.inf,
) -> LinearStep:
    """The deltas of the least objective under the first-order model within the trust region.

    Args:
        tangent: the first-order model, at the present deltas.
        objective: what is minimised.
        radius: of the trust region, in the scale of the weights; infinite where the model is exact.
        bound: largest |delta|, in the scale of the weights.
        generation: how the program is generated.
        options: of the solver.
        until: time (time.perf_counter) at which to stop with what there is.
    """
    settings = generation or Generation()
    program = GeneratedProgram(tangent, objective, radius, bound, options or SolverOptions())
    _begin(program, settings)
    deltas, value, seconds = tangent.deltas, np.inf, 0.0
    vertex, exact, passes = None, False, 0
    while passes < settings.passes and not exact:
        left = None if np.isinf(until) else max(0.0, until - time.perf_counter())
        vertex = program.session.solve(left)
        passes, seconds = passes + 1, seconds + vertex.seconds
        if vertex.status is not SolverStatus.OPTIMAL:
            break
        deltas = program.deltas(vertex)
        logits = program.logits + tangent.change_of_logits(deltas - tangent.deltas)
        value = objective(logits, deltas)
        tests, rivals = program.violated_margins(vertex, logits, settings.rows)
        if len(tests):
            program.add_margins(tests, rivals)
            continue
        room = settings.most_columns - len(program.weights)
        weights = program.paying_weights(vertex, min(settings.columns, max(room, 1)))
        exact = not len(weights)
        if room <= 0:
            break
        program.add_weights(weights)
    status = vertex.status if vertex is not None else SolverStatus.ERROR
    return LinearStep(
        deltas,
        value,
        exact=exact and status is SolverStatus.OPTIMAL,
        status=status,
        rows=program.session.rows,
        columns=program.session.columns,
        solver_seconds=seconds,
        passes=passes,
        message=vertex.message if vertex is not None else "",
    )


def _begin(program: GeneratedProgram, settings: Generation) -> None:
    """Columns for the weights that have deltas or the steepest gradient, rows for the tests that lack most."""
    tests, cotangents = program.objective.hinge_cotangents(program.logits)
    everywhere = np.zeros(program.logits.shape)
    everywhere[tests] = cotangents
    support = np.flatnonzero(program.tangent.deltas)
    program.add_weights(support)
    room = max(settings.most_columns - len(support), 0)
    program.add_weights(program.steepest_weights(tests, everywhere, min(settings.columns, room)))
    margins = program.margins
    first = np.argsort(margins.min(1), kind="stable")[: settings.rows]
    first = first[margins[first].min(1) < 1]
    program.add_margins(first, margins[first].argmin(1))
