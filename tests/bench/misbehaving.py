"""A scenario that ends its run in every way a run can end, for the tests of sweeps."""

import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from waiting import until

from repair.errors import InputError


@dataclass(frozen=True)
class Misbehaves:
    """Ends as `how` says; anything is a time limit once the file `mended` exists."""

    how: str
    anything: object = None
    name: str = "misbehaving"
    mended: str = "mended"
    repair_images: int = 0
    validation_images: int = 0
    seed: int = 0

    def problem(self, layers: str) -> NoReturn:
        if self.how == "raises" and not Path(self.mended).exists():
            raise ZeroDivisionError("one bad\nrun")
        if self.how == "refuses":
            raise InputError("a setting that does not fit")
        if self.how == "crashes":
            os.kill(os.getpid(), signal.SIGSEGV)
        if self.how == "lasts":
            threading.Event().wait(60)
        if self.how == "meets":  # until a run of another sweep is here too
            Path(f"sweep-{os.getppid()}").touch()
            until(lambda: len(list(Path().glob("sweep-*"))) > 1)
        raise TimeoutError("too late")
