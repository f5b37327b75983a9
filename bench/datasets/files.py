"""Where data files lie: $BENCH_DATA, then data/, then the user's cache, filled by download."""

import os
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from bench.datasets.download import download, sha256
from repair.errors import InputError


def cache_dir() -> Path:
    """The user's cache folder of this program (on Linux below $XDG_CACHE_HOME)."""
    return platformdirs.user_cache_path("repairbench")


def find(path: str) -> Path | None:
    """The file `path`, such as "mnist/t10k-labels-idx1-ubyte.gz", in a folder that a person filled.

    Raises:
        InputError: $BENCH_DATA is set and is no folder.
    """
    named = os.environ.get("BENCH_DATA")
    if named and not Path(named).is_dir():
        raise InputError(
            f"BENCH_DATA is {named!r}, which is not a folder. "
            "Set it to the folder that holds mnist/, cifar10/, ... or unset it."
        )
    folders = ([Path(named)] if named else []) + [Path("data")]
    return next((folder / path for folder in folders if (folder / path).is_file()), None)


def checked(path: Path, digest: str, size: int | None = None) -> Path:
    """`path` itself, once its content has the SHA-256 `digest`.

    Raises:
        InputError: it has not, or cannot be read; a truncated file is told from a changed one.
    """
    try:
        actual = sha256(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    if actual == digest:
        return path
    length = path.stat().st_size
    how = f"{path} has a wrong checksum: SHA-256 {actual}, expected {digest}."
    if size is not None and length < size:
        how = f"{path} is truncated: {length:,} of {size:,} bytes."
    elif size is not None and length > size:
        how = f"{path} is too long: {length:,} bytes, expected {size:,}."
    raise InputError(f"{how} Get it again, or remove it to have it downloaded.")


def fetch(path: str, digest: str, urls: Sequence[str] = (), *, size: int | None = None) -> Path:
    """One verified file: from $BENCH_DATA or data/ if it is there, else from the cache or the net.

    Args:
        path: the path of the file in the layout of the data folder, with "/", such as
            "nnrepair/models/mnist0_adv.h5"; the cache has the same layout.
        digest: the SHA-256 of the file, as hexadecimal digits; verified on every call.
        urls: the mirrors to download it from, in the order to try them.
        size: the length of the file in bytes, where known: for better messages and a bounded download.

    Raises:
        InputError: a file is there and is not the expected one, or there is none and no mirror
            gave it; the message says where it was looked for and how to provide it.
    """
    present = find(path)
    if present is not None:
        return checked(present, digest, size)
    named = os.environ.get("BENCH_DATA")
    where = (
        f"Looked in {f'BENCH_DATA ({named})' if named else 'BENCH_DATA (not set)'}, "
        f"{Path('data').absolute()} and {cache_dir()}. Without a network, put the file at "
        f"{path} in a folder and set BENCH_DATA to that folder."
    )
    target = cache_dir() / path
    if target.is_file() and sha256(target) == digest:
        # Without a lock: the cache may be one that others share for reading.
        return target
    if not urls:
        raise InputError(f"{path} is missing, and there is no address to get it from. {where}")
    try:
        return download(urls, target, digest=digest, size=size)
    except InputError as error:
        raise InputError(f"{path} is missing: {error} {where}") from error
