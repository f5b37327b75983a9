"""How linear programs are solved for a repair, and all rounds that were."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from repair.weights.methods.minimal.descent import Point, Round, descend
from repair.weights.methods.minimal.full import full_step
from repair.weights.methods.minimal.linear import Generation, TakesStep, best_step
from repair.weights.methods.minimal.merit import Merit
from repair.weights.programs.program import SolverOptions


@dataclass(frozen=True)
class Programs:
    """Sequential linear programs with the settings of a repair.

    Attributes:
        generation: how rows and columns are generated.
        options: of the solver.
        bound: largest |delta|, in units.
        solver: "highs", for programs that grow, or the name of one that is given every row and column at once.
        rounds: all that were solved.
    """

    generation: Generation
    options: SolverOptions
    bound: float
    solver: str = "highs"
    rounds: list[Round] = field(default_factory=list)

    def descend(
        self,
        point: Point,
        merit: Merit,
        rounds: int,
        *,
        until: float = np.inf,
        accepted: Callable[[Point], None] | None = None,
    ) -> tuple[Point, Sequence[Round]]:
        """`descent.descend` with these settings."""
        point, done = descend(
            point,
            merit,
            rounds=rounds,
            bound=self.bound,
            step_by=self._step_by,
            until=until,
            accepted=accepted,
        )
        self.rounds.extend(done)
        return point, done

    @property
    def _step_by(self) -> TakesStep:
        if self.solver == "highs":
            return partial(best_step, generation=self.generation, options=self.options)
        return partial(full_step, solver=self.solver, options=self.options)

    @property
    def seconds(self) -> float:
        """In the solver."""
        return sum(done.step.solver_seconds for done in self.rounds)

    def summary(self) -> dict[str, Any] | None:
        """All programs as one, for the record: the largest sizes, seconds added up, the last status."""
        if not self.rounds:
            return None
        steps = [done.step for done in self.rounds]
        return {
            "name": self.solver,
            "status": steps[-1].status.value,
            "objective": steps[-1].objective if np.isfinite(steps[-1].objective) else None,
            "rows": max(step.rows for step in steps),
            "columns": max(step.columns for step in steps),
            "seconds": self.seconds,
            "programs": len(steps),
            "solves": sum(step.passes for step in steps),
            "exact_programs": sum(step.exact for step in steps),
        }
