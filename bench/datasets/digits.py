"""The data set that needs no download: the 8x8 digits of Alpaydin and Kaynak in scikit-learn.

Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI repository, 1998.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from repair.errors import InputError

# The SHA-256 of the table's numbers as little-endian int64.
SHA256 = "e10b10289c0d9d8a1b3e6b7dfe998949029a89056e0e06dfb989924a36d75a3c"
TEST_PER_CLASS = 50
SEED = 0


def read() -> tuple[np.ndarray, np.ndarray]:
    """Images (1797, 8, 8, 1) uint8 and labels (1797,) int32, in scikit-learn's order.

    The ink of a pixel, 0..16, becomes round(ink * 255 / 16), halves up: 0, 16, 32, ... 239, 255.

    Raises:
        InputError: scikit-learn is missing or its table is not the expected one.
    """
    # Read where scikit-learn keeps it: importing scikit-learn takes seconds, this milliseconds.
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise InputError("digits needs scikit-learn: install this project's requirements again.")
    table = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    rows = np.loadtxt(table, delimiter=",", dtype=np.int64)
    content = hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()
    if content != SHA256:
        raise InputError(
            f"{table} has a wrong checksum: SHA-256 of its numbers {content}, expected {SHA256}. "
            "Install scikit-learn again."
        )
    images = ((rows[:, :-1] * 255 + 8) // 16).astype(np.uint8).reshape(-1, 8, 8, 1)
    return images, rows[:, -1].astype(np.int32)


def test_rows(labels: np.ndarray) -> np.ndarray:
    """Which rows are for testing, (N,) bool: TEST_PER_CLASS of each class, always the same."""
    # RandomState, unlike Generator, promises the same stream in every version of NumPy.
    order = np.random.RandomState(SEED).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    first = np.cumsum(np.bincount(labels)) - np.bincount(labels)
    rank = np.arange(len(labels)) - first[labels[order]]
    chosen = np.zeros(len(labels), bool)
    chosen[order[rank < TEST_PER_CLASS]] = True
    return chosen
