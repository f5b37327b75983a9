"""Scaling of architecture repair: seconds and edits over the size of generated faulty networks.

    python scripts/architecture_scaling.py [--sizes 10,40,81] [--seeds 10] [--faults 1,3]

Networks come from `repair.architecture.generate`: valid ones of so many layers with so many random
mutations, by seed. One row for each goes to results/reference/architecture/scaling.csv, and a
summary to the terminal. Expected: about half a minute; seconds grow a little faster than the size.
"""

import argparse
import csv
import gc
import io
import sys
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.records.store import write_text
from repair.architecture.generate import faulty_network
from repair.architecture.rules import rules_named
from repair.architecture.search import SearchStatus, repair
from repair.architecture.trace import trace
from repair.errors import InputError

OUT = Path(__file__).parents[1] / "results" / "reference" / "architecture" / "scaling.csv"
SIZES = [5, 10, 20, 40, 60, 70, 81, 100, 200]
COLUMNS = (
    "size",
    "faults",
    "seed",
    "layers",
    "errors",
    "status",
    "edits",
    "bound",
    "proven",
    "seconds",
    "cpu_seconds",
    "trace_seconds",
)
Row = dict[str, str | int | float]


def measured(size: int, faults: int, seed: int, rules_name: str, time_limit: float) -> Row:
    """One network: repaired once, nothing of it known from before but the caches of layers."""
    rules = rules_named(rules_name)
    graph = faulty_network(size, seed, rules, faults)
    began = time.perf_counter()
    errors = trace(graph, rules).errors
    traced, spent = time.perf_counter() - began, time.process_time()
    result = repair(graph, rules, alternatives=1, time_limit=time_limit)
    spent = time.process_time() - spent
    edits = result.repairs[0].count if result.repairs else ""
    return {
        "size": size,
        "faults": faults,
        "seed": seed,
        "layers": len(graph),
        "errors": len(errors),
        "status": str(result.status),
        "edits": edits,
        "bound": result.bound,
        "proven": int(result.proven),
        "seconds": round(result.seconds, 6),
        "cpu_seconds": round(spent, 6),
        "trace_seconds": round(traced, 6),
    }


def summary(rows: list[Row]) -> Table:
    """A line for each size and number of faults."""
    table = Table("layers", "faults", "repaired", "proven", "edits", "median s", "most s")
    for size, faults in dict.fromkeys((row["size"], row["faults"]) for row in rows):
        here = [row for row in rows if (row["size"], row["faults"]) == (size, faults)]
        done = [row for row in here if row["status"] == SearchStatus.REPAIRED]
        seconds = [float(row["seconds"]) for row in here]
        edits = [int(row["edits"]) for row in done]
        table.add_row(
            str(size),
            str(faults),
            f"{len(done)} of {len(here)}",
            str(sum(int(row["proven"]) for row in here)),
            f"{sum(edits) / len(edits):.2f}" if edits else "-",
            f"{median(seconds):.3f}",
            f"{max(seconds):.3f}",
        )
    return table


def main() -> int:
    """Runs the command; returns the exit code (2: bad input)."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=_numbers, default=SIZES, metavar="N,N")
    parser.add_argument("--faults", type=_numbers, default=[1, 3], metavar="N,N")
    parser.add_argument("--seeds", type=int, default=10, help="networks of each kind (10)")
    parser.add_argument("--rules", default="keras3", help="keras3 (default) or strict")
    parser.add_argument("--time-limit", type=float, default=10.0, help="seconds a network (10)")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    kinds = [
        (size, faults, seed)
        for size in given.sizes
        for faults in given.faults
        for seed in range(given.seeds)
    ]
    console = Console(stderr=True)
    gc.disable()  # as `timeit` does: it would walk the networks before
    try:
        rows = [
            measured(*kind, given.rules, given.time_limit)
            for kind in track(kinds, "repairing", console=console)
        ]
    except InputError as error:
        console.print(error, markup=False)
        return 2
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(given.out, text.getvalue())
    Console(width=100).print(summary(rows))
    print(given.out)
    return 0


def _numbers(text: str) -> list[int]:
    numbers = [int(part) for part in text.split(",")]
    if not numbers or min(numbers) < 1:
        raise argparse.ArgumentTypeError("expected numbers from 1 on, such as 5,10,20")
    return numbers


if __name__ == "__main__":
    sys.exit(main())
