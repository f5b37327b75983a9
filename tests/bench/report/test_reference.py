"""The report of committed records: the same bytes from any process, and figures that show what the records say."""

import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from checkout import ROOT

from bench.records.gallery import EXAMPLES, SHOWN, Gallery
from bench.records.record import Record
from bench.records.store import PATCH, run_folder, save
from bench.report import collect, write
from bench.report.__main__ import main
from bench.report.figures.architecture import architectures
from bench.report.figures.flips import flips
from bench.report.figures.kernels import changes
from bench.report.style import looks
from repair.weights.patch import Delta, Patch

REFERENCE = ROOT / "results" / "reference"


@pytest.fixture(scope="module")
def localizations():
    """Six small runs that differ in how the weights to blame were found, with patches and examples."""
    return collect(REFERENCE / "localization")


def test_reports_regenerate_byte_by_byte_in_another_process(localizations, tmp_path):
    write(localizations, tmp_path / "here")
    # Another order of sets, another working folder, a user's own taste in figures.
    (tmp_path / "matplotlibrc").write_text("font.size: 15\nsavefig.dpi: 10\nsvg.fonttype: none\n")
    command = [sys.executable, "-m", "bench.report", "--out", "there"]
    command += ["--results", str(REFERENCE / "localization")]
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    one, two = (sorted((tmp_path / name).iterdir()) for name in ("here", "there"))
    assert [path.name for path in one] == [path.name for path in two]
    assert len(one) > 20
    for first, second in zip(one, two, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name
    texts = "".join(path.read_text() for path in one if path.suffix in (".svg", ".html", ".md"))
    assert not re.search(r"20\d\d-\d\d-\d\dT", texts)  # no time of day


def disagreements(record: Record, gallery: Gallery) -> list[str]:
    """What of a record's confusion matrices, flips and examples does not go with its accuracies."""
    details, found = record.details, []
    for what in ("clean", "defect"):
        answers = []
        for when in ("before", "after"):
            matrix, metric = (
                details["confusion"][f"{what}_{when}"],
                record.metrics[f"{what}_{when}"],
            )
            if (np.trace(matrix), np.sum(matrix)) != (metric.correct, metric.total):
                found.append(f"{what}_{when}")
            answers.append(np.sum(matrix, 0))
        flips = np.array(details["flips"][what])
        if [flips.sum(1).tolist(), flips.sum(0).tolist()] != np.array(answers).tolist():
            found.append(f"flips {what}")
    wrong = record.metrics["defect_before"].total - record.metrics["defect_before"].correct
    if len(gallery.labels) != min(SHOWN, wrong) or (gallery.before == gallery.labels).any():
        found.append("examples")
    return found


@pytest.fixture(scope="module")
def repairs():
    """The reference's repairs; those of nnrepair of the first version had no matrices and no examples yet."""
    found = [run for run in collect(REFERENCE).runs if run.record.method != "architecture_search"]
    without = [run for run in found if "confusion" not in run.record.details]
    assert {run.record.method for run in without} == {"nnrepair"}
    assert not any((run.folder / EXAMPLES).exists() for run in without)
    return [run for run in found if "confusion" in run.record.details]


def test_every_reference_repair_has_the_counts_that_its_accuracies_ask_for(repairs):
    methods = {run.record.method for run in repairs}
    assert methods == {"finetune", "minimal", "nnrepair", "refit"}
    for run in repairs:
        assert disagreements(run.record, Gallery.load(run.folder / EXAMPLES)) == [], run.folder


def test_counts_and_examples_that_do_not_go_with_the_accuracies_are_seen(repairs):
    record, gallery = repairs[0].record, Gallery.load(repairs[0].folder / EXAMPLES)
    for name in ("clean_before", "clean_after", "defect_before", "defect_after"):
        metric = record.metrics[name]
        one_more = replace(metric, correct=metric.correct + 1)
        other = replace(record, metrics={**record.metrics, name: one_more})
        assert disagreements(other, gallery) == [name]
    flips = np.array(record.details["flips"]["clean"])
    flips[0, 0] += 1
    moved = {**record.details["flips"], "clean": flips.tolist()}
    other = replace(record, details={**record.details, "flips": moved})
    assert disagreements(other, gallery) == ["flips clean"]
    for changed in (gallery.before[:-1], gallery.labels):
        kept = slice(len(changed))
        shown = replace(gallery, before=changed, labels=gallery.labels[kept])
        assert disagreements(record, shown) == ["examples"]


def test_a_reference_run_that_left_the_network_as_it_was_has_no_weights_no_patch_and_says_why():
    kept = [run for run in collect(REFERENCE).runs if run.record.kept_original]
    assert kept
    for run in kept:
        assert run.record.patch["weights_changed"] == 0
        assert "No repair does better" in run.record.details["no_patch"]
        assert not (run.folder / PATCH).exists()


def test_heat_maps_show_the_changes_of_the_patch(tmp_path):
    kernel = np.zeros((3, 3, 2, 4))
    kernel[1, 2, 0, 3], kernel[0, 0, 0, 3], kernel[2, 2, 1, 0] = 0.5, -2.0, 1.0
    patch = Patch(
        "a network",
        {("conv", "kernel"): Delta.of(kernel), ("conv", "bias"): Delta.of([1.0, 0, 0, 0])},
    )
    patch.save(tmp_path / PATCH)
    shown = changes(tmp_path / PATCH)
    assert shown.keys() == {"conv"}
    expected = np.zeros((2, 4))
    expected[0, 3], expected[1, 0] = -2.0, 1.0  # the largest change in each window
    np.testing.assert_array_equal(shown["conv"], expected)


def test_the_maps_of_localizations_count_the_weights_of_their_records(localizations):
    assert len(localizations.runs) == 6
    for run in localizations.runs:
        patch = Patch.load(run.folder / PATCH)
        kernels = sum(np.count_nonzero(change) for change in changes(run.folder / PATCH).values())
        assert 0 < kernels <= patch.weights_changed == run.record.patch["weights_changed"]


def test_flips_are_those_of_the_preferred_run(localizations):
    (drawing,) = flips(localizations)
    title = drawing.figure.axes[0].get_title()
    changed, kept = map(int, re.findall(r"\d+", title))
    assert changed + kept == 10_000
    assert changed in {
        int(np.sum(counts) - np.trace(counts))
        for run in localizations.runs
        for counts in [run.record.details["flips"]["defect"]]
    }


def test_architecture_curves_are_of_the_repaired_cases(record_of, tmp_path):
    rows = "status,edits,milliseconds,published_edits,published_seconds\n"
    rows += "repaired,2,500,4,10\nrepaired,1,250,3,20\nvalid,0,1,,\nnot_repairable,,9,,\n"
    for name, rules in (("a", "strict"), ("b", "keras3")):
        record = record_of(
            "random_even",
            method="architecture_search",
            config_hash=name * 16,
            metrics={"success": 0.75, "cases": 4, "edits_mean": 1.5},
            details={"rules": rules},
            combinations={},
            chosen=None,
        )
        files = {"cases.csv": lambda path: path.write_text(rows)}
        save(run_folder(tmp_path, record.experiment, record.config_hash, 0), record, {}, files)
    strict, mild = architectures(collect(tmp_path))
    edits, seconds = strict.figure.axes
    assert [sorted(line.get_xdata()[1:]) for line in edits.lines] == [[1, 2], [3, 4]]
    assert [sorted(line.get_xdata()[1:]) for line in seconds.lines] == [[0.25, 0.5], [10, 20]]
    assert [len(axes.lines) for axes in mild.figure.axes] == [1, 1]  # other rules do not compare


def test_a_method_looks_the_same_whoever_takes_part():
    alone, many = (
        looks(["minimal"]),
        looks(["minimal", "zeta", "alpha", "nnrepair", "refit", "finetune"]),
    )
    assert alone["minimal"] == many["minimal"]
    assert len(set(many.values())) == len({colour for colour, _ in many.values()}) == len(many)


def test_paper_reads_the_reference_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["--paper", "--format", "csv"]) == 2
    assert "no results folder 'results/reference'" in capsys.readouterr().err
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "reference").symlink_to(REFERENCE / "localization")
    assert main(["--paper", "--format", "csv"]) == 0
    with pytest.raises(SystemExit) as ended:
        main(["--paper", "--results", "elsewhere"])
    assert ended.value.code == 2
