"""The task "architecture": a set of broken definitions as a run with a record and cases.csv."""

import time
from pathlib import Path
from typing import Any

from bench.architecture.cases import SETS, load
from bench.architecture.run import CaseResults, run_cases
from bench.progress import stage
from bench.records.environment import environment
from bench.records.record import Record
from bench.records.tasks import About, Done
from bench.report.tables import Table
from repair.architecture.rules import rules_named
from repair.weights.status import RepairStatus

SHOWN = ("case", "status", "error_kind", "error_layer", "edits", "bound", "milliseconds", "repair")
LONGEST = 20
"""Cases of a set that is shown case by case on the terminal."""


def run(config: Any, about: About) -> Done:
    """Repair the definitions of a set.

    Args:
        config: the run's resolved config; its node `architecture` has cases, rules, time_limit,
            alternatives, build and train_steps.
        about: what the record of the run says of it.

    Raises:
        InputError: unknown names, a file that cannot be read, data that is not there.
    """
    began = time.perf_counter()
    settings = config.architecture
    rules, cases = (
        rules_named(settings.rules),
        load(about.files.get("architecture.cases", str(settings.cases))),
    )
    with stage(f"repairing {len(cases)} definitions"):
        results = run_cases(
            cases,
            rules,
            time_limit=settings.time_limit,
            alternatives=settings.alternatives,
            build=tuple(settings.build),
            train_steps=settings.train_steps,
            seed=about.seed,
        )
    all_repaired = results.metrics["success"] == 1
    failed = sum(row["status"] not in ("valid", "repaired") for row in results.rows)
    record = Record(
        experiment=about.experiment,
        scenario=settings.cases if settings.cases in SETS else Path(str(settings.cases)).name,
        method="architecture_search",
        seed=about.seed,
        status=RepairStatus.OK if all_repaired else RepairStatus.INFEASIBLE,
        reason=None if all_repaired else f"{failed} of {len(cases)} definitions have no repair",
        config_hash=about.config_hash,
        metrics=results.metrics,
        seconds={"total": time.perf_counter() - began},
        environment=environment(),
        details={"rules": rules.name},
    )

    def write(path: Path) -> None:
        path.write_text(results.csv(), encoding="utf-8")

    return Done(record, {"cases.csv": write}, _tables(results))


def _tables(results: CaseResults) -> tuple[Any, ...]:
    figures = Table(
        "Architecture repair",
        "edits as the data pack counts published ones; milliseconds of wall clock and of one core",
        ("figure", "value"),
        [(name, f"{value:.4g}") for name, value in results.metrics.items()],
        [dict(results.metrics)],
    )
    if len(results.rows) > LONGEST:
        return (figures.rich(),)
    texts = [[_text(row[name]) for name in SHOWN] for row in results.rows]
    cases = Table("Cases", "the first repair of each", SHOWN, texts, list(results.rows))
    return figures.rich(), cases.rich()


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
