"""Which tests are `fast`: those that reach neither a process, nor the data pack, nor a network, nor a training.

It is read from the code: from a test's function over the fixtures, functions and constants of the tests that it
names, to the modules that those names are imported from. What that overlooks, an audit hook finds: a fast test that
starts a process, connects to anything or opens a file of the data pack fails there.
"""

import ast
import os
import sys
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from checkout import ROOT

# A process or a network; a program that starts some; training, whole methods and reports; configs that are composed;
# what JAX compiles anew for each test.
SLOW_MODULES = (
    "bench.__main__",
    "bench.attacks",
    "bench.datasets.download",
    "bench.records.environment",
    "bench.replay",
    "bench.report.__main__",
    "bench.report.figures",
    "bench.report.write",
    "bench.runs",
    "bench.scenarios",
    "bench.sweep",
    "bench.tracking",
    "bench.training",
    "foolbox",
    "http",
    "hydra",
    "jax",
    "keras",
    "keras_oracle",
    "multiprocessing",
    "onnxruntime",
    "optax",
    "repair.weights.methods",
    "repair.weights.network.residual",
    "repair.weights.ranking",
    "repair.weights.tangent",
    "socket",
    "subprocess",
    "wandb",
)
SLOW_FIXTURES = ("data_pack", "nothing_at_hand")
PACK = Path(os.environ.get("BENCH_DATA") or ROOT.parent / "shared" / "data").resolve()


@cache
def _definitions(path: Path) -> dict[str, set[str]]:
    """Name that a file defines -> the names said there; of an imported one, where it is from, as `module.name:`."""
    if not path.is_file():
        return {}
    found: dict[str, set[str]] = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = set(_said(node))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for name, module in _imported(node):
                found[name] = {module}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        found[name.id] = set(_said(node))
    return found


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    for alias in node.names:
        name = alias.asname or alias.name.partition(".")[0]
        inside = isinstance(node, ast.ImportFrom)
        yield name, f"{node.module}.{alias.name}:" if inside else f"{alias.name}:"


def _said(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.arg):  # a fixture
            yield inner.arg
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            yield from (module for _, module in _imported(inner))
        elif isinstance(inner, ast.Call) and ast.unparse(inner.func) == "pytest.importorskip":
            yield f"{ast.literal_eval(inner.args[0])}:"
        elif isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            yield f"{inner.value.id}.{inner.attr}"


def reached(path: Path, name: str, fixtures: list[str]) -> set[str]:
    """Modules (`module.name:`) and names of the tests that a test reaches.

    Args:
        path: file of the test.
        name: of its function.
        fixtures: further names that it uses.
    """
    files = [path, *(folder / "conftest.py" for folder in path.parents)]
    seen: set[str] = set()
    waiting = [name, *fixtures]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        package, _, attribute = name.partition(".")
        if name.endswith(":"):  # a module: what it does itself is not looked at
            continue
        means = next((d[package] for d in map(_definitions, files) if package in d), set())
        modules = [m for m in means if m.endswith(":")] if attribute else []
        waiting += [f"{m[:-1]}.{attribute}:" for m in modules] or means
    return seen


def is_fast(path: Path, name: str, fixtures: list[str]) -> bool:
    """Whether a test reaches nothing slow."""
    seen = reached(path, name, fixtures)
    modules = [m for m in seen if m.endswith(":")]
    slow = any(f"{m[:-1]}.".startswith(f"{slow}.") for m in modules for slow in SLOW_MODULES)
    return not slow and not seen & set(SLOW_FIXTURES)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks the fast tests."""
    if not isinstance(item, pytest.Function) or item.get_closest_marker("long"):
        return
    if is_fast(item.path, item.originalname, item.fixturenames):
        item.add_marker("fast")


FORBIDDEN = (
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
)
_guarded: set[int] | None = None  # threads of others while a fast test runs; None: none runs
_done: list[str] = []


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _guarded is None or threading.get_ident() in _guarded:
        return
    if event == "open" and isinstance(arguments[0], str | bytes):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if not path.startswith(os.path.join(PACK, "")):
            return
        said = f"opened {path}"
    elif event in FORBIDDEN:
        said = f"did {event}{arguments[:1]}"
    else:
        return
    _done.append(said)
    raise AssertionError(f"A test that is marked fast {said}: see {__name__}.py.")


sys.addaudithook(_audit)  # there is no way to take it off again


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[object]:
    """Watches a fast test, from its first fixture to its last."""
    global _guarded
    if item.get_closest_marker("fast"):
        mine = threading.get_ident()
        _guarded = {thread.ident for thread in threading.enumerate() if thread.ident != mine}
        _done.clear()
    try:
        return (yield)
    finally:
        _guarded = None


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Fails a fast test whose code caught the error of the audit hook and went on."""
    if _guarded is not None:
        assert not _done, f"A test that is marked fast {_done[0]}: see {__name__}.py."
