"""The content of a report: records, series of runs over seeds, tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.records.distinct import distinct
from bench.records.record import Record
from bench.records.store import Stored, Unreadable, contents
from bench.report.compare import ComparisonRow, compare
from bench.report.published import PublishedCells, published
from bench.report.series import Series, preferred, series_of
from bench.report.tables.architecture import architecture_table
from bench.report.tables.runs import runs_table
from bench.report.tables.table import Table
from repair.errors import InputError


@dataclass(frozen=True)
class Report:
    """The finished runs of one or more results folders.

    Attributes:
        records: One for each finished run, ordered by experiment, method, layer, passing tests and seed.
        comparison: The rows of ours against the published results, where a paper has the scenario.
        runs: The same runs with their folders, for what compares runs; empty where the records are of no folder.
        unreadable: Files named as records that are none; their runs count as not finished.
        notes: A sentence for each record that was left out, since another of the same run counts.
    """

    records: tuple[Record, ...]
    comparison: tuple[ComparisonRow, ...]
    runs: tuple[Stored, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        records: Iterable[Record],
        runs: Iterable[Stored] = (),
        unreadable: Iterable[Unreadable] = (),
        paper: PublishedCells | None = None,
        notes: Iterable[str] = (),
    ) -> "Report":
        """Returns the report of some records.

        Args:
            paper: The published numbers; by default those shipped with the code.
        """
        ordered = tuple(sorted(records, key=_order))
        rows = compare(ordered, published() if paper is None else paper)
        in_order = tuple(sorted(runs, key=lambda run: _order(run.record)))
        return cls(ordered, tuple(rows), in_order, tuple(unreadable), tuple(notes))

    @cached_property
    def series(self) -> tuple[Series, ...]:
        """The runs with accuracies, in series; the runs of a series differ in their seed alone."""
        return tuple(series_of(self.runs))

    def tables(self) -> Mapping[str, Table]:
        """Returns the tables by the stem of their file; a table with nothing to say is left out."""
        return self._tables

    @cached_property
    def _tables(self) -> Mapping[str, Table]:
        # scipy.stats takes a second to import: only who compares waits.
        tables: dict[str, Table | None] = {}
        if self.comparison:
            from bench.report.tables.comparison import comparison_table

            tables["published_beside_ours"] = comparison_table(self.comparison)
        if len(self.runs) > 1 and self.series:
            from bench.report.tables.methods import comparisons_table, ranks_table
            from bench.report.tables.over_seeds import series_table

            best = preferred(self.runs)
            tables["methods"] = series_table(self.series)
            tables["ranks"] = ranks_table(best)
            tables["comparisons"] = comparisons_table(best)
        tables["architecture"] = architecture_table(self.records)
        tables["runs"] = runs_table(self.records)
        return {stem: table for stem, table in tables.items() if table is not None}


def collect(results: Path | str | Iterable[Path | str]) -> Report:
    """Reads the records of one or more results folders; a run that is there twice counts once.

    Raises:
        InputError: A folder is missing, or there is not one finished record.
    """
    folders = [results] if isinstance(results, Path | str) else list(results)
    read = [contents(folder) for folder in folders]
    unreadable = {
        broken.path.resolve(): broken for item in read for broken in item.unreadable
    }.values()
    once = distinct(read)
    report = Report.of((run.record for run in once.runs), once.runs, unreadable, notes=once.notes)
    if not report.records:
        names = ", ".join(str(folder) for folder in folders)
        broken = "".join(f"\n  {item}" for item in unreadable)
        raise InputError(
            f"no finished record in {names}. Expected the results_dir of earlier runs; make one "
            f"with `python -m bench +experiment=quickstart`.{broken}"
        )
    return report


def _order(record: Record) -> tuple[str, str, str, str, int, str]:
    layer, exp = (str(record.details.get(name, "")) for name in ("layer", "exp"))
    return record.experiment, record.method, layer, exp, record.seed, record.config_hash
