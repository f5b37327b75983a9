"""From a results folder to the files of a report."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.record import Record
from bench.report.compare import Line, compare
from bench.report.published import Published, published
from bench.report.series import Series, preferred, series_of
from bench.report.tables import Table, runs_table
from bench.store import Stored, Unreadable, contents, write_bytes, write_text
from repair.errors import InputError


@dataclass(frozen=True)
class Report:
    """What a results folder says.

    Attributes:
        records: every finished run, by experiment, method, layer, passing tests and seed.
        lines: published beside ours, where the paper has the scenario.
        runs: the same with their folders, for what compares runs; empty where there are none.
        unreadable: record files that are none; their runs count as not finished.
    """

    records: tuple[Record, ...]
    lines: tuple[Line, ...]
    runs: tuple[Stored, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @classmethod
    def of(
        cls,
        records: Iterable[Record],
        runs: Iterable[Stored] = (),
        unreadable: Iterable[Unreadable] = (),
        reported: Published | None = None,
    ) -> "Report":
        """The report of some records.

        Args:
            reported: the published numbers; by default those shipped with the code.
        """
        ordered = tuple(sorted(records, key=_order))
        lines = compare(ordered, published() if reported is None else reported)
        found = tuple(sorted(runs, key=lambda run: _order(run.record)))
        return cls(ordered, tuple(lines), found, tuple(unreadable))

    @cached_property
    def series(self) -> tuple[Series, ...]:
        """The runs with accuracies; those of a series differ in their seed alone."""
        return tuple(series_of(self.runs))

    def tables(self) -> dict[str, Table]:
        """File stem -> table; those with nothing to say are left out."""
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
        found["runs"] = runs_table(self.records)
        return {stem: table for stem, table in found.items() if table is not None}

    def scenarios(self) -> list[str]:
        """The scenarios of the records, in the order of their names."""
        return sorted({record.scenario for record in self.records})


def collect(results: Path | str | Iterable[Path | str]) -> Report:
    """Reads the records of one or more results folders.

    Raises:
        InputError: a folder is missing, or there is not one finished record.
    """
    folders = [results] if isinstance(results, Path | str) else list(results)
    found = [contents(folder) for folder in folders]
    unreadable = [broken for item in found for broken in item.unreadable]
    runs = [run for item in found for run in item.runs]
    report = Report.of((run.record for run in runs), runs, unreadable)
    if not report.records:
        names = ", ".join(str(folder) for folder in folders)
        broken = "".join(f"\n  {item}" for item in unreadable)
        raise InputError(
            f"no finished record in {names}. Expected the results_dir of earlier runs; make one "
            f"with `python -m bench +experiment=quickstart`.{broken}"
        )
    return report


def write(report: Report, out: Path | str) -> list[Path]:
    """Writes report.md, a CSV for each table, and a figure (PDF and PNG) for each scenario.

    Returns:
        The files, in the order of writing.

    Raises:
        InputError: the folder cannot be written.
    """
    folder = Path(out)
    tables = report.tables()
    figures = _write_figures(report, folder)
    written = []
    for stem, table in tables.items():
        written.append(write_text(folder / f"{stem}.csv", table.csv()))
    return [*written, *figures, write_text(folder / "report.md", _markdown(report, figures))]


def _order(record: Record) -> tuple[str, str, str, str, int, str]:
    layer, exp = (str(record.details.get(name, "")) for name in ("layer", "exp"))
    return record.experiment, record.method, layer, exp, record.seed, record.config_hash


def _write_figures(report: Report, folder: Path) -> list[Path]:
    from bench.report.figures import figure, groups_of, render  # matplotlib: only who draws waits

    written = []
    for scenario in report.scenarios():
        groups = groups_of(scenario, report.lines, report.records)
        if groups:  # an architecture run has no accuracies to draw
            drawn = figure(scenario, groups)
            for form in ("pdf", "png"):
                path = folder / f"{scenario}.{form}"
                written.append(write_bytes(path, render(drawn, form)))
    return written


def _markdown(report: Report, figures: list[Path]) -> str:
    parts = ["# Report\n", *(table.markdown() for table in report.tables().values())]
    images = [f"![{path.stem}]({path.name})\n" for path in figures if path.suffix == ".png"]
    if images:
        parts += ["## Figures\n", *images]
    if report.unreadable:
        parts += ["## Not readable\n", "\n".join(f"- {item}" for item in report.unreadable) + "\n"]
    return "\n".join(parts)
