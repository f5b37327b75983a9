"""Arrays of which a call states the shape, such as np.zeros((100, 28, 28))."""

from repair.architecture.layer import Dim
from repair.architecture.source.network.constants import sizes
from repair.architecture.source.network.values import AnyTensor, Array
from repair.architecture.source.python.values import BoundCall

FILLED = ("ones", "zeros", "empty", "full")
RANDOM = ("normal", "uniform", "rand", "randn", "random", "randint", "ones_like", "standard_normal")


def created_array(name: str, call: BoundCall) -> Array | None:
    """The array that a call of a function of this name makes; None: not one of a known shape."""
    values = call.values
    if name in FILLED:
        shape = call.get("shape", 0)
        return _array(sizes((shape,) if isinstance(shape, int) else shape))
    if name not in RANDOM or any(isinstance(value, AnyTensor) for value in values):
        return None
    if name in ("rand", "randn") and values:
        return _array(sizes(tuple(values)))
    stated = [*values, call.get("shape", None), call.get("size", None)]
    known = [shape for shape in map(sizes, stated) if shape]
    return _array(known[-1] if known else None)


def _array(shape: tuple[Dim, ...] | None) -> Array | None:
    return None if shape is None else Array(shape)
