"""Repair of weights: networks, what should hold of them, and methods that change few weights so that it does.

The names that authors of methods need are offered here and imported when they are first used, so that
`import repair.weights` itself stays cheap:

    from repair.weights import Patch, Problem, Repair
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repair.weights.certificate import Certificate, MarginConstraints, certify
    from repair.weights.experts.experts import Experts
    from repair.weights.formats import load, save
    from repair.weights.methods.repair import Method, Repair, Repairable
    from repair.weights.network.network import Network
    from repair.weights.patch import Delta, Patch
    from repair.weights.problem import Examples, Problem
    from repair.weights.status import RepairStatus

__all__ = [
    "Certificate",
    "Delta",
    "Examples",
    "Experts",
    "MarginConstraints",
    "Method",
    "Network",
    "Patch",
    "Problem",
    "Repair",
    "RepairStatus",
    "Repairable",
    "certify",
    "load",
    "save",
]

_MODULES = {
    "Certificate": "certificate",
    "Delta": "patch",
    "Examples": "problem",
    "Experts": "experts.experts",
    "MarginConstraints": "certificate",
    "Method": "methods.repair",
    "Network": "network.network",
    "Patch": "patch",
    "Problem": "problem",
    "Repair": "methods.repair",
    "RepairStatus": "status",
    "Repairable": "methods.repair",
    "certify": "certificate",
    "load": "formats",
    "save": "formats",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
