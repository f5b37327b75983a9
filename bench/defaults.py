"""The defaults of settings, read off their classes: a config file says only what differs from them.

A node of a config that names a class of this project by `_target_` has all settings of that class: those that the file
gives, and for the others the class's own defaults. Only the classes that a run has chosen are imported for that.
"""

import sys
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib import import_module
from typing import Any

TARGET = "_target_"
_PACKAGES = ("repair.", "bench.")


def defaults(kind: type) -> dict[str, Any]:
    """The fields of a dataclass that have a default, by name, in the plain types of a config.

    An object of another dataclass becomes a node of its own, with `_target_`; a tuple becomes a list.
    """
    found = {field.name: _default(field) for field in fields(kind)}
    return {name: plain(value) for name, value in found.items() if value is not MISSING}


def plain(value: Any) -> Any:
    """A value of a setting in the plain types of a config."""
    if is_dataclass(value) and not isinstance(value, type):
        inner = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return {TARGET: target(type(value)), **inner}
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def target(kind: type) -> str:
    """The name by which a config calls a class: in the outermost package that offers it, else in its module."""
    names = kind.__module__.split(".")
    for length in range(1, len(names)):
        package = ".".join(names[:length])
        if kind.__name__ in getattr(sys.modules.get(package), "__all__", ()):
            return f"{package}.{kind.__name__}"
    return f"{kind.__module__}.{kind.__name__}"


def completed(node: Any, left_out: Collection[str] = ()) -> Any:
    """A config, in plain types, whose nodes have the defaults of the classes of this project that they name.

    Args:
        node: a config or a part of one; it is not changed.
        left_out: settings of the outermost node that get no default.
    """
    if isinstance(node, list):
        return [completed(inner) for inner in node]
    if not isinstance(node, Mapping):
        return node
    given = {key: completed(inner) for key, inner in node.items()}
    kind = _class(given.get(TARGET))
    if kind is None:
        return given
    own = {name: value for name, value in defaults(kind).items() if name not in left_out}
    return _over({TARGET: given[TARGET], **own}, given)


def _over(below: Any, above: Any) -> Any:
    """One value over another: a node setting by setting, unless the upper one names another class."""
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    if above.get(TARGET, below.get(TARGET)) != below.get(TARGET):
        return above
    over = {key: _over(below.get(key), value) for key, value in above.items()}
    return {**below, **over}


def _class(named: Any) -> type | None:
    """The dataclass of this project of that name; None for anything else."""
    if not isinstance(named, str) or not named.startswith(_PACKAGES):
        return None
    module, _, name = named.rpartition(".")
    found = getattr(import_module(module), name)
    return found if is_dataclass(found) and isinstance(found, type) else None


def _default(field: Field) -> Any:
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default
