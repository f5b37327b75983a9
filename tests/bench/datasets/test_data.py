"""Data sets: published counts, one result from every accepted form, and damage that is named."""

import gzip
import hashlib
import io
import lzma
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from checkout import ROOT
from hypothesis import given
from hypothesis import strategies as st

from bench.datasets import cifar, files
from bench.datasets import dataset as data
from bench.datasets.dataset import Dataset, load
from bench.datasets.files import fetch
from bench.datasets.idx import parse_idx, read_idx
from repair.errors import InputError

MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
MNIST_TEST = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
# The split is part of every quickstart record: it must never move.
DIGITS_TEST = "fe75708b7403f47f10dcd030e84587120d52a87e7fb8ed388beea14a05a55819"


@pytest.fixture
def nothing_at_hand(tmp_path, monkeypatch) -> Path:
    """No data folder and an empty cache; the network refuses (see conftest)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setattr(files.platformdirs, "user_cache_path", lambda _: tmp_path / "cache")
    return tmp_path


def per_class(labels: np.ndarray) -> list[int]:
    return np.bincount(labels, minlength=10).tolist()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_mnist_is_the_published_one(data_pack):
    mnist = load("mnist")
    assert mnist.train_images.shape == (60_000, 28, 28, 1)
    assert mnist.test_images.shape == (10_000, 28, 28, 1)
    assert (mnist.train_images.dtype, mnist.train_labels.dtype) == (np.uint8, np.int32)
    assert per_class(mnist.train_labels) == MNIST_TRAIN
    assert per_class(mnist.test_labels) == MNIST_TEST
    unit = mnist.train_images / 255.0
    assert (round(unit.mean(), 4), round(unit.std(), 4)) == (0.1307, 0.3081)


def test_cifar10_is_the_published_one(data_pack):
    cifar10 = load("cifar10")
    assert cifar10.train_images.shape == (50_000, 32, 32, 3)
    assert per_class(cifar10.train_labels) == [5000] * 10
    assert per_class(cifar10.test_labels) == [1000] * 10
    assert per_class(cifar10.train_labels[:10_000]) == [
        1005,
        974,
        1032,
        1016,
        999,
        937,
        1030,
        1001,
        1025,
        981,
    ]
    means = cifar10.train_images.mean((0, 1, 2)) / 255
    assert np.round(means, 4).tolist() == [0.4914, 0.4822, 0.4465]


def test_digits_are_scikit_learns(nothing_at_hand):
    from sklearn.datasets import load_digits

    digits = load("digits")
    assert (len(digits.train_labels), len(digits.test_labels)) == (1297, 500)
    assert per_class(digits.test_labels) == [50] * 10
    both = np.concatenate([digits.train_images, digits.test_images])
    labels = np.concatenate([digits.train_labels, digits.test_labels])
    theirs, names = load_digits(return_X_y=True)
    ours = sorted((int(label), image.tobytes()) for image, label in zip(both, labels, strict=True))
    pixels = np.floor(theirs * 255 / 16 + 0.5).astype(np.uint8)
    assert ours == sorted(
        (int(label), row.tobytes()) for row, label in zip(pixels, names, strict=True)
    )
    split = digest(digits.test_images.tobytes() + digits.test_labels.astype("<i4").tobytes())
    assert split == DIGITS_TEST


def test_arrays_that_all_share_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        load("digits").train_images[0] = 0


def test_unknown_name_lists_the_known():
    with pytest.raises(InputError, match=r"unknown data set 'minst'.*'mnist'.*cifar10, digits"):
        load("minst")


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
def test_missing_with_no_network(nothing_at_hand, name):
    with pytest.raises(InputError) as error:
        load(name)
    for part in ("is missing", "Tried http", "BENCH_DATA (not set)", str(nothing_at_hand)):
        assert part in str(error.value)


def test_the_command_prints_one_message_and_exits_2(nothing_at_hand):
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "data.py", "mnist"],
        env={**os.environ, "XDG_CACHE_HOME": str(nothing_at_hand)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "mnist/train-images-idx3-ubyte.gz is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_bench_data_must_be_a_folder(nothing_at_hand, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", "no/such/folder")
    with pytest.raises(InputError, match=r"BENCH_DATA is 'no/such/folder', which is not a folder"):
        load("mnist")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0123456789", "a wrong checksum"),
        (b"01234", "is truncated: 5 of 10 bytes"),
        (b"0123456789+", "is too long: 11 bytes, expected 10"),
    ],
)
def test_a_damaged_file_is_named_and_never_replaced(nothing_at_hand, content, message):
    (nothing_at_hand / "data").mkdir()
    (nothing_at_hand / "data" / "file").write_bytes(content)
    with pytest.raises(InputError, match=message):
        fetch("file", digest(b"abcdefghij"), ["http://127.0.0.1:9/file"], size=10)
    assert (nothing_at_hand / "data" / "file").read_bytes() == content


def test_folders_are_searched_in_order(nothing_at_hand, monkeypatch):
    for folder in ("named", "data", "cache"):
        (nothing_at_hand / folder).mkdir()
        (nothing_at_hand / folder / "file").write_bytes(b"content")
    monkeypatch.setenv("BENCH_DATA", str(nothing_at_hand / "named"))
    for folder in ("named", "data", "cache"):
        found = fetch("file", digest(b"content"))
        assert found.resolve().parent.name == folder
        assert [entry.name for entry in found.parent.iterdir()] == ["file"]
        found.unlink()
    with pytest.raises(InputError, match="no address to get it from"):
        fetch("file", digest(b"content"))


def idx(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim])
    return head + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=3), st.data())
def test_idx_round_trip_and_no_prefix_passes(shape, draw):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    content = idx(array)
    assert np.array_equal(parse_idx(content, len(shape), "file"), array)
    cut = draw.draw(st.integers(0, len(content) - 1))
    with pytest.raises(InputError, match="is truncated"):
        parse_idx(content[:cut], len(shape), "file")
    with pytest.raises(InputError, match="is too long"):
        parse_idx(content + b"0", len(shape), "file")


def test_idx_of_another_kind():
    with pytest.raises(InputError, match=r"magic number is 2049, expected 2051 \(3 dimensions"):
        parse_idx(idx(np.arange(20)), 3, "file")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda packed: packed[:-9], "is truncated: its gzip stream ends early"),
        (lambda packed: b"PK" + packed, "is not a whole gzip file"),
        (lambda packed: packed[:30] + b"\xff\xff" + packed[32:], "is not a whole gzip file"),
    ],
)
def test_damaged_gzip(tmp_path, spoil, message):
    (tmp_path / "file.gz").write_bytes(spoil(gzip.compress(idx(np.arange(100) * 7 % 251))))
    with pytest.raises(InputError, match=message):
        read_idx(tmp_path / "file.gz", 1)


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, 10], r"has labels 0\.\.10, expected 0\.\.9"), ([1], "2 images and 1 labels")],
)
def test_labels_must_fit(labels, message):
    arrays = np.zeros((2, 4, 4, 1), np.uint8), np.array(labels, np.int32)
    broken = Dataset("broken", data.DIGIT_NAMES, {}, lambda: arrays, lambda: arrays)
    with pytest.raises(InputError, match=message):
        _ = broken.test_images


@pytest.fixture
def small_cifar(monkeypatch) -> dict[str, np.ndarray]:
    """Three random records a batch in place of CIFAR-10's; returns them, (3, 3073) uint8."""
    random = np.random.default_rng(0)
    records = {
        name: random.integers(0, 10, (3, cifar.RECORD), dtype=np.uint8) for name in cifar.CONTENT
    }
    packed = {name: lzma.compress(batch.tobytes()) for name, batch in records.items()}
    monkeypatch.setattr(cifar, "RECORDS", 3)
    monkeypatch.setattr(cifar, "CONTENT", {n: digest(b.tobytes()) for n, b in records.items()})
    monkeypatch.setattr(cifar, "XZ", {n: (digest(p), len(p)) for n, p in packed.items()})
    return records


def write(folder: Path, form: str, records: dict[str, np.ndarray], monkeypatch) -> None:
    folder.mkdir(parents=True)
    for name, batch in records.items():
        if form == "bin":
            (folder / f"{name}.bin").write_bytes(batch.tobytes())
        elif form == "bin.xz":
            (folder / f"{name}.bin.xz").write_bytes(lzma.compress(batch.tobytes()))
    if form == "tar.gz":
        path = folder / "cifar-10-binary.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for name in reversed(records):
                member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
                member.size = records[name].nbytes
                archive.addfile(member, io.BytesIO(records[name].tobytes()))
        monkeypatch.setattr(cifar, "ARCHIVE_SHA256", digest(path.read_bytes()))
        monkeypatch.setattr(cifar, "ARCHIVE_SIZE", path.stat().st_size)


@pytest.mark.parametrize("form", ["bin", "bin.xz", "tar.gz"])
def test_cifar10_is_the_same_in_every_form(nothing_at_hand, monkeypatch, small_cifar, form):
    write(nothing_at_hand / "data" / "cifar10", form, small_cifar, monkeypatch)
    cifar10 = load("cifar10")
    second = small_cifar["data_batch_2"]
    assert cifar10.train_labels[3:6].tolist() == second[:, 0].tolist()
    # Record: label, then the planes red, green, blue, each row by row.
    row, column, blue = 7, 30, 2
    assert (
        cifar10.train_images[4, row, column, blue] == second[1, 1 + 1024 * blue + 32 * row + column]
    )
    assert np.array_equal(cifar10.test_images, load("cifar10").test_images)


def test_unpacked_batches_are_kept_and_verified(nothing_at_hand, monkeypatch, small_cifar):
    write(nothing_at_hand / "data" / "cifar10", "bin.xz", small_cifar, monkeypatch)
    fresh = load("cifar10").test_images
    (kept,) = (nothing_at_hand / "cache" / "unpacked").iterdir()
    kept.write_bytes(bytes(kept.stat().st_size))
    assert np.array_equal(load("cifar10").test_images, fresh)
    assert digest(kept.read_bytes()) == kept.stem


def test_one_batch_missing(nothing_at_hand, monkeypatch, small_cifar):
    write(nothing_at_hand / "data" / "cifar10", "bin.xz", small_cifar, monkeypatch)
    (nothing_at_hand / "data" / "cifar10" / "data_batch_3.bin.xz").unlink()
    with pytest.raises(InputError, match=r"cifar10/data_batch_3\.bin\.xz is missing"):
        load("cifar10")
