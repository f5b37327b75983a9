"""Writes results/RESULTS.md and its figure from the committed records and the published numbers.

    python scripts/results.py [--out results]

The prose is in results/notes/, a file for each section; `$name` stands there for a table or a number of this script.
"""

import argparse
import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from string import Template

import numpy as np

from bench.escape import markdown
from bench.records.record import Combination
from bench.records.store import write_bytes, write_text
from bench.report import Report, collect
from bench.report.compare import SCENARIOS, ComparisonRow, NamedCombination, cells
from bench.report.figures.accuracy import methods
from bench.report.series import Series, preferred, repair_images
from bench.report.style import render, styled
from bench.report.tables import NONE, Table
from bench.report.tables.architecture import architecture_table
from bench.report.tables.comparison import comparison_table
from bench.report.tables.over_seeds import series_table

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "results" / "reference"
NOTES = ROOT / "results" / "notes"
SECTIONS = ("summary", "nnrepair", "minimal", "localization", "budget", "architecture", "replay")
FIGURE = "accuracy_by_method.svg"
IMAGES = 1000  # of the repair set, in the summary
Lines = Iterable[Mapping[str, str]]


def main() -> None:
    """Writes the files into the folder that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "results")
    out = parser.parse_args().out
    report = collect(REFERENCE)
    for path in (
        write_text(out / "RESULTS.md", results(report)),
        write_bytes(out / FIGURE, figure(report)),
    ):
        print(path)


def results(report: Report) -> str:
    """Returns the text of RESULTS.md for the report of all committed records."""
    values = {name: make(report) for name, make in _VALUES.items()}
    parts = [
        Template((NOTES / f"{name}.md").read_text("utf-8")).substitute(values) for name in SECTIONS
    ]
    return "\n".join(parts)


def figure(report: Report) -> bytes:
    """Returns the figure of accuracies by method as SVG."""
    with styled():
        (drawing,) = methods(report)
    return render(drawing.figure, "svg")


def summary(report: Report) -> str:
    """Returns a line for each scenario of NNrepair: published, ours, and minimal repair, defect / clean in percent."""
    thousand, few = _minimal_by_scenario(_part(report, "minimal")), _budget(report)
    return _pipes(
        {
            "scenario": scenario,
            "unrepaired": _pair([best[0].before]),
            "NNrepair, published": _pair([_result(best[0].published_best)]),
            "NNrepair, ours": _pair([_result(row.chosen) for row in best]),
            "minimal, the paper's data": _pair([few[scenario]]),
            f"minimal, {IMAGES:,} images": _pair(
                [
                    Combination(r.metrics["clean_after"], r.metrics["defect_after"])
                    for r in thousand[scenario].repaired
                ]
            ),
        }
        for scenario, best in _published_best(report).items()
    )


def nnrepair(report: Report) -> str:
    """Returns the comparison with every published cell, of the records of NNrepair."""
    table = comparison_table(_part(report, "nnrepair").comparison)
    names = (
        "cell",
        "seeds",
        "before",
        "published, best on test",
        "ours, chosen on validation",
        "gap",
    )
    return _pipes({name: line[name] for name in names} for line in _lines(table))


def minimal(report: Report) -> str:
    """Returns minimal repair and its baselines over seeds, with the targets of targets.csv."""
    series = _part(report, "minimal").series
    targets = {
        (
            row["scenario"],
            row["repair_images"],
        ): f"{row['defect']} / {row['clean']} / {row['seconds']}"
        for row in _rows("minimal/targets.csv")
    }
    return _pipes(
        {**line, "target: defect / clean / seconds": _target(one, targets)}
        for one, line in zip(series, _lines(series_table(series)), strict=True)
    )


def localization(report: Report) -> str:
    """Returns what minimal repair reaches with the weights that each localization names."""
    return _pipes(_lines(series_table(_part(report, "localization").series)))


def budget(report: Report) -> str:
    """Returns minimal repair with the data of the paper's experiments, compared with the paper's best."""
    best, ours = _published_best(report), _budget(report)
    return _pipes(
        {
            "scenario": scenario,
            "paper's best, defect / clean": _pair([_result(rows[0].published_best)]),
            "minimal, defect / clean": _pair([ours[scenario]]),
        }
        for scenario, rows in best.items()
    )


def architecture(report: Report) -> str:
    """Returns the comparison of architecture repair with the published tool."""
    table = architecture_table(report.records)
    return "" if table is None else _pipes(_lines(table))


def replay(_: Report) -> str:
    """Returns how many published rows the published solutions give when they are replayed, by scenario."""
    counts: dict[str, dict[str, int]] = {}
    for row in _rows("replay.csv"):
        for scenario in (row["scenario"], "all"):
            sums = counts.setdefault(scenario, {})
            for name in ("compared", "equal", "within_one", "different", "not_rebuilt"):
                sums[name] = sums.get(name, 0) + int(row[f"rows_{name}"])
    order = [*SCENARIOS, "all"]
    return _pipes(
        {
            "scenario": scenario,
            **{name.replace("_", " "): str(count) for name, count in counts[scenario].items()},
        }
        for scenario in order
    )


def constraints(_: Report) -> str:
    """Returns how many published constraint files are solved to the optimum that Z3 proves, of how many."""
    rows = list(_rows("published_constraints.csv"))
    alike = sum(
        row["status"] == row["z3_status"] == "optimal" and row["satisfied"] == row["z3_satisfied"]
        for row in rows
    )
    return f"{alike} of {len(rows)}"


_VALUES: Mapping[str, Callable[[Report], str]] = {
    "summary": summary,
    "nnrepair": nnrepair,
    "minimal": minimal,
    "localization": localization,
    "budget": budget,
    "architecture": architecture,
    "replay": replay,
    "constraints": constraints,
}


def _part(report: Report, folder: str) -> Report:
    """Returns the report of the runs below one folder of the reference."""
    runs = [run for run in report.runs if run.folder.is_relative_to(REFERENCE / folder)]
    return Report.of((run.record for run in runs), runs)


def _published_best(report: Report) -> dict[str, list[ComparisonRow]]:
    """Returns the rows of the cell in which the paper is best on test data, a row for each seed, by scenario."""
    rows = _part(report, "nnrepair").comparison
    best: dict[str, list[ComparisonRow]] = {}
    for cell in cells(rows):
        kept = best.get(cell[0].scenario)
        if kept is None or _published_accuracy(cell[0]) > _published_accuracy(kept[0]):
            best[cell[0].scenario] = cell
    return best


def _published_accuracy(row: ComparisonRow) -> tuple[float, float]:
    if row.published_best is None:
        return -1.0, -1.0
    return row.published_best.result.defect.accuracy, row.published_best.result.clean.accuracy


def _minimal_by_scenario(report: Report) -> dict[str, Series]:
    """Returns the series of minimal repair with IMAGES repair images."""
    return {
        one.scenario: one
        for one in report.series
        if one.method == "minimal" and repair_images(one.runs[0].record) == IMAGES
    }


def _budget(report: Report) -> dict[str, Combination]:
    """Returns what minimal repair reaches with the paper's data; of two losses the one that validation data prefers."""
    best = preferred(_part(report, "budget").runs)
    return {
        scenario: Combination(record.metrics["clean_after"], record.metrics["defect_after"])
        for (scenario, _, _), record in best.items()
    }


def _target(series: Series, targets: Mapping[tuple[str, str], str]) -> str:
    images = str(repair_images(series.runs[0].record))
    return targets.get((series.scenario, images), NONE) if series.method == "minimal" else NONE


def _result(named: NamedCombination | None) -> Combination | None:
    return named.result if named else None


def _pair(results: Sequence[Combination | None]) -> str:
    """Returns mean defect / clean accuracy in percent; one number where the defect is low accuracy itself."""
    known = [result for result in results if result is not None]
    if not known:
        return NONE
    defect, clean = (
        f"{np.mean([100 * accuracy.accuracy for accuracy in accuracies]):.2f}"
        for accuracies in ([r.defect for r in known], [r.clean for r in known])
    )
    alike = all(result.defect == result.clean for result in known)
    return defect if alike else f"{defect} / {clean}"


def _lines(table: Table) -> list[dict[str, str]]:
    """Returns the lines of a table by column, without columns that say nothing."""
    names, columns = zip(*table.shown(), strict=True)
    return [dict(zip(names, line, strict=True)) for line in zip(*columns, strict=True)]


def _rows(name: str) -> list[dict[str, str]]:
    with (REFERENCE / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _pipes(lines: Lines) -> str:
    """Returns a pipe table of Markdown, without the line break at its end."""
    rows = list(lines)
    cells_of = [
        [markdown(text) for text in row] for row in (list(rows[0]), *(r.values() for r in rows))
    ]
    cells_of.insert(1, ["---"] * len(cells_of[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in cells_of)


if __name__ == "__main__":
    main()
