"""What the solver and the certificate say of experts, and what a record keeps of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from repair.weights.certificate import Certificate
from repair.weights.methods.nnrepair.expert_problem import ExpertProblem
from repair.weights.methods.repair import status_without_solution
from repair.weights.patch import Patch
from repair.weights.programs.maximise import Maximum
from repair.weights.programs.program import SolverStatus
from repair.weights.status import RepairStatus


@dataclass(frozen=True, eq=False)
class SolvedExpert:
    """The answer to one expert's problem, or to those of all classes together (FULL).

    Attributes:
        free: (v,) ascending C-order indices of the free weights in the kernel.
        maximum: the solver's answer.
        patch: the deltas as a patch; None where the solver found none that it admits.
        certificates: of the rows that the patch claims, from a run of the patched network.
    """

    free: Int[np.ndarray, " v"]
    maximum: Maximum
    patch: Patch | None = None
    certificates: tuple[Certificate, ...] = ()

    @property
    def certified(self) -> bool:
        """Whether there is a patch that keeps every row it claims."""
        return self.patch is not None and all(certificate.ok for certificate in self.certificates)

    def describe(self) -> dict[str, Any]:
        """Plain values for the record."""
        maximum = self.maximum
        return {
            "free_weights": len(self.free),
            "soft_rows": None if maximum.held is None else len(maximum.held),
            "soft_rows_held": maximum.count,
            "soft_rows_bound": maximum.bound,
            "proven": maximum.proven,
            "certified_rows": sum(certificate.held for certificate in self.certificates),
            "claimed_rows": sum(certificate.rows for certificate in self.certificates),
            "solver": maximum.solution.solver,
            "status": maximum.solution.status.value,
            "seconds": maximum.solution.seconds,
        }


def describe_experts(
    problems: Sequence[ExpertProblem],
    solved: Mapping[int, SolvedExpert],
    full: SolvedExpert | None,
    classes: int,
) -> dict[str, Any]:
    """The record's details of all experts.

    Args:
        problems: of the classes that have an expert.
        solved: class -> its expert.
        full: of all classes together; None where it was not asked for.
        classes: how many classes the network has.
    """
    experts = {
        str(problem.label): {
            "failing_tests": len(problem.failing),
            "passing_tests": len(problem.passing),
            **problem.details,
            **solved[problem.label].describe(),
        }
        for problem in problems
    }
    without = sorted(set(range(classes)) - set(solved))
    reason = "no failing or no passing tests of this class, or none that violates its pattern"
    return {
        "experts": experts,
        "skipped_classes": {str(label): reason for label in without},
        "full": full.describe() if full else None,
    }


def summary(maxima: Sequence[Maximum]) -> dict[str, Any] | None:
    """All experts' solves as one: sizes and objectives added up, the worst status; None without a solve."""
    if not maxima:
        return None
    solutions = [maximum.solution for maximum in maxima]
    statuses = [solution.status for solution in solutions]
    worst = max(statuses, key=lambda status: (status is not SolverStatus.OPTIMAL, status.value))
    objectives = [s.objective for s in solutions if s.objective is not None]
    bounds = [s.bound for s in solutions if s.bound is not None]
    return {
        "name": "+".join(sorted({solution.solver for solution in solutions})),
        "status": worst.value,
        "objective": sum(objectives) if len(objectives) == len(solutions) else None,
        "bound": sum(bounds) if len(bounds) == len(solutions) else None,
        "rows": sum(solution.rows for solution in solutions),
        "columns": sum(solution.columns for solution in solutions),
        "soft_rows_violated": sum(len(m.held) - m.count for m in maxima if m.held is not None),
        "seconds": sum(solution.seconds for solution in solutions),
        "programs": len(solutions),
    }


def failure(solved: Sequence[SolvedExpert]) -> tuple[RepairStatus, str]:
    """Status and reason of a repair without a certified expert."""
    if not solved:
        return (
            RepairStatus.SKIPPED,
            "no class has failing tests to repair on; there is nothing to do.",
        )
    if any(expert.patch for expert in solved):
        reason = "no expert keeps its rows when the patched network runs in float32."
        return RepairStatus.UNCERTIFIED, reason
    solution = solved[0].maximum.solution
    message = solution.message or f"the solver ended with {solution.status.value}"
    return status_without_solution(solution.status), f"no expert was found: {message}"
