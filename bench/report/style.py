"""The style of every figure: colours, markers, sizes, and files with the same bytes for the same figure."""

import io
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import NullLocator

from bench.escape import mathtext, shortened

# Okabe and Ito, Color Universal Design, 2008: told apart by colour-blind readers; with a marker each also in print.
BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, BLACK, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#000000", "#999999"
BEFORE = VERMILLION  # the network before repair, where no method has a colour
SEQUENTIAL, DIVERGING = "cividis", "PuOr"  # both fit for colour-blind readers

_METHODS = {
    "minimal": (BLUE, "o"),
    "nnrepair": (ORANGE, "s"),
    "finetune": (GREEN, "^"),
    "refit": (PURPLE, "D"),
}
_FURTHER = ((SKY, "v"), (BLACK, "P"), (YELLOW, "X"), (GREY, "*"), (VERMILLION, "<"))
_STEM = re.compile(r"[a-z0-9_-]+")
_LONGEST = 48  # characters of a name in a figure
SHORTEST = 1e-6  # seconds; what took less, or no time at all, stands here on a logarithmic axis
WIDTH = 7.0  # inches, the text width of a two-column page
_RC: Any = {  # Any: matplotlib's stub lists every key of rc as a literal
    # Matplotlib brings it along: the same letters everywhere, and those of most papers.
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 9,
    "axes.titlesize": 9,
    "figure.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.linewidth": 0.4,
    "grid.color": "#DDDDDD",
    "axes.axisbelow": True,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "repairbench",
}
# Without dates and versions, so that the same records give the same bytes.
_METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"CreationDate": None, "Creator": "repairbench", "Producer": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
}


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure of a report.

    Attributes:
        stem: The stem of its files and ids: words of the code, and slugs of names.
        title: The heading.
        caption: What there is to see, in full sentences: a reader may have nothing else.
        figure: The figure itself.
    """

    stem: str
    title: str
    caption: str
    figure: Figure

    def __post_init__(self) -> None:
        if not _STEM.fullmatch(self.stem):
            raise ValueError(f"{self.stem!r} names files: expected words and slugs.")


def looks(methods: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Returns colour and marker by method; the methods of this project have the same in every figure and report."""
    names = sorted(set(methods))
    further = [name for name in names if name not in _METHODS]
    fill = {name: _FURTHER[index % len(_FURTHER)] for index, name in enumerate(further)}
    return {name: _METHODS.get(name) or fill[name] for name in names}


def legible(text: str) -> str:
    """Returns a name as the text of a figure: short enough to leave room, in letters that the font has."""
    seen = mathtext(shortened(text, _LONGEST))
    if seen.isascii():
        return seen
    letters = get_font(findfont(_RC["font.family"])).get_charmap()
    return "".join(letter if ord(letter) in letters else "?" for letter in seen)


def logarithmic(axes: Axes, which: Literal["x", "y"]) -> None:
    """Makes an axis logarithmic, with plain numbers at powers of ten and nothing between."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


@contextmanager
def styled() -> Iterator[None]:
    """Draws figures in the style of this module, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)
        yield


def render(drawn: Figure, form: str) -> bytes:
    """Returns the figure as a file of the form "pdf" or "svg"."""
    out = io.BytesIO()
    with styled():
        drawn.savefig(out, format=form, metadata=_METADATA[form])
    return out.getvalue()
