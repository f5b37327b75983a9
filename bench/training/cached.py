"""Trained networks kept on disk, by what they are a function of; made once, verified before each use.

An entry is a folder `networks/KEY` of the user's cache: an orbax checkpoint and `manifest.json` with the SHA-256 of
every file of it. KEY is the hash of the settings, the data's checksums and the code that training runs: its source
files (a change elsewhere in the project does not make a network again), the versions of JAX, Flax, optax and NumPy,
and the kind of device, since each of them may change the last digits.
"""

import hashlib
import inspect
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
from filelock import FileLock
from flax import nnx

import bench
import repair
from bench.datasets.download import sha256
from bench.datasets.files import cache_dir
from repair.weights.network.network import Network

SOURCES = (
    *(
        f"bench/training/{name}.py"
        for name in ("architectures", "augment", "flaws", "sequential", "train")
    ),
    *(f"bench/attacks/{name}.py" for name in ("attack", "triggers")),
    *(
        f"repair/weights/network/{name}.py"
        for name in ("batches", "convolution", "layers", "network", "residual")
    ),
)
PACKAGES = ("jax", "flax", "optax", "numpy")
MANIFEST, CHECKPOINT = "manifest.json", "checkpoint"
log = logging.getLogger(__name__)


def trained_once(
    settings: Mapping[str, Any], skeleton: Callable[[], Network], make: Callable[[], Network]
) -> Network:
    """The network of these settings: from the cache, or made now and put there.

    Args:
        settings: all that the network is a function of, beside the code: plain values, and objects that are
            dataclasses of such.
        skeleton: the structure of the network, with shapes in place of weights.
        make: trains it; called by one process at a time.
    """
    key = hashlib.sha256(json.dumps(plain(settings) | code(settings), sort_keys=True).encode())
    folder = cache_dir() / "networks" / key.hexdigest()[:32]
    network = _read(folder, skeleton)
    if network is not None:
        return network
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            # Another process may have made it meanwhile.
            network = _read(folder, skeleton)
            if network is None:
                network = make()
                _write(folder, network)
    except OSError as error:
        _not_kept(folder, error)
    return make() if network is None else network


def plain(value: Any) -> Any:
    """A value in JSON's types; of an object its class and its fields."""
    if is_dataclass(value):
        kind = type(value)
        named = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return {"_target_": f"{kind.__module__}.{kind.__qualname__}", **named}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def code(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What of the code a trained network depends on."""
    packages = {"bench": Path(bench.__file__).parent, "repair": Path(repair.__file__).parent}
    sources = [packages[name.split("/")[0]].parent / name for name in SOURCES]
    # Classes of the user's.
    for value in settings.values():
        if is_dataclass(value) and type(value).__module__.split(".")[0] not in packages:
            sources.append(Path(inspect.getfile(type(value))))
    return {
        "source": [sha256(path) for path in sources],
        "versions": {name: version(name) for name in PACKAGES},
        "device": [jax.default_backend(), jax.devices()[0].device_kind],
    }


def _read(folder: Path, skeleton: Callable[[], Network]) -> Network | None:
    """The network of an entry; None where there is none, or none that can be trusted."""
    if not folder.is_dir():
        return None
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["files"] != _digests(folder):
            raise ValueError("its files are not those of its manifest")
        graph, state = nnx.split(skeleton())
        network: Network = nnx.merge(graph, _restored(folder / CHECKPOINT, state))
        if network.fingerprint() != manifest["fingerprint"]:
            raise ValueError("its weights are not those of its manifest")
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("the trained network in %s is damaged and is made again: %s", folder, error)
        return None
    return network


def _not_kept(folder: Path, error: Exception) -> None:
    log.warning("the trained network is not kept in %s: %s", folder.parent, error)


def _write(folder: Path, network: Network) -> None:
    draft = folder.with_name(f".{folder.name}-{os.getpid()}")
    try:
        _fill(draft, network)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(draft, folder)
    # What tensorstore, below orbax, makes of a full disk is a ValueError.
    except (OSError, ValueError) as error:
        _not_kept(folder, error)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _fill(draft: Path, network: Network) -> None:
    stem = draft.name.rpartition("-")[0]
    # What processes left that were killed.
    for left in draft.parent.glob(f"{stem}-*"):
        shutil.rmtree(left)
    draft.mkdir()
    with _checkpointer() as checkpointer:
        checkpointer.save((draft / CHECKPOINT).absolute(), _arrays(nnx.state(network)))
        checkpointer.wait_until_finished()
    manifest = {"files": _digests(draft), "fingerprint": network.fingerprint()}
    (draft / MANIFEST).write_text(json.dumps(manifest, sort_keys=True), encoding="utf-8")


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        path.relative_to(folder).as_posix(): sha256(path) for path in files if path.name != MANIFEST
    }


def _restored(path: Path, state: Any) -> Any:
    shapes, structure = jax.tree.flatten(state)
    empty = {_name(index): np.zeros(leaf.shape, leaf.dtype) for index, leaf in enumerate(shapes)}
    with _checkpointer() as checkpointer:
        restored = checkpointer.restore(path.absolute(), empty)
    return jax.tree.unflatten(structure, [jax.numpy.asarray(restored[name]) for name in empty])


def _arrays(state: Any) -> dict[str, np.ndarray]:
    """The arrays of a state by their index in it."""
    return {_name(index): np.asarray(leaf) for index, leaf in enumerate(jax.tree.leaves(state))}


def _name(index: int) -> str:
    return f"{index:04d}"


@contextmanager
def _checkpointer() -> Iterator[Any]:
    import orbax.checkpoint as ocp  # a second to import: only for those who train

    checkpointer = ocp.StandardCheckpointer()
    try:
        yield checkpointer
    finally:
        checkpointer.close()
