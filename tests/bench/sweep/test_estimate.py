"""`python -m bench.sweep estimate`: counts, times and memory from records."""

import sys

import pytest

from bench.records import store
from bench.sweep.__main__ import main, planned
from bench.sweep.estimate import Expected, total


@pytest.fixture
def estimate(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench.sweep", "estimate", *arguments])
        code = main()
        return code, *capsys.readouterr()

    return call


def keep(record, folder="results/runs", config=None):
    place = store.run_folder(folder, record.experiment, record.config_hash, record.seed)
    store.save(place, record, config or {})


def test_medians_and_peaks_of_the_runs_most_alike(estimate, record_of):
    for seed, seconds, peak in [(0, 10.0, 500), (1, 90.0, 700), (2, 30.0, 600)]:
        keep(
            record_of(
                experiment="quickstart",
                scenario="digits_backdoor",
                seed=seed,
                seconds={"total": seconds},
                environment={**record_of().environment, "peak_memory_mb": peak},
            )
        )
    failed = record_of(experiment="quickstart", seed=3, status="error", seconds={"total": 1e6})
    keep(failed)
    code, out, _ = estimate(
        "-m", "+experiment=quickstart", "method=nnrepair,refit", "seed=range(4)"
    )
    assert code == 0
    assert "8 runs: 0 finished, 8 to do." in out
    (line,) = [line for line in out.splitlines() if line.startswith("method=nnrepair")]
    assert line.split()[1:4] == ["4", "30.0", "700"]
    (line,) = [line for line in out.splitlines() if line.startswith("method=refit")]
    assert line.split()[1:4] == ["4", "?", "?"]
    assert "about 2 min, one after another" in out
    assert "up to 700 MiB" in out
    assert "4 runs of which no record" in out


def test_the_same_settings_tell_more_than_the_same_method(estimate, record_of):
    (first, _) = planned(["+experiment=quickstart", "seed=0,1"])
    hashed = first.specification.about.config_hash
    for config_hash, seconds in [(hashed, 5.0), ("0" * 16, 500.0)]:
        keep(
            record_of(experiment="quickstart", config_hash=config_hash, seconds={"total": seconds}),
            config=first.specification.config,
        )
    _, out, _ = estimate("+experiment=quickstart", "seed=0,1")
    assert "2 runs: 1 finished, 1 to do." in out
    assert "about 5 s" in out
    assert "these settings, other seeds: 1" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["seed=0,1"], "which experiment?"),
        (["+experiment=quickstart", "sede=0"], "unknown setting 'sede'"),
        (["+experiment=quickstrt"], "unknown experiment 'quickstrt'"),
        ([], "python -m bench.sweep estimate"),
    ],
)
def test_bad_input_is_one_message(estimate, arguments, message):
    code, out, err = estimate(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in out + err


def test_the_total_says_what_it_does_not_know():
    none = Expected("a", 3, None, None, 0, "")
    some = Expected("b", 120, 60.0, 512, 4, "this method")
    assert total([none]) == "3 runs of which no record tells anything."
    assert total([some]) == "about 2.0 h, one after another; up to 512 MiB for each run at a time."
