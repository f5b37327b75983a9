"""One layer of a network definition: its type, arguments, wrapped layers and given weights.

Everything is frozen and bounded here, so the code after may trust it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType

from repair.errors import InputError

Dim = int | None
"""A size; None where it is not known: the batch, a variable length."""
Shape = tuple[Dim, ...]
"""Sizes with the batch first, channels last."""
Value = None | bool | int | float | str | tuple["Value", ...]

LARGEST = 2**31 - 1
DEEPEST = 8
LONGEST = 10_000


def freeze(value: object, what: str, depth: int = 0) -> Value:
    """The value with tuples for lists, sizes and nesting bounded.

    Raises:
        InputError: not a plain value, an integer beyond 2^31, or nesting beyond 8.
    """
    kind = type(value)
    if kind is int:
        if not -LARGEST <= value <= LARGEST:  # type: ignore[operator]
            raise InputError(f"{what} has the size {value}: expected at most {LARGEST}.")
        return value  # type: ignore[return-value]
    if value is None or kind is bool or kind is float:
        return value  # type: ignore[return-value]
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise InputError(f"{what} is a text of {len(value)} characters: at most {LONGEST}.")
        return value
    if isinstance(value, (list, tuple)):
        if depth == DEEPEST or len(value) > LONGEST:
            raise InputError(f"{what} is nested over {DEEPEST} deep or over {LONGEST} long.")
        return tuple(freeze(item, what, depth + 1) for item in value)
    raise InputError(
        f"{what} is a {type(value).__name__}: expected a number, a text, true, false or a list."
    )


def _is_plain(value: object) -> bool:
    """Whether `freeze` would return the value as it is: told quickly, for the values of most layers."""
    kind = type(value)
    if kind is int:
        return -LARGEST <= value <= LARGEST  # type: ignore[operator]
    if kind is tuple:
        integers = {*map(type, value)} == {int}  # type: ignore[call-overload]
        return integers and -LARGEST <= min(value) <= max(value) <= LARGEST  # type: ignore[call-overload]
    return value is None or kind is bool or (kind is str and len(value) <= LONGEST)  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class LayerSpec:
    """What one layer computes; equal and hashable by content, so that inference can be cached.

    Args:
        type: the Keras name of the layer, such as "Conv2D" (a key of `layers.LAYERS`).
        arguments: what the user wrote, by Keras argument name; defaults are not filled in.
        inner: wrapped layers: the one of TimeDistributed, the one or two of Bidirectional, the
            cells of RNN, the layers of a Sequential.
        weights: shapes of given weight arrays by Keras name ("kernel", "bias", ...); empty when
            the layer makes its own.
    """

    type: str
    arguments: Mapping[str, Value] = field(default_factory=dict)
    inner: tuple["LayerSpec", ...] = ()
    weights: Mapping[str, Shape] = field(default_factory=dict)
    _key: tuple[object, ...] = field(init=False, repr=False)
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.inner and self.depth > DEEPEST:
            raise InputError(f"{self.type} wraps layers over {DEEPEST} deep: unwrap some of them.")
        arguments = dict(self.arguments)
        told = ""
        if not all(map(_is_plain, arguments.values())):
            arguments = {k: freeze(v, f"{self.type}: {k}") for k, v in arguments.items()}
            # tells 1, 1.0 and True apart within tuples, which equality does not
            mixed = sorted((k, repr(v)) for k, v in arguments.items() if not _is_plain(v))
            told = repr(mixed) if mixed else ""
        weights = {k: tuple(shape) for k, shape in self.weights.items()}
        items = sorted(arguments.items())
        key = (
            self.type,
            *items,
            *[type(v) for _, v in items],
            told,
            *sorted(weights.items()),
            self.inner,
        )
        self.__dict__.update(
            arguments=MappingProxyType(arguments),
            weights=MappingProxyType(weights),
            _key=key,
            _hash=hash(key),
        )

    @cached_property
    def depth(self) -> int:
        """Levels of wrapping, 1 for a plain layer."""
        return 1 + max((layer.depth for layer in self.inner), default=0)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is LayerSpec and self._key == other._key)

    def __reduce__(self) -> tuple[object, ...]:
        return LayerSpec, (self.type, dict(self.arguments), self.inner, dict(self.weights))

    def change(self, **arguments: Value) -> "LayerSpec":
        """The layer with these arguments instead; given weights stay."""
        return LayerSpec(self.type, {**self.arguments, **arguments}, self.inner, self.weights)

    def __str__(self) -> str:
        written = [f"{name}={value!r}" for name, value in self.arguments.items()]
        return f"{self.type}({', '.join([*map(str, self.inner), *written])})"


@lru_cache(maxsize=1 << 10)
def snake_case(name: str) -> str:
    """The name in lower case with underscores, as Keras names layers."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
