"""The table of minimal repair and its baselines beside the targets, from records alone, as Markdown.

    python scripts/minimal_table.py [--records results/reference/minimal]

A line for each scenario, method and settings: means over seeds with 95 % bootstrap intervals, on test data, as in
`python -m bench.report`. Targets are those of the records' targets.csv, if there is one.
"""

import argparse
import csv
from dataclasses import replace
from pathlib import Path

from bench.report import collect
from bench.report.series import Series, repair_images
from bench.report.tables import NONE
from bench.report.tables.over_seeds import series_table

TARGETS = "targets.csv"
Targets = dict[tuple[str, str], str]


def targets(path: Path) -> Targets:
    """(scenario, repair images) -> defect, clean and seconds to reach; nothing where there is no such file."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {
            (
                row["scenario"],
                row["repair_images"],
            ): f"{row['defect']} / {row['clean']} / {row['seconds']}"
            for row in csv.DictReader(file)
        }


def target(series: Series, known: Targets) -> str:
    images = str(repair_images(series.runs[0].record))
    return known.get((series.scenario, images), NONE) if series.method == "minimal" else NONE


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--records", type=Path, default=Path("results/reference/minimal"))
    folder = parser.parse_args().records
    series, known = collect(folder).series, targets(folder / TARGETS)
    table = series_table(series)
    lines = [[*line, target(one, known)] for one, line in zip(series, table.lines, strict=True)]
    columns = [*table.columns, "target: defect / clean / seconds"]
    print(replace(table, columns=columns, lines=lines).markdown())


if __name__ == "__main__":
    main()
