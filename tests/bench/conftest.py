"""Records as a run would make them, sweeps as a person would start them, and one repair with what it says."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from checkout import TESTS
from filelock import FileLock
from waiting import until

from bench import __main__ as command
from bench.records import store
from bench.records.record import Accuracy, Combination, Record, before_and_after, config_hash

sys.path.append(str(Path(__file__).parent))  # what tests share lies beside them
SHARED = os.pathsep.join([str(Path(__file__).parent), str(TESTS)])  # for processes that tests start


def make_record(
    scenario: str = "poison_mnist",
    *,
    exp: str = "ExpC",
    layer: str = "last",
    method: str = "nnrepair",
    seed: int = 0,
    status: str = "ok",
    clean: int = 9552,
    defect: int = 5594,
    **changes: Any,
) -> Record:
    """A record as `bench.runs.run` writes it; `clean` and `defect` are those of CONF, of 10000."""
    passing = {"ExpA": 0, "ExpB": 10, "ExpC": 50, "ExpD": 100}[exp]
    config = {"scenario": scenario, "method": method, "passing_tests": passing, "layers": layer}
    done = status == "ok"
    conf = Combination(Accuracy(clean, 10000), Accuracy(defect, 10000))
    votes = Combination(Accuracy(clean - 12, 10000), Accuracy(defect + 30, 10000))
    fields: dict[str, Any] = {
        "experiment": scenario,
        "scenario": scenario,
        "method": method,
        "seed": seed,
        "status": status,
        "reason": None if done else "the solver reached its time limit of 5 s",
        "config_hash": config_hash(config),
        "metrics": before_and_after(
            Accuracy(9863, 10000),
            conf.clean if done else None,
            Accuracy(1038, 10000),
            conf.defect if done else None,
            **({"efficacy": 0.9} if done else {}),
        ),
        "chosen": "CONF" if done else None,
        "combinations": {"CONF": conf, "VOTES": votes} if done else {},
        "patch": {"layers": ["dense_2"], "weights_changed": 50, "l1": 9.5, "linf": 0.5}
        if done
        else None,
        "solver": {"name": "highs", "status": "optimal", "objective": 3.0, "bound": 3.0},
        "seconds": {"total": 12.5, "solve": 3.25},
        "environment": {
            "code_version": "abc",
            "python": "3.11.7",
            "jax": "0.10.2",
            "device": "cpu: 1 x cpu",
        },
        "details": {"layer": layer, "passing_tests": passing, "exp": exp},
    }
    return Record(**{**fields, **changes})


@pytest.fixture(scope="session")
def record_of() -> Callable[..., Record]:
    return make_record


@pytest.fixture(scope="session")
def small_repairs() -> list[str]:
    """Two real repairs for each seed, as small as they get; the clock decides nothing in them."""
    return [
        "+experiment=quickstart",
        "method=nnrepair",
        "method.passing_tests=0,10",
        "method.full=false",
        "method.k=3",
        "scenario.network.epochs=2",
        "repair_images=100",
        "validation_images=50",
        "wandb.mode=disabled",
    ]


@pytest.fixture(scope="session")
def undisturbed(small_repairs, tmp_path_factory) -> Path:
    """The results of `small_repairs` for four seeds, by a sweep that nothing disturbs; one for all pytest processes."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder /= "undisturbed"
    folder.mkdir(exist_ok=True)
    arguments = [*small_repairs, "seed=range(4)", f"results_dir={folder / 'runs'}"]
    command = [sys.executable, "-m", "bench", "-m", *arguments]
    with FileLock(folder / "lock"):
        if not (folder / "done").exists():
            subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=300)
            (folder / "done").touch()
    return folder / "runs"


@pytest.fixture
def start_sweep(tmp_path):
    """Starts `python -m bench -m ...` in an empty folder, first of its process group; none outlives the test."""
    started = []

    def start(*arguments: str) -> subprocess.Popen:
        # Whoever runs the tests in the background of a script has Ctrl-C ignored, and children inherit that.
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(
            [sys.executable, "-m", "bench", "-m", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": SHARED},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        signal.signal(signal.SIGINT, handler)
        started.append(process)
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()


@pytest.fixture
def begun():
    """Waits until a number of a sweep's runs have begun, or have left the file `name`."""

    def wait(process: subprocess.Popen, folder: Path, number: int, name: str = ".lock") -> None:
        def enough() -> bool:
            assert process.poll() is None, process.stderr.read()
            return len(list(folder.rglob(name))) >= number

        until(enough)

    return wait


@pytest.fixture
def timeless_records():
    """The records below a folder by the place of their runs, without times and the details of the host."""

    def timeless(value: Any) -> Any:
        if isinstance(value, list):
            return [timeless(item) for item in value]
        if isinstance(value, dict):
            return {key: timeless(item) for key, item in value.items() if key != "seconds"}
        return value

    def read(folder: Path) -> dict[Path, Any]:
        raw = {
            run.folder.relative_to(folder): json.loads((run.folder / store.RECORD).read_text())
            for run in store.contents(folder).runs
        }
        return {path: {**timeless(record), "environment": None} for path, record in raw.items()}

    return read


@pytest.fixture
def repair(monkeypatch, capfd, small_repairs, tmp_path):
    """One small repair by `python -m bench`, in this process: exit code, results folder."""
    monkeypatch.chdir(tmp_path)
    settings = [text for text in small_repairs if not text.startswith(("wandb.", "method.pass"))]

    def call(*arguments: str, results: str = "runs") -> tuple[int, Path]:
        folder = tmp_path / results
        given = [*settings, "method.passing_tests=0", *arguments, f"results_dir={folder}"]
        monkeypatch.setattr(sys, "argv", ["bench", *given])
        code = command.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return code, folder

    return call


@pytest.fixture(scope="session")
def untracked_records() -> dict:
    """The record of that repair without a tracker, once it is known."""
    return {}


@pytest.fixture
def as_without(repair, untracked_records, timeless_records):
    """Compares the records below a folder with that of the same repair without a tracker."""

    def compare(folder: Path) -> None:
        if not untracked_records:
            code, untracked = repair("wandb.mode=disabled", results="untracked")
            assert code == 0
            untracked_records.update(timeless_records(untracked))
        assert len(untracked_records) == 1
        assert timeless_records(folder) == untracked_records

    return compare


@pytest.fixture
def told(caplog) -> Callable[[], list[str]]:
    """What a person was told of a tracker; W&B's own log goes to its files alone."""

    def warnings() -> list[str]:
        return [
            record.getMessage()
            for record in caplog.records
            if record.levelno >= logging.WARNING and record.name.startswith("bench")
        ]

    return warnings
