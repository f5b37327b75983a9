"""How a command ends: its own code, or one sentence and 70 for a fault that is not the input's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from repair.architecture import __main__ as architecture
from repair.command import ended


def raising(error: BaseException) -> int:
    raise error


def test_a_command_that_knows_how_it_ends_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert [ended(lambda code=code: code) for code in (0, 1, 2, 3)] == [0, 1, 2, 3]  # type: ignore[misc]
    with pytest.raises(SystemExit) as stop:
        ended(lambda: raising(SystemExit(2)))
    assert stop.value.code == 2
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "error",
    [
        AttributeError("'Name' object has no attribute 'lineno'"),
        RecursionError("x\n" * 999),
        MemoryError(),
        KeyError("a"),
        ValueError("\ud800"),
    ],
)
def test_an_internal_error_is_one_sentence_and_code_70(
    error: Exception, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPAIR_TRACEBACK", raising=False)
    assert ended(lambda: raising(error)) == 70
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert len(printed.err) < 500
    assert type(error).__name__ in printed.err
    assert "fault of this program" in printed.err
    monkeypatch.setenv("REPAIR_TRACEBACK", "1")
    assert ended(lambda: raising(error)) == 70
    assert "Traceback (most recent call last)" in capfd.readouterr().err


def test_being_stopped_is_no_internal_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(lambda: raising(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_the_architecture_command_never_says_repaired_for_a_fault_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(architecture, "answer", lambda *_, **__: raising(LookupError("deep")))
    assert architecture.main(["net.py"]) == 70
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "LookupError: deep" in printed.err


@pytest.mark.parametrize(("layer", "expected"), [("Dense", 0), ("LSTM", 1)])
@pytest.mark.parametrize("option", [(), ("--json",)])
def test_an_answer_that_nobody_reads_has_the_exit_code_of_the_answer(
    layer: str, expected: int, option: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "model.py"
    path.write_text(
        f"import keras\nmodel = keras.Sequential([keras.Input((4,)), keras.layers.{layer}(3)])\n"
    )
    read, write = os.pipe()
    os.close(read)  # as head does, only earlier
    try:
        done = subprocess.run(
            [sys.executable, "-m", "repair.architecture", path, *option],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (expected, "")
