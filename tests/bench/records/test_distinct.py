"""A run counts once, however many folders hold a record of it."""

import shutil

import pytest

from bench.records.distinct import distinct
from bench.records.store import Contents, contents, run_folder, save
from bench.report import collect
from bench.report.__main__ import main
from bench.sweep.__main__ import _records, planned
from bench.tracking.results import _records as tracked_records


@pytest.fixture
def keep(record_of):
    """Saves a record of a seed below a folder."""

    def put(root, seed=0, **changes):
        record = record_of(seed=seed, **changes)
        return save(run_folder(root, record.experiment, record.config_hash, seed), record, {})

    return put


def test_copies_count_once_with_one_note_for_all(tmp_path, keep, capsys):
    for seed in range(3):
        keep(tmp_path / "runs", seed)
    alone = collect(tmp_path / "runs")
    shutil.copytree(tmp_path / "runs", tmp_path / "runs/backup/of yesterday")
    shutil.copytree(tmp_path / "runs/poison_mnist", tmp_path / "more/poison_mnist")
    for folders in (["runs"], ["more", "runs"], ["runs", "more"]):
        report = collect([tmp_path / name for name in folders])
        assert report.records == alone.records
        assert [len(series.runs) for series in report.series] == [3]
        tables = {stem: table.numbers for stem, table in report.tables().items()}
        assert tables == {stem: table.numbers for stem, table in alone.tables().items()}
        copies = 3 * len(folders)
        assert report.notes == (
            f"note: {copies} records are copies of others; each run counts once.",
        )
    out = tmp_path / "out"
    assert (
        main(["--results", str(tmp_path / "runs"), "--out", str(out), "--format", "md,html"]) == 0
    )
    said = capsys.readouterr()
    assert said.err.count("note: 3 records are copies of others") == 1
    assert "3 runs;" in said.out
    for name in ("report.md", "report.html"):
        assert "3 records are copies of others" in (out / name).read_text(encoding="utf-8")


def test_a_folder_named_twice_is_no_copy(tmp_path, keep):
    keep(tmp_path / "runs")
    broken = keep(tmp_path / "runs", 1).folder / "record.json"
    broken.write_text("{")
    report = collect([tmp_path, tmp_path / "runs", tmp_path / "runs/../runs"])
    assert len(report.records) == len(report.unreadable) == 1
    assert report.notes == ()


def test_of_two_answers_that_of_the_folder_named_first_counts_with_a_warning(
    tmp_path, keep, capsys
):
    here, there = keep(tmp_path / "here", defect=5000), keep(tmp_path / "there", defect=6000)
    for one, other in ((here, there), (there, here)):
        roots = [run.folder.parents[2] for run in (one, other)]
        report = collect(roots)
        assert report.records == (one.record,)
        (note,) = report.notes
        assert note.startswith(f"warning: {other.folder} does not count: {one.folder} has")
        out = str(tmp_path / "out")
        assert main(["--results", *map(str, roots), "--out", out, "--format", "csv"]) == 0
        assert capsys.readouterr().err.strip() == note


def test_within_a_folder_the_record_counts_that_a_run_would_find(tmp_path, keep):
    keep(tmp_path / "a backup", defect=5000)
    found = keep(tmp_path, defect=6000)
    assert collect(tmp_path).records == (found.record,)


def test_each_of_experiment_settings_and_seed_makes_another_run(tmp_path, keep):
    keep(tmp_path)
    keep(tmp_path, 1)
    keep(tmp_path, config_hash="a" * 16)
    keep(tmp_path, experiment="another")
    once = distinct([contents(tmp_path)])
    assert len(once.runs) == 4
    assert once.notes == ()


def test_a_copy_of_a_copy_and_many_conflicts_are_counted(tmp_path, keep):
    for seed in range(8):
        for number, name in enumerate("abc"):
            keep(tmp_path / name, seed, seconds={"total": 1.0 + (number == 1)})
    once = distinct(contents(tmp_path / name) for name in "abc")
    assert {run.folder.parents[2].name for run in once.runs} == {"a"}
    assert once.notes[0] == "note: 8 records are copies of others; each run counts once."
    assert [note.startswith("warning: ") for note in once.notes[1:]] == [True] * 6
    assert "3 further records" in once.notes[-1]


def test_the_order_of_the_runs_of_a_folder_decides_nothing(tmp_path, keep):
    shallow, deep = keep(tmp_path / "x", defect=1), keep(tmp_path / "a/b", defect=2)
    for runs in ((shallow, deep), (deep, shallow)):
        assert distinct([Contents(runs)]).runs == (shallow,)


def test_an_estimate_and_the_table_of_a_tracker_count_a_run_once(tmp_path, keep, monkeypatch):
    monkeypatch.chdir(tmp_path)
    jobs = planned(["+experiment=quickstart", "seed=0"])
    run = keep("results/runs", experiment="quickstart")
    experiment, name = run.folder.parents[1], "/".join(run.folder.parts[-2:])
    shutil.copytree(experiment, "results/reference/quickstart")
    shutil.copytree(run.folder, experiment / "old" / name)
    assert len(contents("results").runs) == 3
    assert _records(jobs) == [run.record]
    assert tracked_records(experiment) == [run.record]
