"""Runs the command on the files of fuzz tests: it ends with an answer or with one message.

In a test run each property sees a few dozen files, always the same; `make fuzz` tries many, and new ones.
"""

from pathlib import Path

from hypothesis import HealthCheck, settings

from repair.architecture.answer import answer
from repair.architecture.definition import ReadOptions
from repair.architecture.rules import KERAS3, STRICT
from repair.errors import InputError

SLOW = settings(
    max_examples=25,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
PROGRAMS = sorted((Path(__file__).parent / "source" / "programs").glob("*.py"))
TEXTS = [path.read_text() for path in PROGRAMS]


def run(folder: Path, name: str, data: bytes, strict: bool = False) -> None:
    """The whole command but the printing; only an InputError may come out of it."""
    path = folder / name
    path.write_bytes(data)
    options = ReadOptions(STRICT if strict else KERAS3, ((8, 8, 3),))
    try:
        found = answer(path, options, alternatives=2, time_limit=1.0, write=True)
    except InputError as error:
        message = str(error)
    else:
        message = "no error"
    assert 0 < len(message) < 5000
    if message != "no error":
        return
    if found.written is not None and found.written == path:
        again = answer(path, options, alternatives=1, time_limit=1.0)
        assert again.exit_code == 0, f"{name}: written, but not valid: {path.read_bytes()!r}"
