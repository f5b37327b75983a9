"""Text of records made harmless, one function for each form in which it is shown.

Names and reasons come from results folders, and those from anybody. Each function takes any text, keeps what a reader
can see of it, on one line, and returns what its form takes for text and for nothing else.
"""

import hashlib
import html as _html
import re
import unicodedata
from functools import lru_cache

SLUG = 40  # characters up to which a name can be its own slug
_KEPT = 32  # characters of a longer or other name in its slug
_DIGITS = 24  # hexadecimal, of SHA-256: nobody finds two names with the same
_CLEAN = re.compile(r"[a-z0-9_]+(?:-[a-z0-9_]+)*")
_DIGESTED = re.compile(rf".*-[0-9a-f]{{{_DIGITS}}}")
_RESERVED = frozenset(  # by Windows, in any folder
    ("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)))
)
_SPACES = re.compile(r"\s+")
_FORMULA = tuple("=+-@＝＋－＠")
_MARKDOWN = re.compile(
    r"(?P<numbers>\[[-+]?\d[-+\d., ]*\](?![(\[:]))"  # an interval, such as [0.5, 1]: no link
    r"|[\\`*|\[\]~$#!&<]"
    r"|(?<![^\W_])_|_(?![^\W_])"  # within a word it means nothing
    r"|:(?=//)|(?<=www)\.",  # addresses become links by themselves
    re.IGNORECASE,
)
_ENTITIES = {"&": "&amp;", "<": "&lt;"}
_LATEX = {
    "\\": r"\textbackslash{}",
    "→": r"$\rightarrow$",
    "->": r"$\rightarrow$",
    "±": r"$\pm$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_LATEX_SIGNS = re.compile("|".join(map(re.escape, _LATEX)))


def plain(text: str) -> str:
    """What can be seen of a text, on one line.

    White space of any kind but spaces becomes a space. Control and format characters (escape sequences, directions of
    writing, zero widths), halves of surrogate pairs and non-characters are left out.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def terminal(text: str) -> str:
    """For a terminal, by `print`; rich takes it as a `Text`, as its markup is not escaped."""
    return plain(text)


def html(text: str) -> str:
    """For HTML: text between tags, and the value of an attribute in quotes of either kind."""
    return _html.escape(plain(text))


def markdown(text: str) -> str:
    """For Markdown with pipe tables (GFM): a paragraph, a heading, a cell, the text of an image."""
    return _MARKDOWN.sub(_marked, plain(text))


def csv_cell(value: str | int | float | None) -> str | int | float | None:
    """For a cell of CSV, written by the module csv, that a spreadsheet may open.

    A text that begins with = + - @ (or wide forms of these, or any of them after white space) would be a formula: it
    gets an apostrophe in front, which spreadsheets take for "this is text" (OWASP, CSV injection). Numbers are not
    text: -0.5 stays the number that it is.
    """
    if not isinstance(value, str):
        return value
    shown = plain(value)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def latex(text: str) -> str:
    r"""For LaTeX: a cell of a table, a caption. A line that began with [ or * would belong to the \\ before it."""
    shown = _LATEX_SIGNS.sub(lambda found: _LATEX[found[0]], plain(text))
    return f"{{}}{shown}" if shown.lstrip().startswith(("[", "*")) else shown


def mathtext(text: str) -> str:
    r"""For text in a figure of matplotlib: $ begins no formula, and an underscore in front hides no legend entry."""
    shown = plain(text).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def shortened(text: str, most: int) -> str:
    """The text, cut where it has more characters than `most`."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def slug(*names: str) -> str:
    """For names of files and ids: a few of a-z, 0-9, _ and -; of other names others, whatever the case of letters.

    A short name of just these characters is its own slug; any other keeps what it has of them and gets a digest.
    Several names are joined by --, which the slug of one name never has.
    """
    return "--".join(map(_slug, names))


def _slug(name: str) -> str:
    clean = len(name) <= SLUG and _CLEAN.fullmatch(name) and name not in _RESERVED
    if clean and not _DIGESTED.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    kept = re.sub(r"[^a-z0-9]+", "_", name[: 4 * _KEPT].lower())[:_KEPT].strip("_")
    return f"{kept or 'name'}-{digest}"


def _marked(found: re.Match[str]) -> str:
    return found[0] if found["numbers"] else _ENTITIES.get(found[0], f"\\{found[0]}")


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    if _SPACES.fullmatch(character):
        return " "
    code = ord(character)
    nonsense = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    return "" if nonsense or unicodedata.category(character) in ("Cc", "Cf", "Cs") else character
