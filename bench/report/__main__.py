"""The command `python -m bench.report`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.report import collect, write
from repair.errors import InputError

RESULTS = "results/runs"
OUT = "results/report"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables and writes the report; returns the exit code (2: bad input)."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.report",
        description="Tables and figures from finished runs, the published numbers beside ours.",
    )
    parser.add_argument(
        "--results",
        nargs="+",
        default=[RESULTS],
        metavar="FOLDER",
        help=f"results folders to read (default: {RESULTS})",
    )
    parser.add_argument("--out", default=OUT, metavar="FOLDER", help=f"default: {OUT}")
    given = parser.parse_args(arguments)
    errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        report = collect(given.results)
        for item in report.unreadable:
            errors.print(f"warning: {item}")
        # A terminal's width is respected; a file or pipe gets whole lines.
        console = Console() if sys.stdout.isatty() else Console(width=250)
        for table in report.tables().values():
            console.print(table.rich())
        paths = write(report, Path(given.out))
    except InputError as error:
        errors.print(str(error))
        return 2
    print(f"{len(report.records)} runs; {len(paths)} files in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
