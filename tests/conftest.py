"""What every test stands on: strict arrays, no network, and the data pack where there is one."""

import ctypes
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

# Before anything imports JAX or W&B, and for the subprocesses of tests too. A proxy that nothing
# listens on refuses every connection at once, so that no test can depend on a network.
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"
os.environ["JAX_NUMPY_DTYPE_PROMOTION"] = "strict"
os.environ.setdefault("MPLBACKEND", "agg")
# Several processes of tests share the cores: a BLAS with threads of its own waits for them in busy loops. Small fits
# took ten times as long, most of it in the kernel's scheduler.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
for _name in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ[_name] = os.environ[_name.upper()] = "http://127.0.0.1:9"
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"
# What one process of the session compiled, no other compiles again: most of the time of small runs.
COMPILED = None
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    COMPILED = os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="compiled-")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "0"

import pytest
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

# How fast an example is drawn or tried is a matter of the machine; examples are as many everywhere.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# What tests share lies in this folder; pytest imports each test by its path.
sys.path.insert(0, str(Path(__file__).parent))

# Shapes and types of arrays, as the library's annotations state them, are checked in every test of this process.
CHECKED = (
    "repair.weights.certificate",
    "repair.weights.experts",
    "repair.weights.localization",
    "repair.weights.methods.exact",
    "repair.weights.methods.nnrepair",
    "repair.weights.network",
    "repair.weights.patch",
    "repair.weights.problem",
    "repair.weights.programs",
)
install_import_hook(CHECKED, "array_checks.check")

from checkout import ROOT
from fast import (  # noqa: F401  hooks, which pytest finds here
    pytest_itemcollected,
    pytest_runtest_protocol,
    pytest_runtest_teardown,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests first: none is left to one process while the others have nothing to do."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_unconfigure() -> None:
    """The folder goes with the process that made it, the first of the session."""
    if COMPILED is not None:
        shutil.rmtree(COMPILED, ignore_errors=True)


@pytest.fixture(scope="session")
def data_pack() -> Path:
    """The folder of the data pack, which `bench.datasets.dataset` reads too; skips where there is none."""
    named = os.environ.get("BENCH_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not (folder / "SHA256SUMS").is_file():
        pytest.skip("no data pack: BENCH_DATA is not set to one and ../shared/data does not exist")
    os.environ["BENCH_DATA"] = str(folder.resolve())
    return folder.resolve()


_watching: list[list[tuple[Path, bool]]] = []
CHANGES = ("os.link", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate")
INOTIFY_ALL = 0xFFF  # opened, read, changed, moved, removed


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if (
        not _watching
        or event not in ("open", *CHANGES)
        or not isinstance(arguments[0], str | bytes)
    ):
        return
    path = Path(os.path.abspath(os.fsdecode(arguments[0])))
    flags = arguments[2] if event == "open" else os.O_WRONLY
    changes = isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
    _watching[-1].append((path, changes))


sys.addaudithook(_audit)  # there is no way to take it off again


@contextmanager
def _watched() -> Iterator[list[tuple[Path, bool]]]:
    _watching.append([])
    try:
        yield _watching[-1]
    finally:
        _watching.pop()


@contextmanager
def _only(
    *, read: Sequence[Path] = (), written: Sequence[Path] = (), untouched: Path
) -> Iterator[None]:
    kernel = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    handle = kernel.inotify_init1(os.O_NONBLOCK) if kernel else -1
    if kernel:
        watch = kernel.inotify_add_watch(handle, os.fsencode(untouched), INOTIFY_ALL)
        assert watch >= 0, os.strerror(ctypes.get_errno())
    try:
        with _watched() as opened:
            yield
    finally:
        try:
            events = os.read(handle, 1 << 16) if kernel else b""
        except BlockingIOError:
            events = b""
        if kernel:
            os.close(handle)
    assert not events, f"{untouched} was touched"
    code = [Path(folder) for folder in (*sys.path, sys.prefix, sys.base_prefix) if folder]
    compiled = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
    for path, changes in opened:
        if any(path.is_relative_to(folder) for folder in (*written, compiled)):
            continue
        imported = any(path.is_relative_to(folder) for folder in code)
        if not (imported and (not changes or path.parent.name == "__pycache__")):
            assert path in read, f"{path} was opened"
            assert not changes, f"{path} was changed"


@pytest.fixture(scope="session")
def watched() -> Callable[[], AbstractContextManager[list[tuple[Path, bool]]]]:
    """The files that Python opens in a block of code, in order, and whether to change them."""
    return _watched


@pytest.fixture(scope="session")
def only() -> Callable[..., AbstractContextManager[None]]:
    """What makes sure that a block of code opens no other files than these.

    with only(read=[FILE, ...], written=[FOLDER, ...], untouched=FOLDER):
        ...

    Python's audit hook sees what Python opens and where; files that a library in C opens, it does not see, so the
    kernel (inotify, on Linux) watches the folder `untouched` as well.
    """
    return _only
