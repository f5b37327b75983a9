"""What results folders say: records, series of runs over seeds, tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.records.distinct import distinct
from bench.records.record import Record
from bench.records.store import Stored, Unreadable, contents
from bench.report.architecture import architecture_table
from bench.report.compare import Line, compare
from bench.report.published import Published, published
from bench.report.series import Series, preferred, series_of
from bench.report.tables import Table, runs_table
from repair.errors import InputError


@dataclass(frozen=True)
class Report:
    """What a results folder says.

    Attributes:
        records: every finished run, by experiment, method, layer, passing tests and seed.
        lines: published beside ours, where the paper has the scenario.
        runs: the same with their folders, for what compares runs; empty where there are none.
        unreadable: record files that are none; their runs count as not finished.
        notes: records that were left out, since another of the same run counts.
    """

    records: tuple[Record, ...]
    lines: tuple[Line, ...]
    runs: tuple[Stored, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        records: Iterable[Record],
        runs: Iterable[Stored] = (),
        unreadable: Iterable[Unreadable] = (),
        reported: Published | None = None,
        notes: Iterable[str] = (),
    ) -> "Report":
        """The report of some records.

        Args:
            reported: the published numbers; by default those shipped with the code.
        """
        ordered = tuple(sorted(records, key=_order))
        lines = compare(ordered, published() if reported is None else reported)
        found = tuple(sorted(runs, key=lambda run: _order(run.record)))
        return cls(ordered, tuple(lines), found, tuple(unreadable), tuple(notes))

    @cached_property
    def series(self) -> tuple[Series, ...]:
        """The runs with accuracies; those of a series differ in their seed alone."""
        return tuple(series_of(self.runs))

    def tables(self) -> Mapping[str, Table]:
        """File stem -> table; those with nothing to say are left out."""
        return self._tables

    @cached_property
    def _tables(self) -> Mapping[str, Table]:
        # scipy.stats takes a second to import: only who compares waits.
        found: dict[str, Table | None] = {}
        if self.lines:
            from bench.report.beside import comparison_table

            found["published_beside_ours"] = comparison_table(self.lines)
        if len(self.runs) > 1 and self.series:
            from bench.report.methods import comparisons_table, ranks_table, series_table

            best = preferred(self.runs)
            found["methods"] = series_table(self.series)
            found["ranks"] = ranks_table(best)
            found["comparisons"] = comparisons_table(best)
        found["architecture"] = architecture_table(self.records)
        found["runs"] = runs_table(self.records)
        return {stem: table for stem, table in found.items() if table is not None}


def collect(results: Path | str | Iterable[Path | str]) -> Report:
    """Reads the records of one or more results folders; of a run that is there twice one counts.

    Raises:
        InputError: a folder is missing, or there is not one finished record.
    """
    folders = [results] if isinstance(results, Path | str) else list(results)
    found = [contents(folder) for folder in folders]
    unreadable = {
        broken.path.resolve(): broken for item in found for broken in item.unreadable
    }.values()
    once = distinct(found)
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
