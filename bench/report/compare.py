"""Comparison with published results: one row for each record of NNrepair, and for each published cell not run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from bench.records import details
from bench.records.record import Combination, Record
from bench.report.published import PublishedCell, PublishedCells, best_on_test

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
class NamedCombination:
    """A combination of experts by its name, and its accuracies on test data."""

    name: str
    result: Combination


@dataclass(frozen=True)
class ComparisonRow:
    """Published and our results for one cell: a scenario, a kind of layer and an experiment.

    Attributes:
        scenario: One of SCENARIOS.
        layer: "last" or "intermediate".
        exp: "ExpA".."ExpD"; "" for the published experiment without a name.
        before: Accuracies of the unrepaired network.
        published_best: The paper's combination with the highest accuracy on test data.
        published_same: The paper's result for the combination that validation data chose for us.
        chosen: Our combination chosen on validation data.
        best: Our combination with the highest accuracy on test data, chosen as the paper chose; for comparison only.
        record: Our record; None where this cell was not run.
    """

    scenario: str
    layer: str
    exp: str
    before: Combination | None
    published_best: NamedCombination | None
    published_same: NamedCombination | None
    chosen: NamedCombination | None
    best: NamedCombination | None
    record: Record | None

    @property
    def status(self) -> str:
        """The status of the record, or "not run"."""
        return self.record.status if self.record else "not run"

    def defect_gap(self) -> float | None:
        """Returns ours chosen on validation minus the published best on test, defect data, percentage points."""
        if self.chosen is None or self.published_best is None:
            return None
        ours, theirs = self.chosen.result.defect, self.published_best.result.defect
        return 100 * (ours.accuracy - theirs.accuracy)

    def clean_gap(self) -> float | None:
        """Returns the same difference on clean data."""
        if self.chosen is None or self.published_best is None:
            return None
        ours, theirs = self.chosen.result.clean, self.published_best.result.clean
        return 100 * (ours.accuracy - theirs.accuracy)


def cell_of(record: Record) -> tuple[str, str, str] | None:
    """Returns the published cell of a record, (scenario, kind of layer, experiment); None where it has none."""
    layer, exp = details.text(record, "layer"), details.text(record, "exp")
    passing = details.count(record, "passing_tests")
    exp = exp or (None if passing is None else EXPERIMENTS.get(passing))
    if record.method != METHOD or record.scenario not in SCENARIOS or not layer or not exp:
        return None
    return record.scenario, "last" if layer == "last" else "intermediate", exp


def clean_and_defect(record: Record, when: str) -> Combination | None:
    """Returns clean and defect accuracy "before" or "after" repair; None where the record lacks one."""
    clean, defect = record.metrics.get(f"clean_{when}"), record.metrics.get(f"defect_{when}")
    return Combination(clean, defect) if clean and defect else None


def compare(records: Iterable[Record], published: PublishedCells) -> list[ComparisonRow]:
    """Returns a row for each record of NNrepair and for each published cell of their scenarios, in order."""
    ours: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        cell = cell_of(record)
        if cell is not None:
            ours.setdefault(cell, []).append(record)
    scenarios, layers = {cell[0] for cell in ours}, {cell[:2] for cell in ours}
    # A cell without a name belongs to every experiment that we ran at that layer, and has its own row if we ran none.
    reported = {cell for cell in published if cell[2] or cell[:2] not in layers}
    cells = ours.keys() | {cell for cell in reported if cell[0] in scenarios}
    rows: list[ComparisonRow] = []
    for cell in sorted(cells, key=_order):
        runs: list[Record | None] = [*sorted(ours.get(cell, []), key=_run_order)]
        rows += [_row(cell, published_cell(published, cell), run) for run in runs or [None]]
    return rows


def cells(rows: Iterable[ComparisonRow]) -> list[list[ComparisonRow]]:
    """Returns the rows of `compare` by cell and config: the rows of a group differ in their seed alone."""
    return [list(group) for _, group in groupby(rows, key=_cell)]


def combinations_before(cell: Iterable[ComparisonRow]) -> list[Combination]:
    """Returns the accuracies before repair of the rows that have ours after it, seed by seed; of all, if none has."""
    rows = [row for row in cell if row.before]
    repaired = [row for row in rows if row.chosen] or rows
    return [row.before for row in repaired if row.before]


def published_cell(published: PublishedCells, cell: tuple[str, str, str]) -> PublishedCell | None:
    """Returns the published cell; one without a name (MNIST low quality, intermediate) belongs to all experiments."""
    return published.get(cell) or published.get((*cell[:2], ""))


def _cell(row: ComparisonRow) -> tuple[str, ...]:
    return row.scenario, row.layer, row.exp, row.record.config_hash if row.record else ""


def _order(cell: tuple[str, str, str]) -> tuple[int, bool, str]:
    return SCENARIOS.index(cell[0]), cell[1] != "last", cell[2]


def _run_order(record: Record) -> tuple[str, int]:
    return record.config_hash, record.seed


def _row(
    cell: tuple[str, str, str], paper: PublishedCell | None, record: Record | None
) -> ComparisonRow:
    combinations = record.combinations if record else {}
    reported = paper.combinations if paper else {}
    best, published_best = best_on_test(combinations), best_on_test(reported)
    chosen = _chosen(record)
    same = chosen.name if chosen and chosen.name in reported else None
    return ComparisonRow(
        *cell,
        before=(clean_and_defect(record, "before") if record else None)
        or (paper.before if paper else None),
        published_best=_named(reported, published_best),
        published_same=_named(reported, same),
        chosen=chosen,
        best=_named(combinations, best),
        record=record,
    )


def _chosen(record: Record | None) -> NamedCombination | None:
    if record is None or record.chosen is None:
        return None
    if record.chosen in record.combinations:
        return NamedCombination(record.chosen, record.combinations[record.chosen])
    after = clean_and_defect(record, "after")
    return NamedCombination(record.chosen, after) if after else None


def _named(combinations: Mapping[str, Combination], name: str | None) -> NamedCombination | None:
    return None if name is None else NamedCombination(name, combinations[name])
