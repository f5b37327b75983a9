"""What a loss of minimal repair must offer: what it supports, and the configurations that the search goes through."""

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from repair.weights.methods.minimal.linear_programs.sequential import SequentialLP
from repair.weights.methods.minimal.penalties import Norm
from repair.weights.methods.minimal.search import Configuration
from repair.weights.methods.minimal.starting_point import StartingPoint
from repair.weights.settings import SolverName

Keep = Literal["none", "clean"]
# What solves linear programs that grow from solve to solve: by them patches are tightened too.
HIGHS: tuple[SolverName, ...] = ("auto", "highs")


@runtime_checkable
class Loss(Protocol):
    """What a patch should make small."""

    @property
    def norms(self) -> Sequence[Norm]:
        """The norms of the change that it can be minimised with."""
        ...

    @property
    def keeps(self) -> Sequence[Keep]:
        """The promises that it can give: "none" among them."""
        ...

    @property
    def solvers(self) -> Sequence[SolverName]:
        """The solvers of linear programs that it can be minimised by."""
        ...

    def configurations(
        self, start: StartingPoint, programs: SequentialLP, most_weights: int
    ) -> list[Configuration]:
        """A configuration for each of its settings that leave something to do.

        Args:
            start: the unrepaired network at the tests.
            programs: how linear programs are solved.
            most_weights: most changed weights of a patch.
        """
        ...
