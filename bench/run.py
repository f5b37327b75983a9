"""One run from its config: looked up in the store, done if need be, recorded, tracked, shown."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from bench import store
from bench.config import experiments
from bench.download import sha256
from bench.record import config_hash
from bench.report import Report
from bench.store import Stored
from bench.tasks import About, task
from bench.tracking import WandbSettings, tracked
from repair.errors import InputError


def run(config: DictConfig) -> Stored:
    """The finished run of a config: from the store, or done now.

    Raises:
        InputError: no experiment, unknown names, settings that do not fit, missing data.
    """
    if OmegaConf.is_missing(config, "experiment"):
        raise InputError(
            "which experiment? python -m bench +experiment=NAME; known: "
            + ", ".join(experiments())
            + "."
        )
    kind = task(config.task)
    OmegaConf.resolve(config)
    plain: dict[str, Any] = OmegaConf.to_container(config, throw_on_missing=True)  # type: ignore[assignment]
    wandb = WandbSettings(**plain["wandb"])
    name = config_hash(_asked(plain, kind.settings))
    folder = store.run_folder(config.results_dir, config.experiment, name, config.seed)
    with store.locked(folder):
        before = store.finished(folder)
        if isinstance(before, store.Unreadable):
            _say(f"warning: {before}")
        record = before.record if isinstance(before, Stored) else None
        if isinstance(before, Stored) and not store.needs_run(
            record, overwrite=config.overwrite, retry=config.retry
        ):
            _say(f"{folder}: finished before; overwrite=true does it again.")
            show(before)
            return before
        with tracked(
            wandb,
            results_dir=config.results_dir,
            experiment=config.experiment,
            config_hash=name,
            seed=config.seed,
            config=plain,
        ) as tracker:
            done = kind.run(config, About(config.experiment, config.seed, name))
            stored = store.save(folder, done.record, plain, done.files)
            tracker.finish(stored)
    show(stored, done.tables)
    return stored


def _asked(plain: dict[str, Any], settings: tuple[str, ...]) -> dict[str, Any]:
    """What the result depends on: a file counts by its content, and what is not given does not."""
    asked = {key: plain[key] for key in ("experiment", "task", *settings)}
    if asked.get("network") is not None:
        path = Path(asked["network"])
        if not path.is_file():
            raise InputError(f"network={path}: there is no such file.")
        asked["network"] = sha256(path)
    return {key: value for key, value in asked.items() if value is not None}


def show(stored: Stored, tables: Sequence[Any] = ()) -> None:
    """The run's own tables and the report's on standard output, and where its files are."""
    console = Console() if sys.stdout.isatty() else Console(width=200)
    for table in (*tables, *(t.rich() for t in Report.of([stored.record]).tables().values())):
        console.print(table)
    record = stored.record
    if record.status != "ok":
        console.print(f"{record.status}: {record.reason}", markup=False, highlight=False)
    console.print(f"{stored.folder}", markup=False, highlight=False, soft_wrap=True)


def log_plainly() -> None:
    """Messages of this project on standard error, one line each; warnings of others."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
    for name in ("bench", "repair"):
        logging.getLogger(name).setLevel(logging.INFO)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
