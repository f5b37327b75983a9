"""The command `python -m repair.architecture FILE`: one broken definition of a network."""

import argparse
import ast
import io
import os
import sys
from pathlib import Path

from repair.architecture.answer import CODE, Answer, answer
from repair.architecture.definition import ReadOptions
from repair.architecture.layer import LARGEST, Value, freeze
from repair.architecture.rules import rules_named
from repair.command import answer_console, ended
from repair.errors import InputError

EPILOG = """
exit codes: 0 valid, 1 repaired, 2 bad input, 3 no repair within the limits, 70 an error of this
program itself (REPAIR_TRACEBACK=1 shows where).
formats: Python source (.py: Keras Sequential and functional, Flax NNX; never executed), Keras
model JSON and .keras, the JSON of ExAIS, a plain list of layers in YAML or JSON.
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit code, 70 after an error of its own."""
    parsed = _parser().parse_args(arguments)
    return ended(lambda: _answered(parsed))


def _answered(parsed: argparse.Namespace) -> int:
    """Answers for a file and prints the answer; returns the exit code."""
    try:
        options = ReadOptions(
            rules_named(parsed.rules),
            tuple(_shape(text) for text in parsed.input_shape),
            parsed.model,
            dict(_definition(text) for text in parsed.define),
        )
        result = answer(
            parsed.file,
            options,
            alternatives=parsed.alternatives,
            time_limit=parsed.time_limit,
            write=parsed.write,
            to=parsed.to,
        )
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the encoding lacks is no fault
            stream.reconfigure(errors="backslashreplace")
    try:
        _print(result, parsed.json)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return result.exit_code


def _print(result: Answer, as_json: bool) -> None:
    if as_json:
        from repair.architecture.show import as_json as document

        print(document(result))
        return
    from repair.architecture.show import print_answer

    # code goes to standard output alone, so that it can be piped into a file
    console = answer_console(stderr=result.code is not None, highlight=False)
    print_answer(console, result)
    if result.code is not None:
        print(result.code, end="")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m repair.architecture",
        description="Finds what is wrong with the definition of a network, and the smallest repair.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--input-shape",
        action="append",
        default=[],
        metavar="SIZES",
        help="shape of the input without the batch, such as 28,28,1, where FILE does not state it, or in "
        "place of what a program states; again for each further input",
    )
    parser.add_argument("--rules", default="keras3", help="keras3 (default) or strict")
    parser.add_argument(
        "--alternatives", type=_count, default=3, metavar="N", help="most repairs to show (3)"
    )
    parser.add_argument(
        "--time-limit", type=_seconds, default=10.0, metavar="SECONDS", help="of the search (10)"
    )
    parser.add_argument("--write", action="store_true", help="put the repair into FILE")
    parser.add_argument("--to", choices=CODE, help="print the repaired network in this form")
    parser.add_argument(
        "--model",
        help="of a program that defines several models, one: its name, variable or class, the "
        "function that makes it, or its line",
    )
    parser.add_argument(
        "--define",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a constant that the program computes",
    )
    parser.add_argument("--json", action="store_true", help="answer for machines")
    return parser


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100:
        raise argparse.ArgumentTypeError("expected 1 to 100")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError("expected more than 0 and at most 3600 seconds")
    return seconds


def _shape(text: str) -> tuple[int | None, ...]:
    sizes: list[int | None] = []
    for part in text.strip().strip("()[]").split(","):
        word = part.strip()
        if word in ("None", "?"):
            sizes.append(None)
        elif word.isdecimal() and len(word) < 11 and 0 < int(word) <= LARGEST:
            sizes.append(int(word))
        elif word:
            raise InputError(
                f"--input-shape {text!r:.60}: expected sizes without the batch, such as 28,28,1, "
                "None for one that varies."
            )
    return tuple(sizes)


def _definition(text: str) -> tuple[str, Value]:
    name, equal, value = text.partition("=")
    if not name.isidentifier() or not equal:
        raise InputError(f"--define {text!r:.60}: expected NAME=VALUE, such as classes=10.")
    try:
        return name, freeze(ast.literal_eval(value), f"--define {name}")
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name, value


if __name__ == "__main__":
    sys.exit(main())
