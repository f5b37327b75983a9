"""One run of a sweep, wherever it takes place: bad input and crashes are values here, they end no sweep."""

import sys
from dataclasses import dataclass

from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from bench.config import explain
from bench.records.store import BusyError
from repair.errors import InputError


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        state: the status of its record, where there is one; "refused": bad input; "busy": another
            process does it; "lost": its process died.
        reason: why, where it is not ok.
        new: done now; False: another sweep had done it when its turn came.
    """

    state: str
    reason: str | None = None
    new: bool = True


def job(config: DictConfig, wait: bool = True, death: str | None = None) -> Outcome:
    """Does a run, its output in the log of its folder.

    Args:
        wait: for another process that does the same run; else the outcome is "busy".
        death: do not run, but record that the run's process died, and how.
    """
    from bench.runs.run import log_plainly, record_death, run  # here: only who runs waits for jax

    log_plainly()
    try:
        ran = record_death(config, death) if death else run(config, log=True, wait=wait)
    except BusyError as error:
        return Outcome("busy", str(error))
    except InputError as error:
        return Outcome("refused", str(error))
    except OmegaConfBaseException as error:
        return Outcome("refused", str(explain(error)))
    sys.stdout.flush()
    return Outcome(ran.stored.record.status, ran.stored.record.reason, ran.new)
