"""Where a run took place: code, versions, device."""

import os
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jax

_PACKAGE = "repairbench"


def environment() -> dict[str, str | int | None]:
    """Versions and hardware of this process, for a record; None for a solver that is missing."""
    devices = jax.devices()
    return {
        "code_version": code_version(),
        "python": platform.python_version(),
        "jax": jax.__version__,
        "device": f"{devices[0].platform}: {len(devices)} x {devices[0].device_kind}",
        "gurobi": _installed("gurobipy"),
        "highs": _installed("highspy"),
        "cpus": _cpus(),
        "system": f"{platform.system()} {platform.machine()}",
    }


@cache
def code_version() -> str:
    """The commit of this checkout ("-dirty" with changes), else the installed package's version."""
    root = Path(__file__).resolve().parents[2]
    if (root / ".git").exists():
        options = "--always --dirty --abbrev=12 --exclude=*"
        command = ["git", "-C", str(root), "describe", *options.split()]
        try:
            return subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=20
            ).stdout.strip()
        except (OSError, subprocess.SubprocessError):
            # No usable git: the package's version is the next best name.
            pass
    return _installed(_PACKAGE) or "unknown"


def _cpus() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
