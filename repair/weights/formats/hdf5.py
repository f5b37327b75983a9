"""HDF5 files in memory, and only those that hold all that is theirs.

An HDF5 file can place its data in any other file of the machine (external storage, virtual data sets, links), which
the library then reads, and writes. So each object is looked at before any of them is read. The library gets bytes,
never a path: nothing on the disk is open while it works.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
from h5py import h5d, h5g, h5l, h5o, h5z

from repair.errors import InputError

# What h5py and the reading of a spoilt config raise.
MALFORMED = (
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)
LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "a link to another file"}
# Compression and the like that HDF5 and h5py have in them; for any other the library would load a plugin.
FILTERS = {
    h5z.FILTER_DEFLATE,
    h5z.FILTER_SHUFFLE,
    h5z.FILTER_FLETCHER32,
    h5z.FILTER_NBIT,
    h5z.FILTER_SCALEOFFSET,
    h5z.FILTER_LZF,
}
EXPECTED = (
    "Expected a file that holds all of its data itself; load the model where it was made, look at it, and save it"
    " again with model.save."
)


@contextmanager
def opened(path: Path, stream: io.BytesIO, mode: str = "r") -> Iterator[h5py.File]:
    """The HDF5 file in `stream`, for h5py's `mode`; once it is known that it has no part elsewhere.

    Args:
        path: where the bytes are from, for messages.
        stream: the file; with "r+" it is changed.
        mode: "r" or "r+".

    Raises:
        InputError: no HDF5 file, one with a part elsewhere, or what is read in it is malformed.
    """
    try:
        with h5py.File(stream, mode) as file:
            require_whole(file, path)
            yield file
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path} is not a readable HDF5 file: {error}.") from error
    except MALFORMED as error:
        raise InputError(f"{path} has a malformed model_config or weights: {error!r}.") from error


def require_whole(file: h5py.File, path: Path) -> None:
    """Look at every link and every data set of a file, and read none.

    Raises:
        InputError: a link that is not a hard one, or a data set whose data is in other files (external storage,
            virtual) or needs a plugin; named by its place.
    """
    root = h5g.open(file.id, b"/")
    groups, seen = [(b"", root)], {h5o.get_info(root).addr}
    while groups:
        above, group = groups.pop()
        for name in group:
            inside = above + b"/" + name
            where = f"{path}: {inside.decode(errors='replace')!r}"
            link = group.links.get_info(name)
            if link.type != h5l.TYPE_HARD:
                kind = LINKS.get(link.type, "a link of a user's own kind")
                raise InputError(f"{where} is {kind}{_target(group, name, link.type)}. {EXPECTED}")
            item = h5o.open(group, name)
            address = h5o.get_info(item).addr
            if address in seen:  # hard links may make circles
                continue
            seen.add(address)
            if isinstance(item, h5g.GroupID):
                groups.append((inside, item))
            elif isinstance(item, h5d.DatasetID):
                _require_inside(item, where)


def _target(group: h5g.GroupID, name: bytes, kind: int) -> str:
    """Where a link leads, in brackets, if that can be known."""
    if kind not in LINKS:
        return ""
    value = group.links.get_val(name)  # of a link to another file its path and the place there
    return (
        f" ({b':'.join(value if isinstance(value, tuple) else [value]).decode(errors='replace')})"
    )


def _require_inside(data: h5d.DatasetID, where: str) -> None:
    creation: Any = data.get_create_plist()
    if creation.get_external_count():
        other = creation.get_external(0)[0].decode(errors="replace")
        raise InputError(f"{where} keeps its data in another file, {other}. {EXPECTED}")
    if creation.get_layout() == h5d.VIRTUAL:
        raise InputError(f"{where} is a virtual data set, whose data is in other files. {EXPECTED}")
    filters = [creation.get_filter(place) for place in range(creation.get_nfilters())]
    foreign = [code for code, *_ in filters if code not in FILTERS]
    if foreign:
        raise InputError(f"{where} needs the HDF5 plugin of filter {foreign[0]}. {EXPECTED}")
