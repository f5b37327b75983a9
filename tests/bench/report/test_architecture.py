"""Architecture repair in the report: ours beside the figures of ExAIS."""

from typing import Any

from bench.records.record import Record
from bench.report import Report
from bench.report.published import published_architectures
from bench.report.tables import NONE
from bench.report.tables.architecture import architecture_table

METRICS = {
    "cases": 500,
    "success": 0.998,
    "proven": 0.96,
    "not_kept": 0,
    "edits_mean": 3.664,
    "milliseconds_median": 9.0,
    "milliseconds_max": 300.0,
    "cpu_milliseconds_median": 8.5,
    "cpu_milliseconds_max": 290.0,
    "published_edits_mean": 7.198,
    "published_edits_with_widths_mean": 7.514,
    "more_edits_than_published": 2,
    "more_edits_than_published_with_widths": 0,
}


def record(rules: str = "strict", scenario: str = "random", **metrics: Any) -> Record:
    return Record(
        experiment="arch_random",
        scenario=scenario,
        method="architecture_search",
        seed=0,
        status="ok",
        reason=None,
        config_hash=f"{rules}{scenario}",
        metrics={**METRICS, **metrics},
        seconds={"total": 9.0},
        environment={},
        details={"rules": rules},
    )


def test_the_published_figures_say_where_they_are_from() -> None:
    sets = published_architectures()
    assert float(sets["random"]["edits_mean"]) < float(sets["random"]["edits_with_widths_mean"])
    assert (sets["manual"]["repaired"], sets["manual"]["cases"]) == ("15", "16")
    assert all(row["source"] for row in sets.values())


def test_both_counts_of_published_edits_stand_beside_ours() -> None:
    table = architecture_table([record()])
    assert table is not None
    line = dict(zip(table.columns, table.lines[0], strict=True))
    assert line["valid"] == "499 of 500"
    assert line["published"] == "1000 of 1000"
    assert (line["edits"], line["published edits"], line["+widths"]) == ("3.66", "7.20", "7.51")
    assert (line["more edits"], line["+widths "]) == ("2", "0")
    assert line["median ms (CPU)"] == "9.0 (8.5)"


def test_edits_under_other_rules_are_not_compared() -> None:
    table = architecture_table(
        [record("keras3"), record("keras3", "mine.jsonl", keras_built=3, keras_tried=4)]
    )
    assert table is not None
    lines = [dict(zip(table.columns, line, strict=True)) for line in table.lines]
    assert [line["published edits"] for line in lines] == [NONE, NONE]
    assert [line["published"] for line in lines] == ["1000 of 1000", NONE]
    assert lines[1]["built by Keras"] == "3 of 4"


def test_a_report_without_architecture_runs_has_no_such_table() -> None:
    assert architecture_table([]) is None
    assert "architecture" in Report.of([record()]).tables()
