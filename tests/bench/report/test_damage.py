"""Results folders with files that are no records, in every way: each is named, and the others are reported."""

import io
import json
import os
from pathlib import Path

import pytest
from rich.console import Console

from bench.records.record import from_json, to_json
from bench.records.record_schema import DEEPEST, LARGEST
from bench.records.store import Stored, contents, run_folder, save
from bench.report import Report, collect
from bench.report.__main__ import main
from bench.report.figures import drawings
from bench.report.latex import latex
from repair.errors import InputError

FLIPS = {"clean": [[5, 1], [2, 6]], "defect": [[5, 1], [2, 6]]}
WRONG = (None, True, -1, 1.5, 2**80, 1e300, "text", "", [], {}, [[1], [2, 3]], {"a": {"b": "c"}})


def at(raw, path):
    for key in path:
        raw = raw[key]
    return raw


def places(value, path=()):
    """The path of every value in a JSON document but the whole."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))


@pytest.fixture(scope="module")
def full(record_of):
    """A record with all that reports read, as JSON."""
    further = {"repair_images": 10, "repair_copies": 1, "repair_mirrored": True, "rules": "strict"}
    pair = {"clean": {"accuracy": 0.5}, "defect": {"accuracy": 0.5}}
    record = record_of()
    details = {**record.details, **further, "flips": FLIPS, "validation": {"CONF": pair}}
    details["certificate"] = {"ok": True}
    metrics = {**record.metrics, "cases": 3, "success": 1.0, "proven": 0.5, "edits_mean": 2.0}
    metrics |= {"keras_built": 1, "keras_tried": 2, "published_edits_mean": 2.0}
    return json.loads(to_json(record_of(details=details, metrics=metrics)))


def spoilt(full):
    """The full record with each value in turn replaced by each wrong one, or taken out."""
    for path in list(places(full)):
        for wrong in (*WRONG, ...):
            raw = json.loads(json.dumps(full))
            if wrong is ...:
                del at(raw, path[:-1])[path[-1]]
            else:
                at(raw, path[:-1])[path[-1]] = wrong
            yield path, raw


def read(raw):
    """The record of a JSON document; None where it is refused, in few words."""
    try:
        return from_json(json.dumps(raw))
    except InputError as error:
        return None if len(str(error)) < 400 else pytest.fail(str(error))


@pytest.mark.long
def test_any_value_of_a_wrong_type_is_refused_or_stands_in_no_others_way(full):
    found = [
        (path[0], read({**raw, **method}))
        for path, raw in spoilt(full)
        for method in ({}, {"method": "architecture_search"})
        if not method or path[0] in ("details", "metrics")
    ]
    records = [record for _, record in found if record is not None]
    assert {key for key, record in found if record} >= {"details", "metrics", "reason", "scenario"}
    assert {key for key, record in found if record is None} >= set(full) - {"details"}
    report = Report.of(records, [Stored(Path("nowhere"), record) for record in records])
    assert report.tables().keys() == {
        "published_beside_ours",
        "methods",
        "ranks",
        "comparisons",
        "architecture",
        "runs",
    }
    for stem, table in report.tables().items():
        assert table.markdown()
        assert table.csv()
        assert latex(table, stem)
        Console(file=io.StringIO()).print(table.rich())


def test_records_with_odd_details_are_drawn_as_far_as_they_go(full, tmp_path):
    odd = [raw for path, raw in spoilt(full) if path[0] == "details" and 1 < len(path) < 4]
    for number, raw in enumerate(odd):
        name = f"{number:016x}"
        folder = run_folder(tmp_path, "e", name, 0)
        folder.mkdir(parents=True)
        (folder / "record.json").write_text(json.dumps({**raw, "config_hash": name}))
    report = collect(tmp_path)
    assert len(report.records) + len(report.unreadable) == len(odd)
    assert len(report.records) > 50
    assert {d.stem for d in drawings(report)} >= {"flips_poison_mnist", "accuracy_by_method"}


HOSTILE = {
    "deep": "[" * 100_000,
    "deep but whole": "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
    "digits": '{"schema_version": ' + "1" * 5000 + "}",
    "a long version": '{"schema_version": "' + "x" * 1_000_000 + '"}',
    "not a number": '{"schema_version": 1, "seed": NaN}',
    "infinite": '{"schema_version": 1, "seed": 1e999}',
    "half a pair": '{"schema_version": 1, "\\ud800": 1}',
    "too large": " " * (LARGEST + 1),
}


@pytest.fixture
def place(tmp_path, record_of):
    """A results folder with one good run."""
    good = record_of()
    save(run_folder(tmp_path / "runs", "good", good.config_hash, 0), good, {})
    return tmp_path


def broken(place, name):
    folder = place / "runs" / "bad" / name / "seed=0"
    folder.mkdir(parents=True)
    return folder / "record.json"


def test_every_file_that_is_no_record_is_one_line_and_the_others_are_reported(place, full, capsys):
    for number, text in enumerate(HOSTILE.values()):
        broken(place, f"{number:016x}").write_text(text)
    for number, name in enumerate(("scenario", "experiment", "method"), 100):
        name_of = {**full, name: "x" * 1_000_000, "config_hash": f"{number:016x}"}
        broken(place, f"{number:016x}").write_text(json.dumps(name_of))
    os.mkfifo(broken(place, "pipe"))
    broken(place, "folder").mkdir()
    broken(place, "zero").symlink_to("/dev/zero")
    broken(place, "nowhere").symlink_to("nowhere")
    broken(place, "link").symlink_to(next(place.rglob("good/*/*/record.json")))
    (place / "runs" / "loop").symlink_to(place / "runs")
    assert (
        main(["--results", str(place / "runs"), "--out", str(place / "out"), "--format", "csv,md"])
        == 0
    )
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert len(lines) == len(HOSTILE) + 3 + 5
    assert all(line.startswith("warning: ") and len(line) < 800 for line in lines)
    assert "1 runs; " in said.out
    report = (place / "out" / "report.md").read_text()
    assert len(report) < 20_000


def test_a_folder_deeper_than_any_recursion_is_read(place):
    folders = [f"{place / 'runs'}{'/d' * depth}" for depth in range(1, 1010)]
    try:
        for folder in folders:
            os.mkdir(folder)
        assert len(contents(place / "runs").runs) == 1
    finally:  # by recursion it would not go either
        for folder in filter(os.path.exists, reversed(folders)):
            os.rmdir(folder)


def test_a_record_that_nobody_could_read_back_is_not_saved_and_changes_nothing(tmp_path, record_of):
    folder = run_folder(tmp_path, "e", "0" * 16, 0)
    good = record_of(config_hash="0" * 16)
    save(folder, good, {})
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(InputError, match=r"experiment: .* is too long"):
        save(folder, record_of("x" * 300, config_hash="0" * 16), {})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_numbers_at_the_ends_of_what_a_record_may_have_are_drawn(record_of, tmp_path):
    for number, (seconds, weights) in enumerate([(0, 0), (5e-324, 10**18), (1e10, 1)]):
        record = record_of(
            config_hash=f"{number:016x}",
            method=("minimal", "nnrepair")[number % 2],
            seed=(0, 2**62, -1)[number],
            seconds={"total": seconds},
            patch={"layers": [], "weights_changed": weights, "l1": 0, "linf": 0},
            details={"repair_images": weights, "flips": FLIPS},
        )
        save(run_folder(tmp_path, "e", record.config_hash, record.seed), record, {})
    stems = {drawing.stem for drawing in drawings(collect(tmp_path))}  # a warning would be an error
    assert stems >= {"cactus", "profiles", "accuracy_by_seconds", "accuracy_by_weights"}
    alone = tmp_path / "alone"
    for seed in (0, 1):
        record = record_of(seed=seed, seconds={"total": 0})
        save(run_folder(alone, "e", record.config_hash, seed), record, {})
    assert "cactus" in {drawing.stem for drawing in drawings(collect(alone))}
