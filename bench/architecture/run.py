"""Repairs a set of cases: a row for each, and the metrics of the set."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.architecture.build import built
from bench.architecture.cases import Case
from bench.architecture.metrics import Row, metrics
from bench.architecture.train import accuracy
from bench.records.rows import Value
from bench.report.tables import csv_text
from repair.architecture.edits import ChangeType, Insert, MakeWeights, Move, Remove, Rewire
from repair.architecture.graph import Graph
from repair.architecture.rules import Rules
from repair.architecture.search import SearchResult, repair
from repair.architecture.trace import trace
from repair.errors import InputError

COLUMNS = (
    "case",
    "status",
    "reason",
    "error_kind",
    "error_layer",
    "errors",
    "layers",
    "edits",
    "cost",
    "bound",
    "proven",
    "milliseconds",
    "cpu_milliseconds",
    "inserted",
    "types_changed",
    "removed",
    "arguments_changed",
    "weights_made",
    "not_kept",
    "parameters",
    "operations",
    "expected_rank",
    "original",
    "keras",
    "nnx",
    "accuracy",
    "accuracy_original",
    "published_edits",
    "published_widths_changed",
    "published_seconds",
    "repair",
)


@dataclass(frozen=True)
class CaseResults:
    """The results of a set of cases.

    Args:
        rows: one for each case, with the keys COLUMNS.
        metrics: the metrics of the set, as a record has them.
    """

    rows: tuple[Row, ...]
    metrics: Mapping[str, float | int]

    def csv(self) -> str:
        """The rows as CSV; what does not apply is empty."""
        return csv_text(COLUMNS, self.rows)


def run_cases(
    cases: Iterable[Case],
    rules: Rules,
    *,
    time_limit: float = 10.0,
    alternatives: int = 1,
    build: Sequence[str] = (),
    train_steps: int = 0,
    seed: int = 0,
) -> CaseResults:
    """Repairs every case.

    Args:
        cases: the definitions.
        rules: the rule set under which they shall be valid.
        time_limit: seconds for each case.
        alternatives: most repairs to ask for; the row is of the first.
        build: frameworks ("keras", "nnx") that shall build what comes out.
        train_steps: the steps of a short training of what comes out, where it classifies images; 0: none.
        seed: the seed of that training.
    """
    rows, repaired = [], []
    for case in cases:
        row, best = _row(case, rules, time_limit, alternatives)
        rows.append(row)
        if best is not None:
            repaired.append((case, row, best))
    for case, row, best in repaired:  # after all searches, which frameworks would slow down
        row |= {framework: built(best, framework, rules) for framework in build}
        row |= _trained(case, best, rules, train_steps, seed)
    return CaseResults(tuple(rows), metrics(rows))


def _row(
    case: Case, rules: Rules, time_limit: float, alternatives: int
) -> tuple[dict[str, Value], Graph | None]:
    """The row of a case, and the network that came out."""
    row: dict[str, Value] = dict.fromkeys(COLUMNS)
    row |= {
        "case": case.name,
        "published_edits": case.published.get("edits"),
        "published_widths_changed": case.published.get("widths"),
        "published_seconds": case.published.get("seconds"),
    }
    try:
        graph = case.graph(rules)
        before = trace(graph, rules)
        began = time.process_time()
        result = repair(graph, rules, alternatives=alternatives, time_limit=time_limit)
        spent = time.process_time() - began
    except InputError as error:
        return row | {"status": "unreadable", "reason": str(error), "proven": 0}, None
    row |= {
        "status": str(result.status),
        "layers": len(graph),
        "errors": len(before.errors),
        "bound": result.bound,
        "proven": int(result.proven),
        "milliseconds": 1000 * result.seconds,
        "cpu_milliseconds": 1000 * spent,
    }
    if before.errors:
        row |= {"error_kind": str(before.errors[0].kind), "error_layer": before.errors[0].layer}
    if not result.repairs:
        reason = "no repair in the edit space, or none within the time limit"
        return row | {"reason": reason}, None
    return row | _repaired(case, rules, result), result.repairs[0].graph


def _trained(case: Case, graph: Graph, rules: Rules, steps: int, seed: int) -> dict[str, Value]:
    if not steps:
        return {}
    reached: dict[str, Value] = {"accuracy": accuracy(graph, rules, steps=steps, seed=seed)}
    if reached["accuracy"] is not None and case.original is not None:
        before = case.graph(rules, original=True)
        reached["accuracy_original"] = accuracy(before, rules, steps=steps, seed=seed)
    return reached


def _repaired(case: Case, rules: Rules, result: SearchResult) -> dict[str, Value]:
    best = result.repairs[0]
    layers: dict[type, set[str]] = {}
    for edit in best.edits:
        name = edit.name if isinstance(edit, Insert | Remove | Move) else edit.layer
        layers.setdefault(type(edit), set()).add(name)
    counted = {kind: len(names) for kind, names in layers.items()}
    others = (ChangeType, Insert, MakeWeights, Move, Remove, Rewire)
    return {
        "edits": best.count,
        "cost": best.cost,
        "not_kept": best.not_kept,
        "parameters": best.size.parameters,
        "operations": best.size.operations,
        "inserted": counted.get(Insert, 0),
        "types_changed": counted.get(ChangeType, 0),
        "removed": counted.get(Remove, 0),
        "arguments_changed": sum(n for kind, n in counted.items() if kind not in others),
        "weights_made": counted.get(MakeWeights, 0),
        "expected_rank": _rank(case, result),
        "original": _original(case, rules, best.graph),
        "repair": "; ".join(map(str, best.edits)),
    }


def _rank(case: Case, result: SearchResult) -> int | None:
    """Rank of the first repair that has the edits a person would expect; 0: none has."""
    if not case.expected:
        return None
    for rank, repaired in enumerate(result.repairs, 1):
        edits = set(map(str, repaired.edits))
        if any(set(group) <= edits and (group or not edits) for group in case.expected):
            return rank
    return 0


def _original(case: Case, rules: Rules, graph: Graph) -> int | None:
    """Whether the network from before the break came back: types, arguments and connections."""
    if case.original is None:
        return None
    return int(
        _layers_and_connections(graph) == _layers_and_connections(case.graph(rules, original=True))
    )


def _layers_and_connections(graph: Graph) -> list[Any]:
    position = {node.name: k for k, node in enumerate(graph.nodes)}
    return [
        (node.layer, [(position[name], index) for name, index in node.sources])
        for node in graph.nodes
    ]
