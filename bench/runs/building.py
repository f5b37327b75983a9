"""Objects that a config names by `_target_`: those of the user's command, and those of a stranger's folder."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any

import hydra.utils
from omegaconf import OmegaConf

from bench.renamed import hint
from repair.errors import InputError

# What an object of a class of the user's must have.
CALLED = {"scenario": "problem", "method": "__call__"}
_OURS = ("bench", "repair")
_TARGET = "_target_"


def build(what: str, node: Any, **further: Any) -> Any:
    """The object that a config node names by `_target_`.

    Args:
        what: the name of the node, "scenario" or "method".
        node: the node, a class's path and its arguments.
        further: more arguments.

    Raises:
        InputError: nothing is there by this name, or it does not take these settings.
    """
    if not OmegaConf.is_dict(node) or _TARGET not in node:
        raise InputError(
            f"{what} needs a _target_: the path of a class, such as package.module.Name."
        )
    try:
        built = hydra.utils.instantiate(node, **further, _convert_="all")
    except hydra.errors.InstantiationException as error:
        cause = error.__cause__
        node_of = re.search(r"full_key: (\S+)", str(error))
        where = node_of[1] if node_of else what
        if isinstance(cause, InputError):
            raise InputError(f"{where}: {cause}") from error
        if cause is not None and not isinstance(cause, TypeError | ImportError | AttributeError):
            raise cause from error
        why = cause or str(error).splitlines()[0]
        raise InputError(
            f"{where}: cannot make {node[_TARGET]} of these settings: {why}{hint(error)}"
        ) from error
    if not callable(getattr(built, CALLED[what], None)):
        raise InputError(
            f"{what}: {node[_TARGET]} makes a {type(built).__name__}, which has no {CALLED[what]}(...)."
        )
    return built


def require_our_classes(what: str, node: Any) -> None:
    """Refuses a node of a stranger's config that names anything but settings classes of this project.

    Args:
        what: the name of the setting, for the message.
        node: plain values, as they were read from a file.

    Raises:
        InputError: a `_target_` that is no dataclass of `bench` or `repair`, another of Hydra's own keys, or an
            interpolation.
    """
    for where, value in _values(node, what):
        key = where.rpartition(".")[2]
        if isinstance(value, str) and "${" in value:
            raise InputError(f"{where} is {value!r}: expected a value, not an interpolation.")
        if key == _TARGET:
            _require_our_class(where, value)
        elif key.startswith("_") and key.endswith("_"):
            raise InputError(f"{where}: expected the arguments of a class, and none for Hydra.")


def _require_our_class(where: str, path: Any) -> None:
    expected = f"{where} is {path!r}: expected a settings class of {' or '.join(_OURS)}."
    if not isinstance(path, str) or path.partition(".")[0] not in _OURS:
        raise InputError(expected)
    try:
        named = hydra.utils.get_object(path)
    except (ImportError, ValueError) as error:
        raise InputError(f"{expected} {error}") from error
    # What a module of this project imports is within reach of a path too.
    ours = isinstance(named, type) and named.__module__.partition(".")[0] in _OURS
    if not ours or not is_dataclass(named):
        raise InputError(expected)


def _values(node: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Every value of nested settings, and the name of each."""
    yield where, node
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _values(value, f"{where}.{key}")
    elif isinstance(node, list | tuple):
        for position, value in enumerate(node):
            yield from _values(value, f"{where}[{position}]")
