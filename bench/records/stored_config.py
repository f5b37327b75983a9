"""A run's config.yaml as data from anybody: plain values, bounded."""

from pathlib import Path
from typing import Any

import yaml

from bench.records.regular import read_regular
from repair.errors import InputError

# Bytes of a file, settings within each other, and characters of a value: YAML reads numbers of any length, and writing
# them takes long.
_LARGEST = 2**18
_DEEPEST = 32
_LONGEST = 2000
# The safe ones in C, some ten times as fast, where PyYAML was built with them.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_config(path: Path) -> dict[str, Any]:
    """The settings in a file.

    Raises:
        FileNotFoundError: there is none.
        InputError: no YAML mapping; aliases, of which a few lines make more than any memory holds; too deep or too
            large.
    """
    try:
        text = read_regular(path, _LARGEST).decode()
        _require_bounded(text)
        settings = yaml.load(text, _LOADER)  # noqa: S506 - a safe one
    except InputError as error:
        raise InputError(f"{path} is no config of a run: {error}") from error
    except (OSError, OverflowError, RecursionError, TypeError, ValueError, yaml.YAMLError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        said = " ".join(str(error).split())
        raise InputError(f"{path} is no config of a run: {said}") from error
    if not isinstance(settings or {}, dict):
        raise InputError(f"{path} is no config of a run: expected settings and their values.")
    return settings or {}


def _require_bounded(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, _LOADER):
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"an alias *{event.anchor}; expected every value in its place.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise InputError(f"more than {_DEEPEST} settings within each other.")
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > _LONGEST:
            raise InputError(f"a value of more than {_LONGEST:,} characters.")
