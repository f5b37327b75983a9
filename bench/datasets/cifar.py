"""CIFAR-10, binary version: from the distributed archive, or one .bin or .bin.xz per batch.

Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009. The Python
version of the data set is never read: it is a pickle.
"""

import hashlib
import logging
import lzma
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.datasets.files import cache_dir, fetch, find

log = logging.getLogger(__name__)

TRAIN = tuple(f"data_batch_{i}" for i in range(1, 6))
TEST = ("test_batch",)
# A label, then the red, the green and the blue plane.
RECORD = 1 + 3 * 32 * 32
RECORDS = 10_000

ARCHIVE = "cifar10/cifar-10-binary.tar.gz"
ARCHIVE_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
ARCHIVE_SIZE = 170_052_171
URLS = ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",)

# Each batch of RECORDS records, as it is in the archive.
CONTENT = {
    "data_batch_1": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
    "data_batch_2": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
    "data_batch_3": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
    "data_batch_4": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
    "data_batch_5": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
    "test_batch": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
}
# The same, compressed by xz with delta filters, and their sizes: the form in the data pack.
XZ = {
    "data_batch_1": ("89750d386bbe9aeafc49b7afe5a00e9d56eea88fc9ef3c2206893d1b2cdb2a98", 20413948),
    "data_batch_2": ("54936cc6ad155efb02fab6fb342ede34e21079a03cf63556054c334c401977c8", 20458936),
    "data_batch_3": ("007dfaeeab0c4aa4083aefe9b1e0f2b6fa37d64fc9528d44fdb95bc54b2fe27e", 20449260),
    "data_batch_4": ("de5d640e143ec3d90d11e5a6631eba4990b812b4ce91d3f3b0fbff0083cd6b66", 20434920),
    "data_batch_5": ("42d8d0615b025e557b5b2510f9251ace98bb65f55dc68f71def13a1a503e9f19", 20390656),
    "test_batch": ("3ae0430e69e3952d2805d2ff9d3640162dad7efe8ccc2404eeabd9c7ce0fec97", 20432704),
}


@dataclass(frozen=True)
class Cifar10:
    """The verified files of CIFAR-10, read batch by batch when asked for.

    Attributes:
        files: the file that holds each batch; the archive holds all of them.
    """

    files: dict[str, Path]

    def split(self, batches: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Images (N, 32, 32, 3) uint8 and labels (N,) int32 of some batches, in their order."""
        images = np.empty((len(batches) * RECORDS, 32, 32, 3), np.uint8)
        labels = np.empty(len(images), np.int32)
        for i, batch in enumerate(batches):
            rows = slice(i * RECORDS, (i + 1) * RECORDS)
            records = np.frombuffer(_content(batch, self.files[batch]), np.uint8)
            records = records.reshape(RECORDS, RECORD)
            labels[rows] = records[:, 0]
            planes = records[:, 1:].reshape(-1, 3, 32, 32)
            # Four times as fast as a transpose, which walks the planes pixel by pixel.
            np.stack(list(planes.swapaxes(0, 1)), axis=-1, out=images[rows])
        return images, labels


def locate() -> Cifar10:
    """Find and verify the files, and download the archive where there are none.

    Raises:
        InputError: a file is damaged, or nothing is there and the download failed.
    """
    if find(ARCHIVE) is None:
        if any(find(f"cifar10/{batch}.bin.xz") for batch in XZ):
            packed = {b: fetch(f"cifar10/{b}.bin.xz", c, size=n) for b, (c, n) in XZ.items()}
            return Cifar10(packed)
        if any(find(f"cifar10/{batch}.bin") for batch in CONTENT):
            size = RECORDS * RECORD
            plain = {b: fetch(f"cifar10/{b}.bin", c, size=size) for b, c in CONTENT.items()}
            return Cifar10(plain)
    path = fetch(ARCHIVE, ARCHIVE_SHA256, URLS, size=ARCHIVE_SIZE)
    return Cifar10(dict.fromkeys(CONTENT, path))


def _content(batch: str, path: Path) -> bytes:
    """The records of one batch; unpacked ones stay in the cache, as unpacking takes seconds."""
    if path.suffix == ".bin":
        return path.read_bytes()
    kept = _kept(batch)
    if kept.is_file():
        content = kept.read_bytes()
        if hashlib.sha256(content).hexdigest() == CONTENT[batch]:
            return content
    return (_from_xz if path.suffix == ".xz" else _from_archive)(batch, path)


def _from_xz(batch: str, path: Path) -> bytes:
    content = lzma.decompress(path.read_bytes())
    _keep(batch, content)
    return content


def _from_archive(batch: str, path: Path) -> bytes:
    """One batch, and all of them kept: a gzip stream can only be read from its start."""
    unpacked = {}
    with tarfile.open(path, "r|gz") as archive:
        for member in archive:
            name = Path(member.name).stem
            stream = archive.extractfile(member) if name in CONTENT else None
            if stream is not None:
                unpacked[name] = stream.read()
                _keep(name, unpacked[name])
    return unpacked[batch]


def _kept(batch: str) -> Path:
    return cache_dir() / "unpacked" / f"{CONTENT[batch]}.bin"


def _keep(batch: str, content: bytes) -> None:
    """Write to a name of its own, then rename: a reader sees nothing or the whole."""
    target = _kept(batch)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(content)
        part.replace(target)
    except OSError as error:
        log.warning("%s is not kept in the cache: %s", batch, error.strerror)
