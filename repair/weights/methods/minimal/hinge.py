"""The hinge loss: every test's margin should reach a bar, by linear programs that generate their rows and columns."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repair.weights.methods.minimal.descent import Point
from repair.weights.methods.minimal.merit import Merit
from repair.weights.methods.minimal.norms import least_price
from repair.weights.methods.minimal.programs import Programs
from repair.weights.methods.minimal.search import Arm, Judge
from repair.weights.methods.minimal.start import Start
from repair.weights.settings import Count, Positive, Settings, Several

TIGHTENING = 1.0  # radius within which a patch whose certificate fails is tightened


@dataclass(frozen=True)
class Hinge(Settings):
    """Soft rows "margin >= bar" with a price, as sequential linear programs; one exact program at the last layer.

    Attributes:
        margins: the bar, relative to the median margin of the clean tests that the network gets right; more than one
            are searched.
        importances: price of a clean test's slack relative to a defective one's; more than one are searched.
        radius: of the first trust region, in units of the mean |weight| of a layer.
        rounds: most rounds at a price.
    """

    margins: Several[Positive] = (0.2, 0.5)
    importances: Several[Positive] = (1.0, 3.0)
    radius: Positive = 1.0
    rounds: Count = 4

    def arms(self, start: Start, programs: Programs, most: int) -> list[Arm]:
        """An arm for each margin and importance that leave something to do."""
        importances = self.importances if not start.clean.all() else (1.0,)
        arms: list[Arm] = []
        for relative in self.margins:
            for importance in importances:
                merit = start.merit(relative, importance, kind=start.kind)
                gradient = start.tangent.gradient(*merit.hinge_cotangents(start.tangent.logits))
                steepest = least_price(merit.kind, gradient * merit.units, merit.cost)
                if steepest > 0:
                    rounds, radius = (1, np.inf) if start.exact else (self.rounds, self.radius)
                    point = Point(start.tangent, radius)
                    settings = {"margin": relative, "importance": importance}
                    arms.append(HingeArm(settings, merit, steepest, point, programs, rounds))
        return arms


@dataclass(eq=False)
class HingeArm:
    """A margin and an importance of clean tests, and how far their descent is.

    Attributes:
        settings: the two.
        merit: with them.
        steepest: price at which nothing changes.
        point: where the descent is.
        programs: how they are solved.
        rounds: most rounds of a price.
    """

    settings: Mapping[str, float]
    merit: Merit
    steepest: float
    point: Point
    programs: Programs
    rounds: int

    def level(self, price: float, judge: Judge, until: float) -> None:
        """Rounds until the price's merit no longer falls; each accepted point is judged."""
        self.merit = self.merit.priced(price * self.steepest)
        point, done = self.programs.descend(
            self.point,
            self.merit,
            self.rounds,
            until=until,
            accepted=lambda point: judge(point.tangent.at),
        )
        self.point = point
        if not any(one.accepted for one in done) and not point.tangent.at.any():
            judge(point.tangent.at)

    @property
    def radius(self) -> float:
        """Infinite where the program is exact."""
        return TIGHTENING if np.isfinite(self.point.radius) else np.inf

    def grown(self, most: int) -> bool:
        """Patches only grow as the price falls."""
        return bool(np.count_nonzero(self.point.tangent.at) > most)
