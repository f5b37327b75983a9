"""The table of minimal repair and its baselines, from records alone, as Markdown.

    python scripts/minimal_table.py [--records results/reference/minimal]

A line for each scenario, method, layers and N: means over seeds with the 95 % interval of Student's t where there
are at least two seeds, on test data. Targets are those of results/reference/minimal/targets.csv.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import t

from bench.record import Record, from_json

HEAD = (
    "scenario",
    "method, layers, N",
    "seeds",
    "defect %",
    "clean %",
    "weights",
    "certified",
    "seconds",
    "target: defect / clean / seconds",
)


def interval(values: Sequence[float], digits: int) -> str:
    """Mean, and half the width of its 95 % interval."""
    mean = f"{np.mean(values):.{digits}f}"
    if len(values) < 2:
        return mean
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return f"{mean} ± {half:.{digits}f}"


def line(key: tuple[str, str, str, int], records: Sequence[Record], target: str) -> list[str]:
    scenario, method, layer, count = key
    done = [record for record in records if record.status == "ok"]
    if not done:
        reasons = {record.reason or record.status for record in records}
        return [scenario, f"{method}, {layer}, {count}", "0", *["-"] * 5, "; ".join(reasons)]

    def change(what: str) -> str:
        before = 100 * done[0].metrics[f"{what}_before"].accuracy
        after = [100 * record.metrics[f"{what}_after"].accuracy for record in done]
        return f"{before:.2f} → {interval(after, 2)}"

    held = [record.details.get("certificate", {}).get("ok") for record in done]
    certified = "-" if None in held else f"{sum(held)} of {len(held)}"
    return [
        scenario,
        f"{method}, {layer}, {count}",
        str(len(done)),
        change("defect"),
        change("clean"),
        interval([record.patch["weights_changed"] for record in done if record.patch], 0),
        certified,
        interval([record.seconds["repair"] for record in done], 0),
        target,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--records", type=Path, default=Path("results/reference/minimal"))
    folder = parser.parse_args().records
    groups = defaultdict(list)
    for path in sorted(folder.rglob("record.json")):
        record = from_json(path.read_text())
        layer = str(record.details.get("layer"))
        key = (record.scenario, record.method, layer, int(record.details["repair_images"]))
        groups[key].append(record)
    with (folder / "targets.csv").open() as file:
        targets = {
            (row["scenario"], int(row["repair_images"])): "{defect} / {clean} / {seconds}".format(
                **row
            )
            for row in csv.DictReader(file)
        }
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}")
    for key, records in sorted(groups.items()):
        target = targets.get((key[0], key[3]), "-") if key[1] == "minimal" else "-"
        print(f"| {' | '.join(line(key, records, target))} |")


if __name__ == "__main__":
    main()
