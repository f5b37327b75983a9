import csv
import io
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from rich.console import Console

from bench.records.record import Accuracy, Combination, to_json
from bench.records.store import run_folder, save
from bench.report import collect, write
from bench.report.__main__ import main
from bench.report.compare import compare
from bench.report.published import PublishedCell, best_on_test, published
from repair.errors import InputError


def of(clean, defect):
    return Combination(Accuracy(clean, 100), Accuracy(defect, 100))


@pytest.fixture(scope="module")
def results(tmp_path_factory, record_of):
    """A results folder with runs of every kind: compared, other methods, failed, not published."""
    root = tmp_path_factory.mktemp("results")
    records = [
        record_of(exp="ExpA", layer="last"),
        record_of(exp="ExpC", layer="dense_1"),
        record_of(exp="ExpC", layer="last", seed=1),
        record_of(exp="ExpD", status="time_limit"),
        record_of(method="finetune", status="skipped", reason="no optimiser | [bold]here[3]"),
        record_of("quickstart", method="minimal", chosen=None, combinations={}),
        record_of(
            "arch_random",
            method="search",
            metrics={"success": 1.0, "edits_mean": 4.5, "proven": 0.97, "cases": 500},
            chosen=None,
            combinations={},
            patch=None,
            solver=None,
            details={},
        ),
    ]
    for record in records:
        save(run_folder(root, record.experiment, record.config_hash, record.seed), record, {})
    return root, records


@pytest.fixture(scope="module")
def written(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write(collect(results[0]), folder)
    return folder


def test_every_record_appears_with_its_status_and_reason(results, written):
    root, records = results
    report = collect(root)
    assert sorted(map(to_json, report.records)) == sorted(map(to_json, records))
    with (written / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(r["config_hash"], r["seed"], r["status"]) for r in rows} == {
        (r.config_hash, str(r.seed), r.status) for r in records
    }
    text = (written / "report.md").read_text()
    assert r"no optimiser \| \[bold\]here[3]" in text
    assert "the solver reached its time limit of 5 s" in text
    assert "4.50" in text  # the edits of the architecture run


def test_published_and_ours_are_told_apart(results):
    root, _ = results
    lines = {(line.layer, line.exp): line for line in collect(root).comparison}
    line = lines["last", "ExpC"]
    assert line.published_best.name == "CONF"
    assert line.published_best.result.defect.correct == 5594  # the paper's, on test data
    assert line.chosen.name == "CONF"  # ours, on validation data
    assert line.best.name == "VOTES"  # ours, on test data, shown apart
    assert line.defect_gap() == pytest.approx(0)
    assert lines["last", "ExpD"].status == "time_limit"
    assert lines["last", "ExpD"].chosen is None
    assert lines["last", "ExpB"].status == "not run"
    assert lines["last", "ExpB"].published_best.result.defect.correct == 5246
    assert lines["intermediate", "ExpC"].published_best.name == "VOTES@f1"
    assert lines["intermediate", "ExpC"].published_same.result.defect.correct == 1104


def test_gaps_are_ours_minus_published_in_points(record_of):
    record = record_of(combinations={"CONF": of(90, 40), "PREC": of(80, 60)}, chosen="CONF")
    paper = {
        ("poison_mnist", "last", "ExpC"): PublishedCell(
            of(98, 10), {"CONF": of(95, 50), "NAIVE": of(96, 50), "AVERAGE": of(99, 20)}
        )
    }
    (line,) = compare([record], paper)
    assert line.published_best.name == "NAIVE"  # the tie is broken by clean accuracy
    assert line.defect_gap() == pytest.approx(-10)
    assert line.clean_gap() == pytest.approx(-6)
    assert line.published_same.result == of(95, 50)
    assert line.best.name == "PREC"


def test_a_published_experiment_without_a_name_stands_beside_each_of_ours(record_of):
    runs = [record_of("low_quality_mnist", exp=exp, layer="dense_1") for exp in ("ExpA", "ExpC")]
    lines = compare(runs, published())
    intermediate = [line for line in lines if line.layer == "intermediate"]
    assert [line.exp for line in intermediate] == ["ExpA", "ExpC"]
    assert {line.published_best.result.clean.correct for line in intermediate} == {9654}
    last_only = compare([record_of("low_quality_mnist")], published())
    assert [line.exp for line in last_only] == ["ExpA", "ExpB", "ExpC", "ExpD", ""]


def test_best_of_no_combination_is_none():
    assert best_on_test({}) is None


def test_the_same_records_give_the_same_bytes(results, written, tmp_path):
    again = write(collect(results[0]), tmp_path)
    assert {path.name for path in again} == {path.name for path in written.iterdir()}
    assert {path.suffix for path in again} == {".csv", ".md", ".tex", ".pdf", ".svg", ".html"}
    for path in again:
        assert path.read_bytes() == (written / path.name).read_bytes(), path.name


def test_figures_have_no_date_and_each_form_has_the_same(written):
    stems = {path.stem for path in written.glob("*.pdf")}
    assert {
        "accuracy_by_method",
        "cactus",
        "accuracy_by_weights",
        "beside_published_poison_mnist",
    } <= stems
    assert stems == {path.stem for path in written.glob("*.svg")}
    pdf = (written / "cactus.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert b"CreationDate" not in pdf
    assert b"/Type3" not in pdf  # printers and publishers refuse these fonts
    assert b"dc:date" not in (written / "cactus.svg").read_bytes()


class Tags(HTMLParser):
    """Every tag of a page with its attributes; complains of one that is closed in the wrong place."""

    VOID = frozenset(("meta", "br"))

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_one_whole_file_without_scripts_or_addresses(written):
    text = (written / "report.html").read_text()
    found = Tags(text)
    assert found.open == []
    assert "http" not in text.replace("http-equiv", "")
    assert {tag for tag, _ in found.tags} & {"script", "link", "iframe", "object"} == set()
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text)
    assert {one or other for one, other in references} <= set(ids)
    svg = [attributes for tag, attributes in found.tags if tag == "svg"]
    assert len(svg) == len(list(written.glob("*.svg")))
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in svg)
    assert "no optimiser | [bold]here[3]" in text


def test_latex_has_a_row_for_each_line_and_nothing_unescaped(results, written):
    tables = collect(results[0]).tables()
    assert tables
    for stem, table in tables.items():
        assert table.lines
        text = (written / f"{stem}.tex").read_text()
        body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) == len(table.lines)
        columns = len(table.shown())
        assert {len(re.findall(r"(?<!\\)&", row)) for row in rows} == {columns - 1}
        assert not re.search(r"(?<!\\)[_#]", text.replace(rf"tab:{stem}", ""))
        assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


def test_only_the_formats_asked_for_are_written(results, tmp_path, capsys):
    arguments = ["--results", str(results[0]), "--out", str(tmp_path / "out")]
    assert main([*arguments, "--format", "csv"]) == 0
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".csv"}
    assert main([*arguments, "--format", "htm"]) == 2
    assert "Known: csv, html, md, tex" in capsys.readouterr().err


def test_a_terminal_shows_texts_as_they_are_and_whole(results):
    table = collect(results[0]).tables()["runs"].rich()
    wide, narrow = (Console(width=width, file=io.StringIO()) for width in (300, 60))
    for console in (wide, narrow):
        console.print(table)
    assert "no optimiser | [bold]here[3]" in wide.file.getvalue()
    assert "…" not in narrow.file.getvalue()


def test_the_csv_agrees_with_the_records(written):
    with (written / "published_beside_ours.csv").open() as file:
        rows = {(r["layer"], r["exp"]): r for r in csv.DictReader(file)}
    row = rows["last", "ExpA"]
    assert row["published_best_on_test"] == "CONF"
    assert float(row["published_best_on_test_defect"]) == pytest.approx(50.35)
    assert float(row["ours_chosen_on_validation_defect"]) == pytest.approx(55.94)
    assert float(row["defect_gap_pp"]) == pytest.approx(5.59)
    assert rows["last", "ExpB"]["ours_chosen_on_validation"] == ""


def test_only_unpublished_runs_make_a_report_of_ours_alone(tmp_path, record_of):
    record = record_of("quickstart")
    folder = run_folder(tmp_path, record.experiment, record.config_hash, record.seed)
    save(folder, record, {})
    report = collect(tmp_path)
    assert report.comparison == ()
    assert list(report.tables()) == ["runs"]


def test_a_cut_record_is_named_and_does_not_stop_the_report(tmp_path, record_of, capsys):
    for seed in (0, 1):
        record = record_of("quickstart", seed=seed)
        folder = run_folder(tmp_path / "runs", "quickstart", record.config_hash, seed)
        path = save(folder, record, {}).folder / "record.json"
    path.write_text(path.read_text()[:100])
    arguments = ["--results", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert f"warning: {path}" in said.err
    assert "1 runs" in said.out
    assert str(path) in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize("defect", [5594, 6100, 8333])
def test_seeds_that_reach_the_same_are_drawn(tmp_path, record_of, defect):
    for seed in range(3):  # the mean of three equal numbers may differ from them
        record = record_of(seed=seed, clean=9700, defect=defect)
        folder = run_folder(tmp_path / "runs", record.experiment, record.config_hash, seed)
        save(folder, record, {})
    drawn = write(collect(tmp_path / "runs"), tmp_path / "out", ["md"])
    assert "beside_published_poison_mnist" in {path.stem for path in drawn}


def test_several_folders_make_one_report(results, tmp_path, record_of):
    root, records = results
    other = record_of("poison_cifar")
    folder = run_folder(tmp_path / "more", other.experiment, other.config_hash, other.seed)
    save(folder, other, {})
    assert len(collect([root, tmp_path / "more"]).records) == len(records) + 1


def test_bad_input_is_one_message_and_exit_code_2(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bench.report", "--results", "absent"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert "no results folder 'absent'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_empty_results_folder_says_how_to_fill_it(tmp_path, capsys):
    assert main(["--results", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "no finished record" in said.err
    assert "+experiment=quickstart" in said.err
    assert said.out == ""


def test_the_published_tables_are_needed(tmp_path):
    with pytest.raises(InputError, match="published_tables"):
        published(tmp_path)
