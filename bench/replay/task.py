"""The task "replay": a replay as a run with a record and files."""

import time
from functools import partial
from pathlib import Path
from typing import Any

from bench.progress import stage
from bench.records.environment import environment
from bench.records.record import Record
from bench.records.tasks import About, Done, Writers
from bench.replay.run import replay
from repair.weights.status import RepairStatus


def run(config: Any, about: About) -> Done:
    """Replays the published repairs.

    Args:
        config: the run's resolved config; `replay.sets` is "test" or "all".
        about: what the record says of the run.

    Raises:
        InputError: an unknown choice of sets, or data that is not there.
    """
    began = time.perf_counter()
    replayed = replay(config.replay.sets, around=stage)
    record = Record(
        experiment=about.experiment,
        scenario="published",
        method="replay",
        seed=about.seed,
        status=RepairStatus.OK,
        config_hash=about.config_hash,
        metrics=replayed.metrics,
        seconds={"total": time.perf_counter() - began},
        environment=environment(),
    )
    tables = replayed.tables()
    texts = {f"{name}.csv": table.csv() for name, table in tables.items()}
    texts["replay.md"] = replayed.markdown()
    files: Writers = {name: partial(_write, text) for name, text in texts.items()}
    return Done(record, files, tuple(tables[name].rich() for name in ("replay", "replay_reasons")))


def _write(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
