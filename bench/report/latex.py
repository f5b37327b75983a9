"""Tables as LaTeX, in the style of the package booktabs."""

import re
from collections.abc import Sequence

from bench import escape
from bench.report.tables.table import NONE, Table

PACKAGES = ("array", "booktabs", "adjustbox", "rotating")
UPRIGHT = 90  # characters of a row that fit a page upright; wider tables are turned
WRAPPED = 40  # characters beyond which a cell is a paragraph
_NUMBER = re.compile(r"[-+±\d.,/%eE→\[\] ]+")


def latex(table: Table, stem: str) -> str:
    r"""Returns a `table` or `sidewaystable` to \input into a paper that uses PACKAGES, shrunk to fit a page.

    Args:
        stem: The stem of its \label, tab:STEM.
    """
    names, columns = zip(*table.shown(), strict=True)
    form = "".join(map(_form, columns))
    turned = (
        sum(_width(name, column) for name, column in zip(names, columns, strict=True)) > UPRIGHT
    )
    kind = "sidewaystable" if turned else "table"
    room = (
        r"max width=\linewidth, max totalheight=0.75\textwidth"
        if turned
        else r"max width=\linewidth, max totalheight=0.75\textheight"
    )
    return "\n".join(
        [
            rf"% \usepackage{{{','.join(PACKAGES)}}}",
            rf"\begin{{{kind}}}",
            rf"  \caption{{{escape.latex(table.title)}. {escape.latex(table.note)}}}",
            rf"  \label{{tab:{stem}}}",
            r"  \centering\small",
            rf"  \begin{{adjustbox}}{{{room}}}",
            rf"  \begin{{tabular}}{{{form}}}",
            r"    \toprule",
            _row(names),
            r"    \midrule",
            *(_row(line) for line in zip(*columns, strict=True)),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"  \end{adjustbox}",
            rf"\end{{{kind}}}",
            "",
        ]
    )


def _row(cells: Sequence[str]) -> str:
    breakable = (escape.latex(cell).replace("+", r"+\allowbreak{}") for cell in cells)
    return f"    {' & '.join(breakable)} \\\\"


def _form(column: Sequence[str]) -> str:
    if max(map(len, column), default=0) > WRAPPED:
        return rf">{{\raggedright\arraybackslash}}p{{{WRAPPED / 2:g}em}}"
    return "r" if _numeric(column) else "l"


def _width(name: str, column: Sequence[str]) -> int:
    return max(len(name), min(WRAPPED, max(map(len, column), default=0)))


def _numeric(column: Sequence[str]) -> bool:
    return all(cell == NONE or _NUMBER.fullmatch(cell) for cell in column)
