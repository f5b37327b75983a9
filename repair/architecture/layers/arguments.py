"""Arguments of layers: their domains and normal forms, and those that many layers take."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from repair.architecture.layer import Value


class OutOfDomain(ValueError):  # noqa: N818  raised and caught inside the table only
    """The value is not in the domain; the message says what is."""


Parse = Callable[[Value], Value]
REQUIRED = "<required>"
"""The default of an argument that has none."""


@dataclass(frozen=True)
class Argument:
    """One argument of a layer type.

    Args:
        parse: returns the normal form of a value; raises OutOfDomain.
        default: what holds when it is not given; REQUIRED when it must be.
        editable: whether a repair may change it in place.
        width: whether it is a width that the user chose (filters, units): changed only where it is the cause.
    """

    parse: Parse
    default: Value = REQUIRED
    editable: bool = False
    width: bool = False


def _is_integer(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_integers(value: Value) -> bool:
    return type(value) is tuple and {*map(type, value)} == {int}


def size(low: int = 1) -> Parse:
    """An integer from `low` on."""

    def parse(value: Value) -> Value:
        if not isinstance(value, int) or isinstance(value, bool) or value < low:
            raise OutOfDomain(f"an integer of at least {low}")
        return value

    return parse


def single_axis(value: Value) -> Value:
    """An integer from 1 on; normal form: a tuple of it, as for layers of more axes."""
    return (size()(value),)


def sizes(rank: int, low: int = 1) -> Parse:
    """`rank` integers from `low` on, or one for all of them; normal form: a tuple."""

    def parse(value: Value) -> Value:
        if _is_integer(value):
            value = (value,) * rank
        if not _are_integers(value) or len(value) != rank or min(value) < low:  # type: ignore
            several = f", or a tuple of {rank} of them" if rank > 1 else ""
            raise OutOfDomain(f"an integer of at least {low}{several}")
        return value

    return parse


def margins(rank: int) -> Parse:
    """Paddings or croppings: one for all, or (before, after), or one or such a pair for each axis.

    Normal form: a pair for each axis. Along a single axis Keras takes the pair itself.
    """
    pair = sizes(2, low=0)

    def parse(value: Value) -> Value:
        if _is_integer(value) or (rank == 1 and isinstance(value, tuple)):
            return (pair(value),) * rank
        if not isinstance(value, tuple) or len(value) != rank:
            raise OutOfDomain(f"an integer, or {rank} pairs (before, after) of integers from 0 on")
        return tuple(pair(side) for side in value)

    return parse


def integers(low: int | None = None) -> Parse:
    """A tuple of integers, from `low` on if given."""

    def parse(value: Value) -> Value:
        if value != () and not _are_integers(value):
            raise OutOfDomain("a tuple of integers")
        if low is not None and value and min(value) < low:  # type: ignore
            raise OutOfDomain(f"a tuple of integers of at least {low}")
        return value

    return parse


def integer_or_integers(value: Value) -> Value:
    """One integer or a tuple of one or more; normal form: a tuple."""
    if value == ():
        raise OutOfDomain("one integer or more")
    return integers()((value,) if _is_integer(value) else value)


def integer(value: Value) -> Value:
    """Any integer."""
    if not _is_integer(value):
        raise OutOfDomain("an integer")
    return value


def number(low: float | None = None, high: float | None = None) -> Parse:
    """A real number within bounds."""

    def parse(value: Value) -> Value:
        real = isinstance(value, int | float) and not isinstance(value, bool)
        if not real or not (low is None or low <= value) or not (high is None or value <= high):  # type: ignore[operator]
            bounds = f" from {low} on" if high is None else f" between {low} and {high}"
            raise OutOfDomain("a number" + ("" if low is None else bounds))
        return value

    return parse


def choice(*names: str) -> Parse:
    """One of some texts, in any case."""

    def parse(value: Value) -> Value:
        if not isinstance(value, str) or value.lower() not in names:
            raise OutOfDomain("one of " + ", ".join(map(repr, names)))
        return value.lower()

    return parse


def optional(parse: Parse) -> Parse:
    """The domain and None."""

    def either(value: Value) -> Value:
        return None if value is None else parse(value)

    return either


def flag(value: Value) -> Value:
    """True or False, also as 0 or 1."""
    if value not in (True, False):
        raise OutOfDomain("true or false")
    return bool(value)


def text(value: Value) -> Value:
    """Any text."""
    if not isinstance(value, str):
        raise OutOfDomain("a text")
    return value


def anything(value: Value) -> Value:
    """Any value: it does not matter for shapes."""
    return value


def shape(value: Value) -> Value:
    """Sizes without the batch, each an integer from 1 on or None where it varies."""
    right = isinstance(value, tuple) and all(size is None or _is_integer(size) for size in value)
    if not right or any(size is not None and size < 1 for size in value):  # type: ignore
        raise OutOfDomain("a tuple of integers from 1 on, None for a size that varies")
    return value


ACTIVATIONS = tuple(
    "linear relu relu6 leaky_relu elu celu selu gelu glu silu swish hard_silu hard_swish softmax "  # noqa: SIM905  a list of words reads better
    "log_softmax sparsemax softplus softsign tanh hard_tanh tanh_shrink hard_shrink soft_shrink "
    "squareplus sparse_plus sparse_sigmoid threshold sigmoid log_sigmoid hard_sigmoid exponential "
    "mish".split()
)
"""Names of Keras 3's activations."""

DATA_FORMAT = Argument(optional(choice("channels_last", "channels_first")), None)


def activation(default: str | None = None) -> Argument:
    """An activation by name, None for none."""
    return Argument(optional(choice(*ACTIVATIONS)), default, editable=True)


_WEIGHTS = (
    "kernel",
    "bias",
    "recurrent",
    "beta",
    "gamma",
    "moving_mean",
    "moving_variance",
    "depthwise",
    "pointwise",
    "embeddings",
    "alpha",
    "activity",
)
_PLAIN = (
    "name",
    "trainable",
    "dtype",
    "autocast",
    "seed",
    "input_shape",
    "batch_input_shape",
    "input_dim",
    "input_dtype",
    "input_length",
    "lora_rank",
    "lora_alpha",
    "quantization_config",
    "implementation",
    "use_cudnn",
    "weights",
)
BOOKKEEPING: Mapping[str, Argument] = MappingProxyType(
    {
        name: Argument(anything, None)
        for name in (
            *_PLAIN,
            *(f"{of}_{what}" for of in _WEIGHTS for what in ("initializer", "regularizer")),
            *(f"{of}_constraint" for of in _WEIGHTS),
        )
    }
)
"""Arguments that layers take and that do not touch shapes."""
