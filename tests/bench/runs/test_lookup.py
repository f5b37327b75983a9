"""Which finished run is found for which config: that of the same settings, and no other."""

import json
import math
import sys
from pathlib import Path

import pytest
from checkout import TESTS

from bench import __main__ as command
from bench.datasets.download import sha256
from bench.records import store
from bench.sweep.__main__ import planned

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
    monkeypatch.syspath_prepend(TESTS / "bench")

    def call(*arguments, sweep=False):
        monkeypatch.setattr(sys, "argv", ["bench", *["-m"] * sweep, *QUICK, *arguments])
        code = command.main()
        return code, *capfd.readouterr()

    return call


@pytest.fixture
def planned_runs(monkeypatch, tmp_path):
    """The runs that a sweep with these arguments would ask for, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(TESTS / "bench")
    return lambda *arguments: planned([*QUICK, *arguments])


@pytest.fixture
def finish(record_of):
    """Puts a finished run where another would look for it."""

    def put(ask):
        about = ask.about
        record = record_of(
            experiment=about.experiment, config_hash=about.config_hash, seed=about.seed
        )
        return store.save(ask.folder, record, ask.config)

    return put


def test_null_and_each_number_that_is_not_finite_are_runs_of_their_own(planned_runs, finish):
    given = {"null": None, "nan": math.nan, "inf": math.inf, "-inf": -math.inf, "'nan'": "nan"}
    given |= {"0": 0, "0.0": 0.0, "false": False}
    jobs = planned_runs(f"+scenario.anything={','.join(given)}")
    assert len(jobs) == len(given)
    for number, (job, value) in enumerate(zip(jobs, given.values(), strict=True)):
        assert [other.needed() for other in jobs] == [i >= number for i in range(len(jobs))]
        stored = finish(job.specification)
        kept = stored.config()["scenario"]["anything"]
        assert (type(kept), str(kept)) == (type(value), str(value))
        assert job.specification.finished() == stored


def test_a_run_with_a_number_that_is_not_finite_is_found_again_and_its_record_is_json(bench):
    bench("+scenario.anything=null")
    assert "finished before" not in bench("+scenario.anything=nan")[2]
    assert "finished before" in bench("+scenario.anything=nan")[2]
    assert "finished before" in bench("+scenario.anything=null")[2]
    paths = list(Path("results/runs").rglob(store.RECORD))
    assert len(paths) == 2
    for path in paths:
        json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)


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
    assert "results_dir is 'runs\\udcff'; expected a text of Unicode" in err


def removed(path):
    path.unlink()


def changed(old, new):
    def change(path):
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (removed, "there is none beside record.json"),
        (lambda path: path.write_bytes(b""), "there is none beside record.json"),
        (lambda path: path.write_bytes(b"- 1\n"), "expected settings and their values"),
        (lambda path: path.write_bytes(path.read_bytes()[:90] + b"\n- {"), "is no config of a run"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is no config of a run"),
        (changed("anything: null", "anything: .nan"), "scenario.anything is NaN, not null"),
        (changed("anything: null", "anything: 2026-01-01"), "scenario.anything: date"),
        (changed("  anything: null\n", ""), "scenario.anything is left out, not null"),
        (changed("gap: 0.0", "gap: 0"), "options.gap is 0, not 0.0"),
        (changed("seed: 0\nsolver", "seed: 1\nsolver"), "seed is 1, not 0"),
        (changed("network: null", "network: net.onnx"), 'network is "net.onnx", not left out'),
    ],
)
def test_a_record_is_not_believed_without_a_config_that_asks_for_it(
    planned_runs, finish, spoil, why
):
    (job,) = planned_runs("+scenario.anything=null")
    config = finish(job.specification).folder / store.CONFIG
    assert not job.needed()
    spoil(config)
    found = job.specification.finished()
    assert isinstance(found, store.Unreadable)
    assert found.path == config
    assert why in found.why
    assert job.needed()
    assert job.record() is None
    assert len(store.contents("results/runs").runs) == 1  # a report reads it all the same


@pytest.mark.parametrize("spoil", [removed, changed("anything: null", "anything: .nan")])
def test_a_run_that_is_not_believed_is_done_again_with_a_warning(bench, spoil):
    bench("+scenario.anything=null")
    (before,) = store.contents("results/runs").runs
    config, record = before.folder / store.CONFIG, before.folder / store.RECORD
    written, done = config.read_bytes(), record.stat().st_mtime_ns
    spoil(config)
    _, _, err = bench("+scenario.anything=null")
    (warning,) = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert warning.startswith(f"warning: {config}: ")
    assert "not finished" in warning
    assert record.stat().st_mtime_ns > done
    assert config.read_bytes() == written
    assert "finished before" in bench("+scenario.anything=null")[2]


def test_what_no_result_depends_on_may_differ(planned_runs, finish):
    (job,) = planned_runs("+scenario.anything=null")
    path = finish(job.specification).folder / store.CONFIG
    changed("results_dir: results/runs", "results_dir: elsewhere")(path)
    changed("scale: null\n", "")(path)  # a setting that a version before did not have
    (again,) = planned_runs("+scenario.anything=null", "wandb.project=other")
    assert not again.needed()


def test_a_file_counts_by_its_content_whatever_its_name(planned_runs, finish):
    for name in ("one", "two"):
        Path(name).write_text("the same")
    Path("other").write_text("another")
    for setting in (["network"], ["architecture.cases", "task=architecture"]):
        named, *further = setting
        names = ("one", "two", "other")
        one, two, other = (planned_runs(f"{named}={name}", *further)[0] for name in names)
        finish(one.specification)
        assert [job.needed() for job in (one, two, other)] == [False, False, True]
    (by_checksum,) = planned_runs(f"architecture.cases={sha256(Path('one'))}", "task=architecture")
    assert by_checksum.needed()  # no file has this name


def test_a_sweep_does_again_what_it_does_not_believe(bench, planned_runs, finish):
    sweep = ["+scenario.anything=null,nan", "seed=0,1"]
    before = [finish(job.specification) for job in planned_runs(*sweep)]
    removed(before[1].folder / store.CONFIG)
    changed("seed: 1", "seed: 0")(before[3].folder / store.CONFIG)
    _, out, err = bench(*sweep, sweep=True)
    assert "4 runs: 2 finished before, 2 to do." in err
    assert (out + err).count("warning: ") == 2
    jobs = planned_runs(*sweep)
    assert not any(job.needed() for job in jobs)
    assert [job.record() == run.record for job, run in zip(jobs, before, strict=True)] == [
        True,
        False,
        True,
        False,
    ]
