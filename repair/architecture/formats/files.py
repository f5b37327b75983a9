"""Reads definition files with bounded time and memory: text, JSON, YAML, the config of a .keras zip."""

import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from repair.errors import InputError

MOST_BYTES = 16 * 2**20
"""A definition of 10,000 layers is below 10 MB; whatever is larger holds something else."""
MOST_YAML_BYTES = 2**20
MOST_DIRECTORY_BYTES = 2**20
DEEPEST = 64


def read_text(path: Path) -> str:
    """The text of a definition file; of a .keras archive its config.json.

    Raises:
        InputError: no such file, over 16 MB, not UTF-8, or a broken archive.
    """
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise InputError(f"{path} {what}: give a file that defines a network.")
        if path.suffix == ".keras":
            return _decoded(_config(path), path)
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read: {error}.") from None
    return _decoded(data, path)


def parse_json(text: str, what: str) -> object:
    """The parsed JSON, without NaN and infinities, nested at most 64 deep.

    Raises:
        InputError: malformed; the message says where.
    """
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{what} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise InputError(f"{what} is nested too deeply: at most {DEEPEST} levels.") from None
    except ValueError as error:
        raise InputError(f"{what} holds a value that is not read: {error}.") from None
    _check_depth(document, what)
    return document


def parse_yaml(text: str, what: str) -> object:
    """The parsed YAML of plain values: no anchors, no tags that make objects.

    Raises:
        InputError: malformed, over 1 MB, with aliases, nested over 64 deep.
    """
    import yaml  # half of the start-up time of a command that mostly reads other formats

    if len(text) > MOST_YAML_BYTES:
        raise InputError(f"{what} is over {MOST_YAML_BYTES} characters of YAML: write it as JSON.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise InputError(f"{what} uses the YAML alias *{event.anchor}: write it out.")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise InputError(f"{what} is nested too deeply: at most {DEEPEST} levels.")
        return yaml.load(text, Loader=loader)  # noqa: S506  a safe loader, in C where there is one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise InputError(f"{what} is not YAML: {problem}{where}.") from None
    except InputError:
        raise
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise InputError(f"{what} holds a value that is not read: {error}.") from None


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a finite number")


def _check_depth(document: object, what: str) -> None:
    level: list[object] = [document]
    for _ in range(DEEPEST):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise InputError(f"{what} is nested too deeply: at most {DEEPEST} levels.")


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _decoded(data: bytes, path: Path) -> str:
    if len(data) > MOST_BYTES:
        raise InputError(
            f"{path} is over {MOST_BYTES // 2**20} MB: expected the definition of a network alone, "
            "without its weights."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start}): expected Python source, JSON, YAML or "
            "a .keras archive."
        ) from None


def _config(path: Path) -> bytes:
    """The config.json of a .keras archive, without reading the weights beside it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 66_000))
        ends = re.findall(rb"PK\x05\x06.{8}(.{4})", file.read(), re.DOTALL)
        if not ends or int.from_bytes(ends[-1], "little") > MOST_DIRECTORY_BYTES:
            raise InputError(f"{path} is not a .keras archive, or has too many entries.")
        try:
            with zipfile.ZipFile(file) as archive, archive.open("config.json") as entry:
                return entry.read(MOST_BYTES + 1)
        except KeyError:
            raise InputError(f"{path} has no config.json: it is not a .keras archive.") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise InputError(f"{path} is a broken .keras archive: {error}.") from None
