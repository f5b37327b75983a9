"""Experts as a file: one NumPy archive with the patch of each, and what combines them.

`expert/CLASS/...` holds the patch of a class as in a patch file (see `repair.weights.patch`), `full/...`
that of all classes; `classes` and `precisions` go together; `selection/NAME` lists classes.
"""

from pathlib import Path

import numpy as np

from repair.errors import InputError
from repair.weights.archive import read_archive, write_archive
from repair.weights.experts.experts import Experts
from repair.weights.network.network import Network
from repair.weights.patch import Patch

VERSION = 1


def save_experts(experts: Experts, path: str | Path) -> None:
    """Write experts, atomically; equal ones give equal bytes."""
    classes = list(experts.patches)
    arrays = {
        "experts_version": np.array(VERSION),
        "layer": np.array(experts.layer),
        "classes": np.array(classes, np.int64),
        "precisions": np.array([experts.precisions[c] for c in classes], np.float64),
    }
    for name, kept in experts.selections.items():
        arrays[f"selection/{name}"] = np.array(kept, np.int64)
    patches = {f"expert/{c}": patch for c, patch in experts.patches.items()}
    if experts.full is not None:
        patches["full"] = experts.full
    for prefix, patch in patches.items():
        arrays |= {f"{prefix}/{key}": value for key, value in patch.arrays().items()}
    write_archive(Path(path), arrays)


def load_experts(path: str | Path, network: Network) -> Experts:
    """The experts in a file, for the network that they were made for.

    Raises:
        InputError: a damaged file, one without experts, or experts for another network.
    """
    arrays = read_archive(Path(path))
    needed = {"layer", "classes", "precisions"}
    if arrays.get("experts_version") != VERSION or not needed <= arrays.keys():
        raise InputError(
            f"{path} holds no experts of version {VERSION}; expected what save_experts writes."
        )
    classes = arrays["classes"].tolist()
    patches = {c: _patch(arrays, f"expert/{c}/", path) for c in classes}
    full = _patch(arrays, "full/", path) if "full/base" in arrays else None
    every = [*patches.values(), *([full] if full is not None else [])]
    if any(patch.base != network.fingerprint() for patch in every):
        raise InputError(
            f"{path} holds experts for another network than the one given; its fingerprint differs."
        )
    selections = {
        key.removeprefix("selection/"): tuple(kept.tolist())
        for key, kept in arrays.items()
        if key.startswith("selection/")
    }
    precisions = dict(zip(classes, arrays["precisions"].tolist(), strict=True))
    return Experts(network, str(arrays["layer"]), patches, precisions, selections, full)


def _patch(arrays: dict[str, np.ndarray], prefix: str, path: str | Path) -> Patch:
    mine = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    if "base" not in mine:
        raise InputError(f"{path} lacks the patch {prefix!r}; the file is damaged.")
    return Patch.of_arrays(mine, str(path))
