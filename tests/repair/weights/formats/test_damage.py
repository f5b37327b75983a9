"""Files with bytes changed at random: each loads or is refused with a message, and nothing else."""

import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.formats import load, save
from repair.weights.patch import Patch


def spoilt(content: bytes, seed: int) -> bytes:
    """A few bytes replaced; every fifth file cut as well."""
    rng = np.random.default_rng(seed)
    changed = np.frombuffer(content, np.uint8).copy()
    changed[rng.integers(len(changed), size=5)] = rng.integers(256, size=5)
    return changed.tobytes()[: rng.integers(len(changed)) if seed % 5 == 0 else None]


@pytest.mark.parametrize("suffix", ["h5", "onnx", "npz"])
def test_spoilt_networks_load_or_are_refused(suffix, digits_network, tmp_path):
    path = tmp_path / f"net.{suffix}"
    save(digits_network(), path)
    content, refused = path.read_bytes(), 0
    for seed in range(30):
        path.write_bytes(spoilt(content, seed))
        try:
            load(path, "0..1")
        except InputError:
            refused += 1
    assert refused >= 6  # those that are cut


def test_spoilt_patches_load_or_are_refused(digits_network, tmp_path):
    network, path = digits_network(), tmp_path / "patch.npz"
    Patch.between(network, digits_network(seed=1)).save(path)
    content, refused = path.read_bytes(), 0
    for seed in range(100):
        path.write_bytes(spoilt(content, seed))
        try:
            Patch.load(path).apply(network)
        except InputError:
            refused += 1
    assert refused > 50
