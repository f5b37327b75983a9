"""All figures of a report; one that has nothing to show is left out."""

from bench.report.build import Report
from bench.report.figures.accuracy import methods, trade_offs
from bench.report.figures.architecture import architectures
from bench.report.figures.comparison import comparison_figures
from bench.report.figures.flips import flips
from bench.report.figures.gallery import galleries
from bench.report.figures.kernels import kernels
from bench.report.figures.profiles import cactus, profiles
from bench.report.style import Drawing, styled

_ALL = (
    methods,
    comparison_figures,
    trade_offs,
    cactus,
    profiles,
    flips,
    kernels,
    galleries,
    architectures,
)
_OF_SEVERAL = {methods, trade_offs, cactus}  # of a single run they say no more than the tables


def drawings(report: Report) -> list[Drawing]:
    """Returns the figures in the order for reading, laid out: what is rendered twice is laid out once."""
    with styled():
        draws = [draw for draw in _ALL if len(report.runs) > 1 or draw not in _OF_SEVERAL]
        drawn = [drawing for draw in draws for drawing in draw(report)]
        for drawing in drawn:
            layout = drawing.figure.get_layout_engine()
            if layout is not None:
                layout.execute(drawing.figure)
            drawing.figure.set_layout_engine(None)  # "none" would draw twice to render once
    return drawn
