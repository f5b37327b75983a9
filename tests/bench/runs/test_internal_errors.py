"""Every command of the harness says a fault of its own in one sentence, with exit code 70."""

import importlib

import pytest


@pytest.mark.parametrize(
    ("command", "part", "words"),
    [
        ("bench", "register", ["+experiment=quickstart"]),
        ("bench.sweep", "planned", ["estimate", "+experiment=quickstart"]),
        ("bench.report", "collect", []),
    ],
)
def test_a_fault_is_one_sentence(
    command: str,
    part: str,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def broken(*_: object) -> None:
        raise AssertionError("a part is broken")

    module = importlib.import_module(f"{command}.__main__")
    monkeypatch.setattr(module, part, broken)
    monkeypatch.setattr("sys.argv", [command, *words])
    monkeypatch.delenv("REPAIR_TRACEBACK", raising=False)
    assert module.main() == 70
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "AssertionError: a part is broken" in printed.err
