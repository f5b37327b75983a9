"""Names that were others before version 0.2: they are understood for this one version, and go with the next.

On a command line each is told once; in the config of a stored run it is translated silently.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.renamed_modules import MOVED
from repair.errors import InputError

TARGET = "_target_"


@dataclass(frozen=True)
class Renamed:
    """A setting of another name.

    Attributes:
        old, new: its names in full, from the top of a config.
        kind: the class whose setting it is.
    """

    old: str
    new: str
    kind: str


_MINIMAL = "repair.weights.methods.minimal."
_LOSSES = (f"{_MINIMAL}Distillation", f"{_MINIMAL}Hinge")
SETTINGS = (
    Renamed("repair_copies", "augmented_copies", "bench.config.Config"),
    Renamed("repair_mirrored", "mirrored_images", "bench.config.Config"),
    Renamed("method.prices", "method.strengths", f"{_MINIMAL}Minimal"),
    Renamed("method.together", "method.warmup_steps", f"{_MINIMAL}Minimal"),
    *(Renamed("method.loss.importances", "method.loss.sample_weights", loss) for loss in _LOSSES),
    Renamed("method.loss.relaxed", "method.loss.refit_strength", _LOSSES[0]),
    Renamed("method.loss.growth", "method.loss.data_fractions", _LOSSES[0]),
    Renamed("method.loss.margins", "method.loss.target_margins", _LOSSES[1]),
    Renamed("method.price", "method.strength", "repair.weights.methods.exact.Exact"),
)
# What a group or a setting was set to, and is now.
CHOICES = {("experiment", "own"): "custom", ("scenario", "own"): "custom"}
GONE = {
    ("solver", "pdhg"): "solver=pdhg is gone: it was faster nowhere. Take solver=highs, or auto."
}

_OVERRIDE = re.compile(r"(?P<sign>\+{0,2}|~)(?P<key>[^=@+~-][^=@]*)(?P<rest>.*)", re.DOTALL)
_TARGETS = re.compile(rf"({TARGET}\s*[=:]\s*[\"']?)((?:repair|bench)(?:\.\w+)+)")


def moved(name: str) -> str:
    """The present name of a module or of what is in it, with dots."""
    parts = name.split(".")
    for length in range(len(parts), 1, -1):
        place = MOVED.get(".".join(parts[:length]))
        if place is not None:
            return ".".join((place, *parts[length:]))
    return name


def hint(error: BaseException | None) -> str:
    """Where a module is that could not be imported by its old name: a sentence, or nothing."""
    while error is not None:
        name = error.name if isinstance(error, ImportError) else None
        if name is not None and moved(name) != name:
            return f" {name} is now {moved(name)}."
        error = error.__cause__ or error.__context__
    return ""


def present(
    arguments: Sequence[str],
    say: Callable[[str], None],
    settings: Sequence[Renamed] = SETTINGS,
) -> list[str]:
    """The arguments of a command line under the names of today.

    Args:
        arguments: Hydra's overrides and options.
        say: is told of each old name, once.
        settings: those of another name.

    Raises:
        InputError: a choice that is gone.
    """
    theirs = _nodes_of_others(arguments)
    names = {s.old: s for s in settings if s.old.rpartition(".")[0] not in theirs}
    told: dict[str, None] = {}
    found = [_present(argument, names, told) for argument in arguments]
    for line in told:
        say(line)
    return found


def _present(argument: str, names: Mapping[str, Renamed], told: dict[str, None]) -> str:
    parts = _OVERRIDE.fullmatch(argument)
    if parts is None:
        return argument
    key, rest = parts["key"], parts["rest"]
    if key in names:
        told[f"{key} is now {names[key].new}."] = None
        key = names[key].new
    for (group, old), message in GONE.items():
        if key in (group, f"{group}.name") and _word(old).search(rest):
            raise InputError(message)
    for (group, old), new in CHOICES.items():
        if key == group and _word(old).search(rest):
            told[f"{group}={old} is now {group}={new}."] = None
            rest = _word(old).sub(new, rest)

    def place(found: re.Match[str]) -> str:
        new = moved(found[2])
        if new != found[2]:
            told[f"{found[2]} is now {new}."] = None
        return found[1] + new

    return _TARGETS.sub(place, f"{parts['sign']}{key}{rest}")


def current(config: Mapping[str, Any], settings: Sequence[Renamed] = SETTINGS) -> dict[str, Any]:
    """The config of a stored run under the names of today; what it does not set stays unset."""
    names = {(s.kind, s.old.rpartition(".")[2]): s for s in settings}
    new = _current(config, "bench.config.Config", names)
    scenario = new.get("scenario")
    is_own = isinstance(scenario, dict) and scenario.get("name") == "own"
    if is_own:
        scenario["name"] = "custom"
        if new.get("experiment") == "own":
            new["experiment"] = "custom"
    return new


def _current(node: Any, kind: str, names: Mapping[tuple[str, str], Renamed]) -> Any:
    if isinstance(node, list):
        return [_current(inner, "", names) for inner in node]
    if not isinstance(node, Mapping):
        return node
    named = node.get(TARGET)
    kind = moved(named) if isinstance(named, str) else kind
    found = {}
    for key, value in node.items():
        setting = names.get((kind, str(key)))
        if setting is not None:
            key = setting.new.rpartition(".")[2]
        found[key] = (
            kind if key == TARGET and isinstance(value, str) else _current(value, "", names)
        )
    return found


def _nodes_of_others(arguments: Sequence[str]) -> set[str]:
    """The nodes that the command line makes objects of the user's own classes, which may use any name."""
    found = set()
    for argument in arguments:
        key, _, value = argument.lstrip("+").partition("=")
        node, _, last = key.rpartition(".")
        if last == TARGET and not value.strip("\"'").startswith(("repair.", "bench.")):
            found.add(node)
    return found


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w./-]){re.escape(name)}(?![\w./-])")
