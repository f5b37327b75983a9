"""Which finished run is found for which config: that of the same settings, and no other."""

import json
import math
import sys
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import store

# A run that trains nothing: it ends as if at a time limit, which is a record like any other.
QUICK = [
    "+experiment=quickstart",
    "scenario._target_=misbehaving.Misbehaves",
    "+scenario.how=late",
    "~scenario.network",
    "~scenario.attack",
    "~scenario.dataset",
    "wandb.mode=disabled",
]


@pytest.fixture
def bench(monkeypatch, capfd, tmp_path):
    """The command with arguments, in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(Path(__file__).parent)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench", *QUICK, *arguments])
        code = command.main()
        return code, *capfd.readouterr()

    return call


def strict(text):
    """JSON without the literals that are none."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_null_and_each_number_that_is_not_finite_are_runs_of_their_own(bench):
    bench("+scenario.anything=null")
    for number, value in enumerate(["nan", "inf", "-inf", "'nan'", "0", "0.0", "false"], 2):
        assert "finished before" not in bench(f"+scenario.anything={value}")[2]
        assert len(store.contents("results/runs").runs) == number
        assert "finished before" in bench(f"+scenario.anything={value}")[2]
    assert "finished before" in bench("+scenario.anything=null")[2]
    kept = [run.config()["scenario"]["anything"] for run in store.contents("results/runs").runs]
    floats = [value for value in kept if isinstance(value, float)]
    assert sorted(filter(math.isfinite, floats)) == [0.0]
    assert {math.inf, -math.inf} <= set(floats)
    assert len([value for value in floats if math.isnan(value)]) == 1
    for path in Path("results/runs").rglob(store.RECORD):
        strict(path.read_text(encoding="utf-8"))


def test_an_error_of_a_setting_without_sense_is_not_found_for_the_default(bench):
    code, _, err = bench("scenario.how=raises", "+scenario.anything=nan")
    assert "ZeroDivisionError" in err
    assert code == 1
    Path("mended").touch()
    code, _, err = bench("scenario.how=raises", "+scenario.anything=null")
    assert "finished before" not in err
    assert code == 0


def test_text_that_no_file_can_hold_is_refused_before_the_run(bench):
    code, out, err = bench("+scenario.anything='\udcff'")
    assert code == 2
    assert "setting scenario.anything: '\\udcff' is no Unicode text" in err
    assert "Traceback" not in out + err
    code, _, err = bench("results_dir='runs\udcff'")
    assert code == 2
    assert "setting results_dir" in err
