"""Runs all properties of the tests with fresh seeds and many examples, round after round, until the minutes are over.

    python scripts/fuzz.py --minutes 60
    python scripts/fuzz.py --seed 1234 --rounds 1 tests/repair/architecture    one round again, of some tests

A property is a test with `hypothesis.given`; nothing has to be registered. Each round is a pytest of its own, so that
memory which a round leaves behind is not the next one's. Round n has the seed SEED + n and is the same whenever it is
run again on the same code. The last line says what was done and the largest memory of a process.

Exit code: 0; 1 if a property failed; 2 if no test is a property.
"""

import argparse
import json
import os
import resource
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings

HERE = Path(__file__)
REPORT, EXAMPLES, DEADLINE = "FUZZ_REPORT", "FUZZ_EXAMPLES", "FUZZ_DEADLINE"
GRACE = 60.0  # seconds that a property which is being tried has longer than the minutes
NO_TESTS = 5  # pytest's exit code


# What pytest does with this file as its plugin: the properties alone, with many examples.


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps the properties alone; the examples of each are as many as asked for, and new ones."""
    properties = [item for item in items if is_hypothesis_test(getattr(item, "obj", None))]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(properties)])
    items[:] = properties
    for item in properties:
        test: Any = getattr(item, "obj")  # noqa: B009  pytest.Item itself has none
        # The name by which Hypothesis's own plugin for pytest reads them; a second @settings is an error.
        test._hypothesis_internal_use_settings = settings(
            test._hypothesis_internal_use_settings,
            max_examples=int(os.environ[EXAMPLES]),
            derandomize=False,
            database=None,
            deadline=None,
        )


def pytest_runtest_setup() -> None:
    """Begins no property after the last minute."""
    if time.time() > float(os.environ[DEADLINE]):
        pytest.skip("the minutes are over")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Notes each property as it ends: a round may be cut short."""
    if report.skipped or (report.when != "call" and report.passed):
        return
    text = "\n".join([report.longreprtext, *(said for _, said in report.sections)])
    ended = {"test": report.nodeid, "failed": report.failed, "text": text}
    with Path(os.environ[REPORT]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(ended) + "\n")


# The command.


def run_round(
    seed: int, examples: int, deadline: float, paths: Sequence[str]
) -> tuple[int, list[dict[str, Any]]]:
    """One round: pytest's exit code, and the properties that ended, each with `test`, `failed` and `text`.

    Args:
        seed: of all examples.
        examples: of each property.
        deadline: when the round is cut short, GRACE later, in seconds since 1970.
        paths: files, folders or ids of tests.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        report = Path(folder) / "report"
        path = os.pathsep.join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
        asked = {REPORT: str(report), EXAMPLES: str(examples), DEADLINE: str(deadline)}
        command = [sys.executable, "-m", "pytest", "-q", "-p", HERE.stem, "-p", "no:cacheprovider"]
        process = subprocess.Popen(
            [*command, f"--basetemp={folder}/tests", f"--hypothesis-seed={seed}", *paths],
            env={**os.environ, "PYTHONPATH": path, **asked},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        try:
            said, _ = process.communicate(timeout=max(deadline - time.time(), 0) + GRACE)
        except subprocess.TimeoutExpired:
            said = ""
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
    ended = [json.loads(line) for line in lines]
    if process.returncode not in (0, NO_TESTS, -signal.SIGKILL) and not any(
        e["failed"] for e in ended
    ):
        # It failed before a test began, as at an import: that is not "no failure".
        ended.append({"test": " ".join(paths), "failed": True, "text": said})
    return process.returncode, ended


def peak_memory() -> float:
    """Largest memory of a process that was started here and has ended, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 2**20


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, help="of the first round (default: a new one)")
    parser.add_argument(
        "--examples", type=int, default=1000, help="of each property in a round (default: 1000)"
    )
    parser.add_argument(
        "--rounds", type=int, help="at most so many (default: until the minutes are over)"
    )
    parser.add_argument("paths", nargs="*", default=["tests"], help="tests (default: all)")
    given = parser.parse_args(arguments)
    if (
        not given.minutes > 0
        or given.examples < 1
        or (given.rounds is not None and given.rounds < 1)
    ):
        parser.error("minutes, examples and rounds are above 0")
    first = secrets.randbelow(2**31) if given.seed is None else given.seed
    deadline = time.time() + 60 * given.minutes
    number, tried, failed = 0, 0, 0
    while time.time() < deadline and number != given.rounds:
        seed = first + number
        print(f"round {number + 1}: seed {seed}, {given.examples} examples a property", flush=True)
        code, ended = run_round(seed, given.examples, deadline, given.paths)
        if code == NO_TESTS and not ended:
            print(f"No property among {' '.join(given.paths)}.", file=sys.stderr)
            return 2
        number, tried = number + 1, tried + len(ended)
        for test in (e for e in ended if e["failed"]):
            failed += 1
            again = (
                f"--seed {seed} --examples {given.examples} --rounds 1 {shlex.quote(test['test'])}"
            )
            print(
                f"{test['text']}\nfailed: {test['test']}\nagain:  python scripts/fuzz.py {again}",
                flush=True,
            )
    print(
        f"{number} rounds from seed {first}: {tried} properties tried, {failed} failed;"
        f" largest memory of a process: {peak_memory():.0f} MiB"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
