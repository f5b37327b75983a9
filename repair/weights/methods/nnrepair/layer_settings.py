"""What the repair of one layer by NNrepair is told, at the last layer and at an intermediate one."""

from dataclasses import dataclass

from repair.weights.localization.localization import Localization


@dataclass(frozen=True)
class LayerSettings:
    """The settings of `NNRepair` that a layer's repair depends on.

    Attributes:
        localize: scores the weights.
        k: free weights of a class at the last layer, of a pattern neuron elsewhere; None takes the paper's number.
        bound: largest absolute delta; None takes the paper's 0.5 at the last layer, 1 elsewhere.
        margin: slack of the rows, relative to the mean absolute output of the layer.
        failing: how many failing tests of a class become soft rows.
        passing: how many passing tests become hard rows.
        localize_tests: how many failing and passing tests localization sees; None for all.
        depth: the longest activation pattern; None for no limit.
        seed: of the decision trees from which patterns are inferred.
    """

    localize: Localization
    k: int | None
    bound: float | None
    margin: float
    failing: int
    passing: int
    localize_tests: int | None
    depth: int | None = None
    seed: int = 0
