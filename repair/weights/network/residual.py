"""A residual block: a composite layer of the ordered stack. Its inner weights are not repaired, those around it are."""

from collections.abc import Iterable
from typing import Any

import jax
from flax import nnx

from repair.errors import InputError
from repair.weights.network.convolution import Shape
from repair.weights.network.layers import Layer


class Residual(Layer):
    """relu(body(x) + shortcut(x)); He, Zhang, Ren and Sun, arXiv 1512.03385, section 3.2.

    Args:
        name: the name of the block.
        body: the layers of the body, in order.
        shortcut: the layers of the shortcut, in order; none is the identity.

    Raises:
        InputError: inner names that are not unique, or no body.
    """

    kind = "residual"

    def __init__(self, name: str, body: Iterable[Layer], shortcut: Iterable[Layer] = ()):
        super().__init__(name)
        self.body, self.shortcut = nnx.List(list(body)), nnx.List(list(shortcut))
        names = [layer.name for layer in self._inner]
        if not len(self.body) or len(set(names)) < len(names):
            raise InputError(
                f"residual block {name!r} has the layers {', '.join(names) or 'none'}; expected a body, and unique"
                " names."
            )

    @property
    def _inner(self) -> list[Layer]:
        return [*self.body, *self.shortcut]

    def _compute(self, x: jax.Array) -> jax.Array:
        result, skipped = x, x
        for layer in self.body:
            result = layer(result)
        for layer in self.shortcut:
            skipped = layer(skipped)
        return jax.nn.relu(result + skipped)

    def _shape_after(self, shape: Shape) -> Shape:
        result, skipped = shape, shape
        for layer in self.body:
            result = layer.output_shape(result)
        for layer in self.shortcut:
            skipped = layer.output_shape(skipped)
        if result != skipped:
            raise InputError(
                f"residual block {self.name!r} adds shapes {result} and {skipped}; expected the same."
            )
        return result

    def arrays(self) -> dict[str, jax.Array]:
        """All arrays of the inner layers, by "INNER/ARRAY"."""
        return {
            f"{layer.name}/{key}": value
            for layer in self._inner
            for key, value in layer.arrays().items()
        }

    def config(self) -> dict[str, Any]:
        """Kind, name, and the configs of the inner layers."""
        return super().config() | {
            "body": [layer.config() for layer in self.body],
            "shortcut": [layer.config() for layer in self.shortcut],
        }
