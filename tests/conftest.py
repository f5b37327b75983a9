"""What every test stands on: strict arrays, no network, and the data pack where there is one."""

import os
import shutil
import tempfile
from pathlib import Path

# Before anything imports JAX or W&B, and for the subprocesses of tests too. A proxy that nothing
# listens on refuses every connection at once, so that no test can depend on a network.
os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"
os.environ["JAX_NUMPY_DTYPE_PROMOTION"] = "strict"
os.environ.setdefault("MPLBACKEND", "agg")
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests first: none is left to one process while the others have nothing to do."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_unconfigure() -> None:
    """The folder goes with the process that made it, the first of the session."""
    if COMPILED is not None:
        shutil.rmtree(COMPILED, ignore_errors=True)


@pytest.fixture(scope="session")
def data_pack() -> Path:
    """The folder of the data pack, which `bench.data` reads too; skips where there is none."""
    named = os.environ.get("BENCH_DATA")
    folder = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"
    if not (folder / "SHA256SUMS").is_file():
        pytest.skip("no data pack: BENCH_DATA is not set to one and ../shared/data does not exist")
    os.environ["BENCH_DATA"] = str(folder.resolve())
    return folder.resolve()
