"""NumPy archives: bounded, and read without the packages that repair networks."""

import subprocess
import sys

import numpy as np
import pytest

from repair import weights
from repair.errors import InputError
from repair.weights.archive import read_archive, write_archive


def test_an_archive_that_unpacks_to_more_than_allowed_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "zeros.npz"
    arrays = {"a": np.zeros(5000), "b": np.zeros(5000)}
    write_archive(path, arrays)
    unpacked = 2 * (5000 * 8 + 128)  # a header of 128 bytes each
    assert path.stat().st_size < unpacked / 100
    np.testing.assert_equal(read_archive(path, unpacked), arrays)
    with pytest.raises(InputError, match=r"zeros\.npz is not .*80,256 bytes unpacked.*80,255"):
        read_archive(path, unpacked - 1)


def test_every_name_of_the_public_surface_is_there_and_no_other():
    for name in weights.__all__:
        assert getattr(weights, name).__name__ == name
    assert set(weights.__all__) <= set(dir(weights))
    with pytest.raises(AttributeError, match="'Pitch'"):
        _ = weights.Pitch


@pytest.mark.parametrize(
    "module", ["repair.weights", "repair.weights.archive", "repair.weights.status", "bench.report"]
)
def test_what_only_reads_results_imports_no_heavy_package(module):
    heavy = "{'jax', 'flax', 'h5py', 'onnx', 'gurobipy', 'highspy', 'sklearn'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
