"""One figure for each scenario: defect and clean accuracy, published beside ours."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.record import Accuracy, Combination, Record
from bench.report.compare import Line, cell_of, pair
from bench.report.published import best_on_test

# Colours of Okabe and Ito and a marker each: told apart by colour-blind readers and in print.
# Markers, not bars: differences of a point between 95 and 98 % must be seen.
_SERIES = (
    ("published, best on test", "o", "#999999"),
    ("published, our combination", "s", "#FFFFFF"),
    ("ours, chosen on validation", "D", "#0072B2"),
    ("ours, best on test", "^", "#56B4E9"),
)
_STYLE: Any = {  # Any: matplotlib's stub lists every key of rc as a literal
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.linewidth": 0.4,
    "grid.color": "#DDDDDD",
    "axes.axisbelow": True,
    "pdf.fonttype": 42,
}
# Without dates and versions, so that the same records give the same bytes.
_METADATA: dict[str, dict[str, str | None]] = {
    "pdf": {"CreationDate": None, "Creator": "repairbench", "Producer": None},
    "png": {"Software": None},
}
_STEP = 0.2  # between the markers of a group; groups are 1 apart


@dataclass(frozen=True)
class Group:
    """The results at one place of the horizontal axis, in the order of the legend; None: none."""

    label: str
    before: Combination | None
    results: tuple[Combination | None, ...]
    remark: str


def groups_of(scenario: str, lines: Sequence[Line], records: Sequence[Record]) -> list[Group]:
    """The groups of a scenario's figure: its lines of NNrepair, then its runs of other methods."""
    compared = [_compared(line) for line in lines if line.scenario == scenario]
    others = [r for r in records if r.scenario == scenario and cell_of(r) is None]
    return compared + [_other(record) for record in others if pair(record, "before")]


def figure(scenario: str, groups: Sequence[Group]) -> Figure:
    """Defect accuracy above clean accuracy; a line marks the network before repair."""
    with mpl.rc_context(_STYLE):
        drawn = Figure(figsize=(max(4.5, 1.2 + 0.75 * len(groups)), 4.6), layout="constrained")
        defect, clean = drawn.subplots(2, 1, sharex=True)
        _draw(defect, groups, lambda result: result.defect)
        _draw(clean, groups, lambda result: result.clean)
        defect.set_ylabel("defect test data, % right")
        clean.set_ylabel("clean test data, % right")
        clean.set_xticks(range(len(groups)), [group.label for group in groups])
        clean.set_xlim(-0.5, len(groups) - 0.5)
        handles, labels = defect.get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        drawn.suptitle(scenario.replace("_", " "), fontsize=9)
    return drawn


def render(drawn: Figure, form: str) -> bytes:
    """The figure as a file of the form "pdf" or "png"."""
    out = io.BytesIO()
    with mpl.rc_context(_STYLE):
        drawn.savefig(out, format=form, dpi=200, metadata=_METADATA[form])
    return out.getvalue()


def _draw(axes: Axes, groups: Sequence[Group], choose: Callable[[Combination], Accuracy]) -> None:
    half = _STEP * len(_SERIES) / 2
    lines = [
        (place, 100 * choose(group.before).accuracy)
        for place, group in enumerate(groups)
        if group.before
    ]
    axes.hlines(
        [height for _, height in lines],
        [place - half for place, _ in lines],
        [place + half for place, _ in lines],
        colors="#D55E00",
        linewidth=1.2,
        label="before repair",
    )
    for index, (label, marker, colour) in enumerate(_SERIES):
        offset = (index - (len(_SERIES) - 1) / 2) * _STEP
        marks = [
            (place + offset, 100 * choose(result).accuracy)
            for place, group in enumerate(groups)
            if (result := group.results[index])
        ]
        if marks:
            x, y = zip(*marks, strict=True)
            axes.plot(x, y, marker, color=colour, mec="black", mew=0.5, ms=5, label=label)
    for place, group in enumerate(groups):
        axes.annotate(
            group.remark,
            (place + _STEP, 0.5),
            xycoords=("data", "axes fraction"),
            rotation=90,
            ha="center",
            va="center",
            fontsize=6,
        )
    axes.margins(y=0.15)


def _compared(line: Line) -> Group:
    named = (line.published_best, line.published_same, line.chosen, line.best)
    seed = f"\nseed {line.record.seed}" if line.record and line.record.seed else ""
    results = tuple(item.result if item else None for item in named)
    remark = _remark(line.status, line.chosen is not None)
    return Group(f"{line.layer}\n{line.exp}{seed}", line.before, results, remark)


def _other(record: Record) -> Group:
    words = (record.details.get("layer"), record.details.get("exp"), f"seed {record.seed}")
    label = "\n".join([record.method, *(str(word) for word in words if word)])
    after, best = pair(record, "after"), best_on_test(record.combinations)
    results = (None, None, after, record.combinations[best] if best else None)
    return Group(label, pair(record, "before"), results, _remark(record.status, after is not None))


def _remark(status: str, shown: bool) -> str:
    return "" if shown else f"ours: {status.replace('_', ' ')}"
