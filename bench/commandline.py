"""What stands on a command line, looked at before Hydra composes it: old names, and settings that no run has."""

import re
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from bench import renamed, shipped
from bench.config import Config
from repair.errors import unknown

_SET = re.compile(r"([^\s=@+~./-][^\s=@./]*)[^\s=]*=", re.ASCII)
# With these, groups of the user's own may be there.
_OTHER_CONFIGS = ("--config-dir", "-cd", "--config-path", "-cp", "hydra.searchpath")


def accepted(arguments: Sequence[str]) -> list[str]:
    """The arguments, under the names of today; each old name is told on standard error.

    Composing imports the classes that a run has chosen, for which a misspelt setting need not wait.

    Raises:
        InputError: a setting that no run has, or a choice that is gone.
    """
    found = renamed.present(arguments, lambda line: print(line, file=sys.stderr))
    if any(argument.lstrip("+").startswith(_OTHER_CONFIGS) for argument in found):
        return found
    known = [field.name for field in fields(Config)]
    for argument in found:
        setting = _SET.match(argument)
        if setting and setting[1] not in known and not _is_group(setting[1]):
            raise unknown("setting", setting[1], sorted(known))
    return found


def _is_group(name: str) -> bool:
    return name == "hydra" or Path(shipped("configs"), name).is_dir()
