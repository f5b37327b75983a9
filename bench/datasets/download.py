"""Downloads that survive cuts: resumed, verified by SHA-256, renamed into place, made once."""

import hashlib
import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from urllib3.exceptions import HTTPError

from repair.errors import InputError

log = logging.getLogger(__name__)

CONNECT_SECONDS = 6.0
# A server that sends nothing for so long is given up.
SILENCE_SECONDS = 30.0
CHUNK = 1 << 18
# Continuations of a transfer that was cut, for each address.
RESUMES = 3


class _FailedError(Exception):
    """Why one address did not give the file."""


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def download(urls: Sequence[str], target: Path, *, digest: str, size: int | None = None) -> Path:
    """Get one file from the first of several addresses that gives its exact content.

    The transfer goes to a file beside the target, which a later call continues; the target
    appears only whole and verified. Processes that want the same target wait for one of them.

    Args:
        urls: the mirrors of the file, in the order to try them.
        target: the path that the file shall have.
        digest: the SHA-256 of the file, as hexadecimal digits.
        size: the length of the file in bytes, where known; a server that sends more is cut off.

    Returns:
        `target`.

    Raises:
        InputError: no address gave the file (each with its reason), or it cannot be stored.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            return _from_any(urls, target, digest, size)
    except OSError as error:
        need = f"{size:,} bytes" if size else "room"
        raise InputError(
            f"cannot store the download {target}: {error.strerror or error}. "
            f"It needs {need} in a folder that can be written."
        ) from error


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """The lock of one target; says so when another process holds it."""
    lock = FileLock(target.with_name(target.name + ".lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{target.name}: another process is downloading it; waiting", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _from_any(urls: Sequence[str], target: Path, digest: str, size: int | None) -> Path:
    if target.is_file():
        if sha256(target) == digest:
            return target
        log.warning("%s does not have its checksum; it is downloaded again", target)
    part = target.with_name(target.name + ".part")
    reasons = []
    for url in urls:
        try:
            _from_one(url, part, digest, size)
        except _FailedError as failure:
            reasons.append(f"{url}: {failure}")
        else:
            part.replace(target)
            return target
    raise InputError(f"cannot download {target.name}. Tried {'; '.join(reasons) or 'no address'}.")


def _from_one(url: str, part: Path, digest: str, size: int | None) -> None:
    """Bring `part` to its whole and right content from one address."""
    for attempt in range(1 + RESUMES):
        before = _length(part)
        if not (before and sha256(part) == digest):
            try:
                _transfer(url, part, before, size)
            except _FailedError:
                if _length(part) == before or attempt == RESUMES:
                    raise
                time.sleep(0.2 * 2**attempt)
                continue
        actual = sha256(part)
        if actual == digest:
            return
        part.unlink()
        if not before:
            raise _FailedError(f"wrong checksum {actual}, expected {digest}")
        # What was there before may have been at fault: once more, from the start.
    raise _FailedError("wrong checksum each time")


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _transfer(url: str, part: Path, present: int, size: int | None) -> None:
    """One request: append what is missing to `part`, or write it anew if Range is ignored."""
    # A .gz must arrive as it is; some servers call it an encoding and clients then unpack it.
    headers = {"Accept-Encoding": "identity"}
    if present:
        headers["Range"] = f"bytes={present}-"
    try:
        with requests.get(
            url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, SILENCE_SECONDS)
        ) as response:
            # The server's file ends before ours: start anew.
            if response.status_code == 416:
                part.unlink()
                raise _FailedError(f"the server has no bytes after {present:,}")
            response.raise_for_status()
            starts = response.headers.get("Content-Range", "").startswith(f"bytes {present}-")
            resumed = response.status_code == 206 and starts
            received = present if resumed else 0
            if size is None and "Content-Length" in response.headers:
                size = received + int(response.headers["Content-Length"])
            with part.open("ab" if resumed else "wb") as stream, _progress(part, size) as advance:
                advance(received)
                for chunk in response.raw.stream(CHUNK, decode_content=False):
                    received += len(chunk)
                    if size is not None and received > size:
                        stream.truncate(0)
                        raise _FailedError(f"more than the expected {size:,} bytes")
                    stream.write(chunk)
                    advance(len(chunk))
    except (requests.RequestException, HTTPError) as error:
        raise _FailedError(_reason(error)) from error
    if size is not None and received < size:
        raise _FailedError(f"ended after {received:,} of {size:,} bytes")


def _reason(error: Exception) -> str:
    """A network error in a few words, without the client's inner object names."""
    if isinstance(error, requests.HTTPError):
        return f"HTTP {error.response.status_code} {error.response.reason}"
    kinds = {
        requests.ConnectTimeout: f"no connection within {CONNECT_SECONDS:g} s",
        requests.exceptions.ProxyError: "the proxy refuses the connection",
        requests.exceptions.SSLError: "the certificate was not accepted",
        requests.Timeout: f"silent for {SILENCE_SECONDS:g} s",
        requests.ConnectionError: "no connection",
    }
    return next((text for kind, text in kinds.items() if isinstance(error, kind)), "was cut off")


@contextmanager
def _progress(part: Path, size: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal; elsewhere a plain line for each quarter."""
    name = part.name.removesuffix(".part")
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        with Progress(*columns, TransferSpeedColumn(), console=console, transient=True) as bar:
            task = bar.add_task(name, total=size)
            yield lambda count: bar.advance(task, count)
        return
    done, quarter = 0, 0

    def advance(count: int) -> None:
        nonlocal done, quarter
        done += count
        while size and quarter < 4 and done * 4 >= size * (quarter + 1):
            quarter += 1
            print(f"{name}: {25 * quarter}% of {size:,} bytes", file=sys.stderr, flush=True)

    yield advance
