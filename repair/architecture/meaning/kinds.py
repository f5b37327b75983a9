"""The kinds of things that a repair means to a user."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of consequences, those that a user minds most first.

    REMOVES_LAYER: a layer of the definition is gone.
    CHANGES_OUTPUT: an output of the network is of another shape than the definition means.
    MIXES_TIME_STEPS: the axis of time steps is joined with another, split, or moved elsewhere.
    TURNS_FEATURES_INTO_STEPS: a layer that walks along steps gets a vector that layers made,
        cut into several; what an input of the network holds is not known.
    CHANGES_LAYOUT: values come to lie on other axes: axes in another order, a reshape after which
        none of some axes is left, or a layer that looks for channels on another axis.
    GLUES_AXES: some axes of the data, but not all, become one.
    CHANGES_CONNECTIONS: a layer reads another one than before.
    CHANGES_WIDTH: units or filters of a layer; the number is the new width.
    CHANGES_TYPE: a layer is of another type.
    ADDS_LAYER_WITH_WEIGHTS: a new layer that has to learn; the number is that of its parameters.
    LOSES_WEIGHTS: given weights are made anew.
    DROPS_VALUES, ADDS_VALUES: a new layer without weights yields fewer or more values an example
        than it reads; the number is the ratio, after to before.
    KEEPS_LAST_STEP: a recurrent layer that gave each step gives the last one alone.
    FLATTENS: all axes of the data become one, perhaps beside axes of size 1.
    TIMES_PARAMETERS: the network has at least twice, or at most half as many parameters; the
        number is the ratio, after to before.
    """

    REMOVES_LAYER = "removes_layer"
    CHANGES_OUTPUT = "changes_output"
    MIXES_TIME_STEPS = "mixes_time_steps"
    TURNS_FEATURES_INTO_STEPS = "turns_features_into_steps"
    CHANGES_LAYOUT = "changes_layout"
    GLUES_AXES = "glues_axes"
    CHANGES_CONNECTIONS = "changes_connections"
    CHANGES_WIDTH = "changes_width"
    CHANGES_TYPE = "changes_type"
    ADDS_LAYER_WITH_WEIGHTS = "adds_layer_with_weights"
    LOSES_WEIGHTS = "loses_weights"
    DROPS_VALUES = "drops_values"
    ADDS_VALUES = "adds_values"
    KEEPS_LAST_STEP = "keeps_last_step"
    FLATTENS = "flattens"
    TIMES_PARAMETERS = "times_parameters"


@dataclass(frozen=True)
class Consequence:
    """One thing that a repair means.

    Args:
        kind: what it is.
        text: the same for a person, a part of a sentence.
        layer: the layer that it comes from, by its name after the repair, or before where it is
            gone; None: the network as a whole.
        number: see `Kind`; None where the kind has no number.
    """

    kind: Kind
    text: str
    layer: str | None = None
    number: float | None = None

    def __str__(self) -> str:
        return self.text
