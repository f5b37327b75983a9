"""The command `python -m bench.sweep estimate ...`: what `python -m bench -m ...` would take."""

import sys
from collections.abc import Sequence
from pathlib import Path

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from bench import shipped
from bench.commandline import accepted
from bench.config import explain, register
from bench.records import store
from bench.records.distinct import distinct
from bench.records.record import Record
from bench.sweep.estimate import expected, table, total
from bench.sweep.plan import Job, plan
from repair.command import answer_console, ended
from repair.errors import InputError

_REFERENCE = Path("results/reference")
_USAGE = (
    "python -m bench.sweep estimate +experiment=NAME [setting=value,value ...]\n"
    "How many runs `python -m bench -m` of the same has to do, how long they take and how much\n"
    "memory, by the records in results_dir and, for what is not there, in results/reference."
)


def main() -> int:
    """Runs the command; 0 done, 2 bad input, 70 an error of its own."""
    return ended(_estimate)


def _estimate() -> int:
    command, *arguments = [word for word in sys.argv[1:] if word not in ("-m", "--multirun")] or [
        "--help"
    ]
    if command != "estimate" or not arguments:
        print(_USAGE, file=sys.stderr)
        return 0 if command in ("-h", "--help") else 2
    try:
        _show(planned(arguments))
    except (HydraException, OmegaConfBaseException) as error:
        print(explain(error), file=sys.stderr)
        return 2
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def planned(arguments: Sequence[str]) -> tuple[Job, ...]:
    """The runs that `python -m bench -m` would do with these arguments.

    Raises:
        InputError: one of them is refused.
    """
    register()
    with initialize_config_dir(str(shipped("configs").absolute()), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()

        def load(overrides: list[str]) -> DictConfig:
            return loader.load_configuration("config", overrides, run_mode=RunMode.RUN)

        jobs = plan(loader, load, accepted(arguments))
    refused = next((job.refusal for job in jobs if job.refusal is not None), None)
    if refused is not None:
        raise InputError(refused)
    return jobs


def _show(jobs: tuple[Job, ...]) -> None:
    todo = [job for job in jobs if job.needed()]
    print(f"{len(jobs)} runs: {len(jobs) - len(todo)} finished, {len(todo)} to do.")
    if todo:
        kinds = expected(todo, _records(jobs))
        answer_console(soft_wrap=True).print(table(kinds))
        print(total(kinds))


def _records(jobs: tuple[Job, ...]) -> list[Record]:
    folders = dict.fromkeys(Path(job.config["results_dir"]) for job in jobs)
    folders[_REFERENCE] = None
    found = distinct(store.contents(folder) for folder in folders if folder.is_dir())
    return [run.record for run in found.runs]


if __name__ == "__main__":
    sys.exit(main())
