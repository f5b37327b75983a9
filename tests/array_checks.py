"""What the import hook of jaxtyping calls for each function of the library: beartype, but for constructors."""

from collections.abc import Callable
from typing import Any, Self

import beartype

# Beartype knows nothing of `Self` in a method that is decorated on its own, as the hook does.
_CONF = beartype.BeartypeConf(
    hint_overrides=beartype.FrozenDict({Self: object}), is_pep484_tower=True
)


def check(function: Callable[..., Any], *_: Any, **__: Any) -> Callable[..., Any]:
    """The function, with its arguments and its result checked by their annotations.

    Constructors are left alone: they refuse with an InputError what a user may give them, or bring it to arrays.
    """
    if function.__name__ == "__init__":
        return function
    return beartype.beartype(conf=_CONF)(function)
