"""The base of all layers: named, on NHWC images, in inference form.

Every layer is a small NNX module. Its weights are `nnx.Param`s called `kernel` and `bias` (of a batch
normalisation `scale` and `bias`); everything else about it is static, so that two networks that differ in
weights alone share their compiled code. Shapes leave out the batch axis: (H, W, C) for images, (D,) for vectors.
"""

from abc import abstractmethod
from typing import Any, ClassVar

import jax
from flax import nnx
from jaxtyping import Array, Float

from repair.errors import InputError, unknown
from repair.weights.network.convolution import Shape

PADDINGS = ("valid", "same")


class Layer(nnx.Module):
    """A named step of a network: `layer(x)` on a batch, `output_shape(shape)` on a shape."""

    kind: ClassVar[str]
    settings: ClassVar[tuple[str, ...]] = ()
    parameters: ClassVar[tuple[str, ...]] = ()
    statistics: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str):
        self.name = name

    def __call__(self, x: Float[Array, "N ..."]) -> Float[Array, "N ..."]:
        """The layer's result for a batch (N, ...)."""
        return self._compute(x)

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the result for one input of the given shape.

        Raises:
            InputError: the layer does not take inputs of that shape.
        """
        return self._shape_after(shape)

    def arrays(self) -> dict[str, Float[Array, "..."]]:
        """All arrays of the layer by name: what is trained, then what is only measured."""
        return {key: getattr(self, key)[...] for key in (*self.parameters, *self.statistics)}

    def config(self) -> dict[str, Any]:
        """What makes the layer apart from its arrays, in plain JSON values."""
        return {"kind": self.kind, "name": self.name} | {
            key: getattr(self, key) for key in self.settings
        }

    @abstractmethod
    def _compute(self, x: jax.Array) -> jax.Array: ...

    def _shape_after(self, shape: Shape) -> Shape:
        return shape

    def _expect(self, fits: bool, shape: Shape, expected: str) -> None:
        """InputError, with what the layer takes, for a shape that does not fit."""
        if not fits:
            raise InputError(
                f"layer {self.name!r} ({self.kind}) got an input of shape {shape}, but takes {expected}."
            )


def pair_of(name: str, what: str, values: Any) -> tuple[int, int]:
    """Two whole numbers of at least 1; InputError naming the layer for anything else."""
    pair = tuple(int(value) for value in values)
    if len(pair) != 2 or min(pair) < 1:
        raise InputError(
            f"layer {name!r} has {what} {values!r}; expected two numbers of at least 1."
        )
    return pair


def known_padding(name: str, padding: str) -> str:
    """The padding, if it is one of PADDINGS; InputError naming the layer for another one."""
    if padding not in PADDINGS:
        raise unknown(f"padding of layer {name!r}", padding, PADDINGS)
    return padding
