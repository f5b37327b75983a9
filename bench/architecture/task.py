"""The task "architecture": a set of broken definitions as a run with a record and cases.csv."""

import time
from pathlib import Path
from typing import Any

from bench.architecture.cases import SETS, load
from bench.architecture.run import Outcome, run_cases
from bench.records.environment import environment
from bench.records.record import Record
from bench.report.tables import Table
from bench.runs.progress import stage
from bench.runs.tasks import About, Done
from repair.architecture.rules import named

SHOWN = ("case", "status", "error_kind", "error_layer", "edits", "bound", "milliseconds", "repair")
LONGEST = 20
"""Cases of a set that is shown case by case on the terminal."""


def run(config: Any, about: About) -> Done:
    """Repair the definitions of a set.

    Args:
        config: the run's resolved config; its node `architecture` has cases, rules, time_limit,
            alternatives, build and train_steps.
        about: what its record says of it.

    Raises:
        InputError: unknown names, a file that cannot be read, data that is not there.
    """
    began = time.perf_counter()
    asked = config.architecture
    rules, cases = named(asked.rules), load(about.files.get("architecture.cases", str(asked.cases)))
    with stage(f"repairing {len(cases)} definitions"):
        found = run_cases(
            cases,
            rules,
            time_limit=asked.time_limit,
            alternatives=asked.alternatives,
            build=tuple(asked.build),
            train_steps=asked.train_steps,
            seed=about.seed,
        )
    all_repaired = found.metrics["success"] == 1
    failed = sum(row["status"] not in ("valid", "repaired") for row in found.rows)
    record = Record(
        experiment=about.experiment,
        scenario=asked.cases if asked.cases in SETS else Path(str(asked.cases)).name,
        method="architecture_search",
        seed=about.seed,
        status="ok" if all_repaired else "infeasible",
        reason=None if all_repaired else f"{failed} of {len(cases)} definitions have no repair",
        config_hash=about.config_hash,
        metrics=found.metrics,
        seconds={"total": time.perf_counter() - began},
        environment=environment(),
        details={"rules": rules.name},
    )

    def write(path: Path) -> None:
        path.write_text(found.csv(), encoding="utf-8")

    return Done(record, {"cases.csv": write}, _tables(found))


def _tables(found: Outcome) -> tuple[Any, ...]:
    figures = Table(
        "Architecture repair",
        "edits as the data pack counts published ones; milliseconds of wall clock and of one core",
        ("figure", "value"),
        [(name, f"{value:.4g}") for name, value in found.metrics.items()],
        [dict(found.metrics)],
    )
    if len(found.rows) > LONGEST:
        return (figures.rich(),)
    texts = [[_text(row[name]) for name in SHOWN] for row in found.rows]
    cases = Table("Cases", "the first repair of each", SHOWN, texts, list(found.rows))
    return figures.rich(), cases.rich()


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
