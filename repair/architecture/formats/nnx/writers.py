"""What a writer of Flax NNX source takes and returns, and activations as expressions."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from repair.architecture.layer import LayerSpec, Shape
from repair.errors import InputError


class NNXCode(NamedTuple):
    """Source of one layer.

    Args:
        call: the expression of its output.
        init: right-hand sides of the attributes that it needs, by suffix of the attribute's name.
    """

    call: str
    init: Mapping[str, str] = {}


class LayerToWrite(NamedTuple):
    """One call of a layer that is to be written.

    Args:
        a: the arguments in normal form.
        shapes: the shapes of the inputs, batch first.
        x: the expressions of the inputs.
        attribute: the attribute for what it keeps, such as "self.dense".
        spec: the layer.
    """

    a: Mapping[str, Any]
    shapes: tuple[Shape, ...]
    x: tuple[str, ...]
    attribute: str
    spec: LayerSpec


Writer = Callable[[LayerToWrite], NNXCode]


ACTIVATIONS: Mapping[str, str] = {
    "exponential": "jnp.exp({x})",
    "softsign": "jax.nn.soft_sign({x})",
    "hard_silu": "jax.nn.hard_silu({x})",
    "tanh_shrink": "({x} - jnp.tanh({x}))",
    "linear": "{x}",
    **{
        name: "jax.nn." + name + "({x})"
        for name in (
            "relu",
            "relu6",
            "leaky_relu",
            "elu",
            "celu",
            "selu",
            "gelu",
            "glu",
            "silu",
            "swish",
            "hard_swish",
            "softmax",
            "log_softmax",
            "softplus",
            "tanh",
            "hard_tanh",
            "sigmoid",
            "log_sigmoid",
            "hard_sigmoid",
            "mish",
            "squareplus",
            "sparse_plus",
            "sparse_sigmoid",
        )
    },
}


def activated(name: str, x: str) -> str:
    """The expression of an activation of x.

    Raises:
        InputError: JAX has no such activation.
    """
    if name not in ACTIVATIONS:
        raise InputError(f"JAX has no activation {name!r}: choose --to keras.")
    return ACTIVATIONS[name].format(x=x)


ALL = (1, 2, 3)


def for_ranks(
    stem: str, ranks: tuple[int, ...], writer: Writer, end: str = ""
) -> dict[str, Writer]:
    """The same writer for a layer of each number of spatial axes."""
    return {f"{stem}{rank}D{end}": writer for rank in ranks}
