"""What a person sees of finished runs: tables on standard output, remarks on standard error."""

import sys
from collections.abc import Sequence
from typing import Any

from bench.escape import terminal
from bench.records import store
from bench.records.record import Record
from bench.records.store import Stored
from bench.report import Report
from repair.command import answer_console
from repair.weights.status import RepairStatus


def say(text: str) -> None:
    """Prints a remark on standard error at once."""
    print("\n".join(map(terminal, text.splitlines())), file=sys.stderr, flush=True)


def show_run(stored: Stored, *, new: bool, tables: Sequence[Any] = ()) -> None:
    """Shows the tables of a run and those of the report, and where its files are.

    Args:
        stored: the run.
        new: whether it was done now, not found in the store.
        tables: the rich renderables of the run.
    """
    if not new:
        say(f"{stored.folder}: finished before; overwrite=true does it again.")
    show_records([stored.record], tables)
    if stored.record.status is not RepairStatus.OK:
        say(f"{stored.record.status}: {stored.record.reason}")
    if "no_patch" in stored.record.details:
        say(stored.record.details["no_patch"])
    if stored.record.status is RepairStatus.ERROR:
        say(f"The traceback is in {stored.folder / store.LOG}; retry=true does the run again.")
    print(stored.folder)


def show_records(records: Sequence[Record], tables: Sequence[Any] = ()) -> None:
    """Shows the report's tables of some records, after further ones."""
    console = answer_console(**({} if sys.stdout.isatty() else {"width": 200}))
    for table in (*tables, *(t.rich() for t in Report.of(records).tables().values())):
        console.print(table)
