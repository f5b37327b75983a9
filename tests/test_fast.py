"""That tests marked `fast` are fast: what marks them, and what holds them to it."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import fast
import pytest
from checkout import TESTS

STARTS = """
import subprocess

COMMAND = ["true"]

@pytest.fixture
def started():
    return begin()

def begin():
    return subprocess.run(COMMAND)

def test_none(): pass
def test_by_fixture(started): pass
def test_by_function(): begin()
def test_by_import_inside():
    import socket
def test_by_constant(): return COMMAND
def test_by_skip():
    pytest.importorskip("keras.layers")
def test_pack(data_pack): pass
def test_attribute(): return np.zeros(3)
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test_none", True),
        ("test_by_fixture", False),
        ("test_by_function", False),
        ("test_by_import_inside", False),
        ("test_by_constant", True),
        ("test_by_skip", False),
        ("test_pack", False),
        ("test_attribute", True),
    ],
)
def test_what_a_test_reaches_says_whether_it_is_fast(tmp_path, name, expected):
    path = tmp_path / "test_it.py"
    path.write_text(f"import numpy as np\nimport pytest\n{STARTS}")
    assert fast.is_fast(path, name, []) == expected
    assert not fast.is_fast(path, name, ["started"])


def test_a_fixture_of_a_folder_above_is_followed(tmp_path):
    (tmp_path / "conftest.py").write_text(f"import pytest\n{STARTS}")
    (tmp_path / "inner").mkdir()
    path = tmp_path / "inner" / "test_it.py"
    path.write_text("def test_it(started): pass\n")
    assert not fast.is_fast(path, "test_it", ["started"])


def connects():
    with socket.socket() as one:
        one.connect(("127.0.0.1", 9))


@pytest.mark.parametrize(
    "act",
    [lambda: subprocess.Popen([sys.executable, "-V"]), lambda: os.system("true"), connects],
)
def test_the_audit_hook_stops_what_a_fast_test_must_not_do(act, monkeypatch):
    monkeypatch.setattr(fast, "_guarded", set())
    monkeypatch.setattr(fast, "_done", [])
    with pytest.raises(AssertionError, match="marked fast did"):
        act()
    assert len(fast._done) == 1


def test_the_audit_hook_knows_the_data_pack_alone(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(fast, "_guarded", set())
    monkeypatch.setattr(fast, "_done", [])
    (tmp_path / "file").read_bytes()
    monkeypatch.setattr(fast, "PACK", tmp_path)
    with pytest.raises(AssertionError, match="marked fast opened"):
        (tmp_path / "file").read_bytes()


def test_an_error_of_the_hook_that_is_caught_fails_the_test_all_the_same(tmp_path):
    for name in ("checkout.py", "fast.py"):
        shutil.copy(TESTS / name, tmp_path)
    hooks = "pytest_itemcollected, pytest_runtest_protocol, pytest_runtest_teardown"
    (tmp_path / "conftest.py").write_text(f"from fast import {hooks}\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = fast\n")
    (tmp_path / "test_it.py").write_text(
        "import os\n"
        "def test_hidden():\n"
        "    try:\n        os.system('true')\n    except AssertionError:\n        pass\n"
        "def test_honest(): pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-m", "fast", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, Path("test_it.py")], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "2 passed, 1 error" in done.stdout, done.stdout
