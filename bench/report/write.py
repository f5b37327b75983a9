"""The files of a report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.escape import markdown
from bench.records.store import write_bytes, write_text
from bench.report.build import Report
from bench.report.tables.table import Table
from repair.errors import unknown

if TYPE_CHECKING:
    from bench.report.style import Drawing

FORMATS = ("md", "csv", "tex", "html")
_FIGURES = {
    "md": "svg",
    "tex": "pdf",
    "html": "svg",
}  # the file type of figures that a format needs


def write(report: Report, out: Path | str, formats: Sequence[str] = FORMATS) -> list[Path]:
    """Writes the tables and figures in some formats.

    Args:
        report: What to write.
        out: The folder, made if need be.
        formats: Some of "md" (report.md, and each figure in SVG), "csv" (a file for each table, in full precision),
            "tex" (a file for each table, and each figure in PDF), "html" (report.html, one file with everything in it).

    Returns:
        The files, in the order of writing.

    Raises:
        InputError: A format is unknown, or the folder cannot be written.
    """
    known(formats)
    folder, tables = Path(out), report.tables()
    written = []
    if "csv" in formats:
        written += [write_text(folder / f"{stem}.csv", t.csv()) for stem, t in tables.items()]
    if "tex" in formats:
        from bench.report.latex import latex

        written += [
            write_text(folder / f"{stem}.tex", latex(t, stem)) for stem, t in tables.items()
        ]
    if set(formats) == {"csv"}:
        return written
    return written + _with_figures(report, folder, tables, formats)


def known(formats: Sequence[str]) -> Sequence[str]:
    """Returns the formats themselves; raises InputError where one is none."""
    for name in formats:
        if name not in FORMATS:
            raise unknown("format", name, FORMATS)
    return formats


def _with_figures(
    report: Report, folder: Path, tables: Mapping[str, Table], formats: Sequence[str]
) -> list[Path]:
    # matplotlib: only who draws waits for its import
    from bench.report.figures import drawings
    from bench.report.page import page
    from bench.report.style import render

    drawn, written = drawings(report), []
    files = {
        form: {drawing.stem: render(drawing.figure, form) for drawing in drawn}
        for form in sorted({_FIGURES[name] for name in formats if name in _FIGURES})
    }
    for form in [_FIGURES[name] for name in ("md", "tex") if name in formats]:
        for stem, content in files[form].items():
            written.append(write_bytes(folder / f"{stem}.{form}", content))
    if "md" in formats:
        figures = [_figure(drawing) for drawing in drawn]
        written.append(write_text(folder / "report.md", _markdown(report, tables, figures)))
    if "html" in formats:
        written.append(
            write_text(folder / "report.html", page(report, tables, drawn, files["svg"]))
        )
    return written


def _markdown(report: Report, tables: Mapping[str, Table], figures: Sequence[str]) -> str:
    parts = ["# Report\n", *(table.markdown() for table in tables.values())]
    if figures:
        parts += ["## Figures\n", *figures]
    if report.unreadable:
        parts += [
            "## Not readable\n",
            "".join(f"- {markdown(str(item))}\n" for item in report.unreadable),
        ]
    if report.notes:
        parts += ["## Left out\n", "".join(f"- {markdown(note)}\n" for note in report.notes)]
    return "\n".join(parts)


def _figure(drawing: "Drawing") -> str:
    title, caption = markdown(drawing.title), markdown(drawing.caption)
    return f"### {title}\n\n![{title}]({drawing.stem}.svg)\n\n{caption}\n"
