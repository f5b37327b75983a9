"""The command `python -m bench.report`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.escape import terminal
from bench.report import FORMATS, collect, write
from bench.report.write import known
from repair.command import answer_console, ended
from repair.errors import InputError

RESULTS = "results/runs"
OUT = "results/report"
REFERENCE = "results/reference"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the tables and writes the report; returns the exit code (2: bad input, 70: a fault of its own)."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.report",
        description="Tables and figures from finished runs, compared with the published numbers.",
    )
    parser.add_argument(
        "--results",
        nargs="+",
        metavar="FOLDER",
        help=f"results folders to read (default: {RESULTS})",
    )
    parser.add_argument("--out", default=OUT, metavar="FOLDER", help=f"default: {OUT}")
    parser.add_argument(
        "--format",
        default=",".join(FORMATS),
        metavar="NAME[,NAME]",
        help=f"files to write, of {','.join(FORMATS)} (default: all; html is one file with everything)",
    )
    parser.add_argument(
        "--paper",
        action="store_true",
        help=f"every table and figure of the papers and of ours, from {REFERENCE} alone",
    )
    options = parser.parse_args(arguments)
    if options.paper and options.results:
        parser.error(f"--paper reads {REFERENCE} alone: leave out --results.")
    return ended(lambda: _reported(options))


def _reported(options: argparse.Namespace) -> int:
    results = [REFERENCE] if options.paper else options.results or [RESULTS]
    remarks = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        formats = known(options.format.split(","))
        report = collect(results)
        for item in report.unreadable:
            remarks.print(terminal(f"warning: {item}"))
        for note in report.notes:
            remarks.print(terminal(note))
        # A terminal's width is respected; a file or pipe gets whole lines.
        console = answer_console(**({} if sys.stdout.isatty() else {"width": 250}))
        for table in report.tables().values():
            console.print(table.rich())
        paths = write(report, Path(options.out), formats)
    except InputError as error:
        remarks.print("\n".join(map(terminal, str(error).splitlines())))
        return 2
    print(f"{len(report.records)} runs; {len(paths)} files in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
