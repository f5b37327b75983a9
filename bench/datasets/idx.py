"""IDX, the format of MNIST: a magic number, the dimensions, then the bytes."""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np

from repair.errors import InputError

UNSIGNED_BYTE = 0x08


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Read a gzip-compressed IDX file of unsigned bytes.

    Args:
        path: the file.
        dimensions: how many the content must have: 3 for images, 1 for labels.

    Returns:
        A uint8 array of the shape that the file states.

    Raises:
        InputError: the compression or the content is damaged, or it is another kind of file.
    """
    try:
        content = gzip.decompress(path.read_bytes())
    except EOFError as error:
        raise InputError(f"{path} is truncated: its gzip stream ends early.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path} is not a whole gzip file: {error}.") from error
    return parse_idx(content, dimensions, str(path))


def parse_idx(content: bytes, dimensions: int, name: str) -> np.ndarray:
    """The array in uncompressed IDX bytes; see `read_idx`. `name` stands in messages."""
    magic, expected = int.from_bytes(content[:4]), UNSIGNED_BYTE << 8 | dimensions
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise InputError(f"{name} is truncated: {len(content)} bytes, its head alone has {start}.")
    if magic != expected:
        raise InputError(
            f"{name} is not the expected IDX file: its magic number is {magic}, "
            f"expected {expected} ({dimensions} dimensions of unsigned bytes)."
        )
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", dimensions, offset=4))
    given = len(content) - start
    if given != prod(shape):
        raise InputError(
            f"{name} {'is truncated' if given < prod(shape) else 'is too long'}: it states "
            f"{' x '.join(map(str, shape))} = {prod(shape):,} bytes and has {given:,}."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
