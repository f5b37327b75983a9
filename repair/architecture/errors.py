"""What can be wrong with a layer, as values: diagnostics of the paper's kinds of error.

Kinds of error: Schumi and Sun, "Semantic-Based Neural Network Repair", ISSTA 2023, table of error types.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from repair.architecture.layer import Shape


class ErrorKind(StrEnum):
    """The paper's kinds of error."""

    DIMENSION = "Dimension Error"
    INPUT_DIMENSIONS = "Inconsistent Input Dimensions"
    INPUT_SHAPES = "Inconsistent Input Shapes"
    POOL = "Pool Shape Error"
    """A pool or a kernel that is larger than what it slides over."""
    DILATION = "Dilation Error"
    RESHAPE = "Reshape Error"
    CROPPING = "Cropping Error"
    ARGUMENT = "Argument Error"
    WEIGHT_DIMENSION = "Weight Dimension Error"
    WEIGHT_SHAPE = "Weight Shape Error"
    DOT_AXIS = "Dot Axis Error"
    CONCATENATE = "Concatenate Error"
    TYPE = "Type Error"


class Diagnostic(NamedTuple):
    """Why a layer does not accept its arguments or inputs.

    Args:
        kind: the paper's kind.
        text: the rest of a sentence that starts with the layer, such as "needs 4 dimensions ...".
        expected: the shape or value that would do, in short.
        plausible: the output shape that was most likely meant; None when there is no telling.
        argument: the argument to blame, where it is one.
    """

    kind: ErrorKind
    text: str
    expected: str
    plausible: Shape | None = None
    argument: str | None = None


@dataclass(frozen=True)
class LayerError:
    """One error of a network.

    Args:
        layer: name of the node.
        type: the layer type of the node.
        given: shapes of its inputs, batch first; None where an input is not known.
        diagnostic: what the table says: the kind, what would do, the argument to blame.
        root: whether it stands whatever happens elsewhere: no layer that it depends on is broken, or its
            arguments are wrong for any input.
        chain: (node, output shape) from an input of the network down to this layer's first input.
    """

    layer: str
    type: str
    given: tuple[Shape | None, ...]
    diagnostic: Diagnostic
    root: bool
    chain: tuple[tuple[str, Shape | None], ...]

    @property
    def kind(self) -> ErrorKind:
        """The paper's kind."""
        return self.diagnostic.kind

    @property
    def expected(self) -> str:
        """What would do, in short."""
        return self.diagnostic.expected

    @property
    def sentence(self) -> str:
        """One sentence for a person."""
        return f"{self.type} {self.layer!r} {self.diagnostic.text}."


@lru_cache(maxsize=1 << 12)
def shape_text(shape: Shape | None) -> str:
    """A shape as people write it: "(batch, 28, 28, 1)", "?" for an unknown size."""
    if shape is None:
        return "an unknown shape"
    sizes = ["?" if size is None else str(size) for size in shape[1:]]
    batch = "batch" if not shape or shape[0] is None else str(shape[0])
    return f"({', '.join([batch, *sizes])})" if shape else "()"
