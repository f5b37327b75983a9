"""What a method returns, and what a method is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from repair.errors import InputError
from repair.weights.experts.experts import Experts
from repair.weights.network.network import Network
from repair.weights.patch import Patch
from repair.weights.problem import Problem

STATUSES = ("ok", "infeasible", "time_limit", "licence", "uncertified", "skipped", "error")


@dataclass(frozen=True, eq=False)
class Repair:
    """A method's answer to a problem: one patch, or experts and their combinations.

    Attributes:
        status: one of STATUSES; expected failures are values, not exceptions.
        reason: one sentence wherever status is not "ok".
        patch: the change of the network; None where experts answer together, or nothing was found.
        experts: the experts, where the method makes such.
        solver: what the record keeps of the solves (`Solution.summary`), None without a solver.
        seconds: stage -> seconds of this method's stages.
        details: what else is worth keeping, in plain JSON values.
    """

    status: str = "ok"
    reason: str | None = None
    patch: Patch | None = None
    experts: Experts | None = None
    solver: Mapping[str, Any] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an unknown status, a failure without a reason, and a success without a repair."""
        if self.status not in STATUSES:
            raise InputError(
                f"status {self.status!r} of a repair is none of {', '.join(STATUSES)}."
            )
        if self.status != "ok" and not self.reason:
            raise InputError(f"a repair with status {self.status!r} needs a reason: one sentence.")
        if self.status == "ok" and self.patch is None and self.experts is None:
            raise InputError("a repair with status 'ok' needs a patch or experts.")

    def answers(self, problem: Problem, images: np.ndarray) -> dict[str, np.ndarray]:
        """Classes (N,) that the repaired network gives to images, by combination.

        A single patch is the one combination "PATCH".
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
    """What of a network a method can change.

    Attributes:
        sets: the sets of layers that it can repair, each set together.
        most_weights: most weights of a patch; None: no limit.
        shortlist: how many layers it wants to choose among itself, by repairing them.
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
    """A method whose layers a localization can choose (layers=auto), for it says which it can repair."""

    def repairable(self, network: Network) -> Repairable:
        """What of a network it can change."""
        ...
