"""What a method returns, and what a method is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from repair.errors import InputError, unknown
from repair.weights.experts.experts import Experts
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.problem import Problem
from repair.weights.programs.program import SolverStatus
from repair.weights.status import RepairStatus

_WITHOUT_A_SOLUTION = {
    SolverStatus.INFEASIBLE: RepairStatus.INFEASIBLE,
    SolverStatus.TIME_LIMIT: RepairStatus.TIME_LIMIT,
    SolverStatus.LICENCE: RepairStatus.LICENCE,
}


def status_without_solution(solver: SolverStatus) -> RepairStatus:
    """The status of a repair whose solver ended without a solution.

    Args:
        solver: how the solver ended.

    Returns:
        The repair's status of the same name; ERROR where there is none, since a repair is bounded and a
        solver that calls its program optimal gives a solution.
    """
    return _WITHOUT_A_SOLUTION.get(solver, RepairStatus.ERROR)


@dataclass(frozen=True, eq=False)
class Repair:
    """A method's answer to a problem: one patch, or experts and their combinations.

    Attributes:
        status: how the repair ended; expected failures are values, not exceptions. A text such as
            "skipped" becomes the status of that name.
        reason: one sentence wherever status is not OK.
        patch: the change of the network; None where experts answer together, or there is no repair.
        experts: the experts, where the method repairs class by class.
        solver: what the record keeps of the solves (`Solution.summary`), None without a solver.
        seconds: stage -> seconds of this method's stages.
        details: what else is worth keeping, in plain JSON values.

    Raises:
        InputError: an unknown status, a failure without a reason, a success without a repair.
    """

    status: RepairStatus = RepairStatus.OK
    reason: str | None = None
    patch: Patch | None = None
    experts: Experts | None = None
    solver: Mapping[str, Any] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Bring the status to its enumeration and check that the fields go together."""
        if self.status not in tuple(RepairStatus):
            raise unknown("status of a repair", str(self.status), RepairStatus)
        object.__setattr__(self, "status", RepairStatus(self.status))
        if self.status is not RepairStatus.OK and not self.reason:
            raise InputError(f"a repair with status '{self.status}' needs a reason: one sentence.")
        if self.status is RepairStatus.OK and self.patch is None and self.experts is None:
            raise InputError("a repair with status 'ok' needs a patch or experts.")

    def answers(self, problem: Problem, images: np.ndarray) -> dict[str, np.ndarray]:
        """The classes that the repaired network gives to images.

        Args:
            problem: the problem that was repaired.
            images: (N, ...) as `Network` takes them.

        Returns:
            Combination -> (N,) int32 classes. A single patch is the one combination "PATCH".
        """
        if self.experts is not None:
            return self.experts.answers(images)
        if self.patch is not None:
            return {"PATCH": self.patch.apply(problem.network).predict(images)}
        return {}


class Method(Protocol):
    """A way to repair."""

    def __call__(self, problem: Problem, *, seed: int) -> Repair:
        """The repair of a problem; a pure function of the problem, the settings and the seed."""
        ...


@dataclass(frozen=True)
class Repairable:
    """The parts of a network that a method can change.

    Attributes:
        sets: the sets of layers that the method can repair, each set together.
        most_weights: the largest number of weights in a patch; None for no limit.
        shortlist: how many layers the method wants to choose among itself, by repairing them.
    """

    sets: Sequence[tuple[str, ...]]
    most_weights: int | None = None
    shortlist: int = 1

    @classmethod
    def any_of(
        cls, layers: Sequence[str], most_weights: int | None = None, shortlist: int = 1
    ) -> Self:
        """Each of the layers alone, and all of them together."""
        sets: list[tuple[str, ...]] = [(layer,) for layer in layers]
        if len(layers) > 1:
            sets.append(tuple(layers))
        return cls(sets, most_weights, shortlist)


@runtime_checkable
class Locatable(Protocol):
    """A method whose layers `repair.weights.ranking` can choose, since it says which it can repair."""

    def repairable(self, network: Network) -> Repairable:
        """The parts of a network that the method can change."""
        ...
