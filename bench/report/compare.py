"""Ours beside the published: one line for each record of NNrepair, and for each cell not run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from bench.records import details
from bench.records.record import Combination, Record
from bench.report.published import Published, PublishedCell, best_on_test

METHOD = "nnrepair"
EXPERIMENTS = {0: "ExpA", 10: "ExpB", 50: "ExpC", 100: "ExpD"}
SCENARIOS = (
    "low_quality_mnist",
    "poison_mnist",
    "poison_cifar",
    "adversarial_mnist",
    "adversarial_cifar",
)


@dataclass(frozen=True)
class Named:
    """A combination with its name and its result on test data."""

    name: str
    result: Combination


@dataclass(frozen=True)
class Line:
    """Published and ours for one scenario, layer kind and experiment.

    Args:
        layer: "last" or "intermediate".
        exp: "ExpA".."ExpD"; "" for the published experiment without a name.
        published_best: the paper's best on test data.
        published_same: the paper's figure for the combination that validation data chose for us.
        chosen: ours, chosen on validation data.
        best: ours, best on test data, as the paper chose; only to compare like with like.
        record: our record; None where this cell was not run.
    """

    scenario: str
    layer: str
    exp: str
    before: Combination | None
    published_best: Named | None
    published_same: Named | None
    chosen: Named | None
    best: Named | None
    record: Record | None

    @property
    def status(self) -> str:
        """The record's status, or "not run"."""
        return self.record.status if self.record else "not run"

    def defect_gap(self) -> float | None:
        """Ours chosen on validation minus the published best on test, defect data, points."""
        if self.chosen is None or self.published_best is None:
            return None
        ours, theirs = self.chosen.result.defect, self.published_best.result.defect
        return 100 * (ours.accuracy - theirs.accuracy)

    def clean_gap(self) -> float | None:
        """As `defect_gap`, clean data."""
        if self.chosen is None or self.published_best is None:
            return None
        ours, theirs = self.chosen.result.clean, self.published_best.result.clean
        return 100 * (ours.accuracy - theirs.accuracy)


def cell_of(record: Record) -> tuple[str, str, str] | None:
    """The published cell a record belongs to: scenario, layer kind, experiment; None if to none."""
    layer, exp = details.text(record, "layer"), details.text(record, "exp")
    passing = details.count(record, "passing_tests")
    exp = exp or (None if passing is None else EXPERIMENTS.get(passing))
    if record.method != METHOD or record.scenario not in SCENARIOS or not layer or not exp:
        return None
    return record.scenario, "last" if layer == "last" else "intermediate", exp


def pair(record: Record, when: str) -> Combination | None:
    """Clean and defect accuracy "before" or "after" repair; None where the record has none."""
    clean, defect = record.metrics.get(f"clean_{when}"), record.metrics.get(f"defect_{when}")
    return Combination(clean, defect) if clean and defect else None


def compare(records: Iterable[Record], published: Published) -> list[Line]:
    """A line for each record of NNrepair and each published cell of their scenarios, in order."""
    ours: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        cell = cell_of(record)
        if cell is not None:
            ours.setdefault(cell, []).append(record)
    scenarios, layers = {cell[0] for cell in ours}, {cell[:2] for cell in ours}
    # A cell without a name stands beside what we ran at that layer; alone where that is nothing.
    reported = {cell for cell in published if cell[2] or cell[:2] not in layers}
    cells = ours.keys() | {cell for cell in reported if cell[0] in scenarios}
    lines = []
    for cell in sorted(cells, key=_order):
        runs: list[Record | None] = [*sorted(ours.get(cell, []), key=_run_order)]
        lines += [_line(cell, theirs(published, cell), run) for run in runs or [None]]
    return lines


def cells(lines: Iterable[Line]) -> list[list[Line]]:
    """The lines of `compare` by cell and config: those together differ in their seed alone."""
    return [list(group) for _, group in groupby(lines, key=_cell)]


def befores(cell: Iterable[Line]) -> list[Combination]:
    """Accuracies before repair of the lines of a cell that have ours after it, seed by seed; of all, if none has."""
    lines = [line for line in cell if line.before]
    paired = [line for line in lines if line.chosen] or lines
    return [line.before for line in paired if line.before]


def theirs(published: Published, cell: tuple[str, str, str]) -> PublishedCell | None:
    """The published cell; one without a name (MNIST low quality, intermediate) stands for all."""
    return published.get(cell) or published.get((*cell[:2], ""))


def _cell(line: Line) -> tuple[str, ...]:
    return line.scenario, line.layer, line.exp, line.record.config_hash if line.record else ""


def _order(cell: tuple[str, str, str]) -> tuple[int, bool, str]:
    return SCENARIOS.index(cell[0]), cell[1] != "last", cell[2]


def _run_order(record: Record) -> tuple[str, int]:
    return record.config_hash, record.seed


def _line(cell: tuple[str, str, str], paper: PublishedCell | None, record: Record | None) -> Line:
    combinations = record.combinations if record else {}
    reported = paper.combinations if paper else {}
    best, published_best = best_on_test(combinations), best_on_test(reported)
    chosen = _chosen(record)
    same = chosen.name if chosen and chosen.name in reported else None
    return Line(
        *cell,
        before=(pair(record, "before") if record else None) or (paper.before if paper else None),
        published_best=_named(reported, published_best),
        published_same=_named(reported, same),
        chosen=chosen,
        best=_named(combinations, best),
        record=record,
    )


def _chosen(record: Record | None) -> Named | None:
    if record is None or record.chosen is None:
        return None
    if record.chosen in record.combinations:
        return Named(record.chosen, record.combinations[record.chosen])
    after = pair(record, "after")
    return Named(record.chosen, after) if after else None


def _named(combinations: Mapping[str, Combination], name: str | None) -> Named | None:
    return None if name is None else Named(name, combinations[name])
