"""How a command ends when it meets a fault of its own: one sentence and exit code 70, no stack trace."""

import os
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

INTERNAL = 70
"""EX_SOFTWARE of sysexits.h: no code that says something about the input."""
STOPPED = 130
CLOSED = 141
TRACEBACK = "REPAIR_TRACEBACK"
"""The environment variable that, set to anything, shows where an internal error came from."""


def ended(command: Callable[[], int]) -> int:
    """Runs a command; returns its exit code.

    Args:
        command: returns an exit code; what it knows to be bad input it has said itself.

    Returns:
        The command's own code; 70 after an exception that it did not expect, 130 after Ctrl-C, 141
        where the reader of its output, such as head, went away.
    """
    try:
        return command()
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED
    except Exception as error:  # noqa: BLE001  whatever it is, it is said and is no answer
        if os.environ.get(TRACEBACK):
            traceback.print_exception(error)
        print(sentence(error), file=sys.stderr)
        return INTERNAL


def answer_console(**settings: Any) -> "Console":
    """Makes a rich console for the answer of a command.

    Where the reader of the answer, such as head, has gone away, rich's own console ends the program with exit code 1,
    which says something about the input; this one raises BrokenPipeError, as print does.

    Args:
        settings: those of `rich.console.Console`.
    """
    from rich.console import Console  # only who shows an answer waits for it

    class AnswerConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return AnswerConsole(**settings)


def sentence(error: Exception) -> str:
    """One sentence for a person: what happened, whose fault it is, and what to do."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return (
        f"Internal error ({what[:200].rstrip(': ')}), a fault of this program and not of its input: "
        f"run it again with {TRACEBACK}=1 for the traceback, and report that with the input."
    )
