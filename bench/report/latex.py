"""Tables as LaTeX, in the style of the package booktabs."""

import re
from collections.abc import Sequence

from bench.report.tables import NONE, Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_SPECIALS = re.compile("|".join(map(re.escape, _SPECIAL)))
_NUMBER = re.compile(r"[-+±\d.,/%eE→\[\] ]+")


def latex(table: Table, stem: str) -> str:
    r"""A `table` environment to \input into a paper that uses booktabs (and rotates or scales it as it likes).

    Args:
        stem: of its \label, tab:STEM.
    """
    names, columns = zip(*table.shown(), strict=True)
    form = "".join("r" if _numeric(column) else "l" for column in columns)
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            r"\begin{table}",
            rf"  \caption{{{escape(table.title)}. {escape(table.note)}}}",
            rf"  \label{{tab:{stem}}}",
            r"  \centering\small",
            rf"  \begin{{tabular}}{{{form}}}",
            r"    \toprule",
            _row(names),
            r"    \midrule",
            *(_row(line) for line in zip(*columns, strict=True)),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escape(text: str) -> str:
    """Text of any kind as LaTeX shows it."""
    return _SPECIALS.sub(lambda found: _SPECIAL[found[0]], text.replace("\n", " "))


def _row(cells: Sequence[str]) -> str:
    return f"    {' & '.join(map(escape, cells))} \\\\"


def _numeric(column: Sequence[str]) -> bool:
    return all(cell == NONE or _NUMBER.fullmatch(cell) for cell in column)
