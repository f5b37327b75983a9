"""Solves NNrepair's 200 published constraint files with ours and with Z3, and compares.

    python scripts/published_constraints.py --data FOLDER [--z3-seconds 60] [--solver auto]

FOLDER is the data folder (default: $BENCH_DATA, else data/); of its nnrepair/ only
constraints.tar.xz and z3solutions.tar.xz are read: the artifact of Usman et al., CAV 2021 (arXiv
2103.12535). One row for each file goes to results/reference/published_constraints.csv; files that
are there already are not solved again, unless Z3 ran out of less time (--overwrite solves all).

Expected: all 200 proven, each equal to Z3 and to the published solution (17382 of 18000 soft
constraints in all). On 2 busy cores ours took about 2 minutes, most of it reading, and Z3 about 24;
six files of MNIST-LowQuality took Z3 more than 60 s, hence --z3-seconds 900.

"satisfied" is the number of soft constraints that hold at the answer, counted in rational
arithmetic, for an answer that keeps the hard ones. "bound" is what no answer can exceed: for ours
from the same MILP with every row loosened by 1e-4, so that it does not lean on margins or
tolerances; for Z3 from its own lower bound of the cost.
"""

import argparse
import csv
import io
import os
import re
import sys
import tarfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, get_type_hints

import z3
from rich.console import Console
from rich.progress import track
from rich.table import Table
from smtlib import Constraints, read_constraints

from bench.records.store import write_text
from bench.replay.solutions import read_model
from repair.errors import InputError
from repair.weights.programs.maximise import Maximum, maximise
from repair.weights.programs.maxsat import LinearConstraints, MaxSat, max_satisfied
from repair.weights.programs.program import SolverOptions

OUT = Path(__file__).parents[1] / "results" / "reference" / "published_constraints.csv"
MARGIN = 1e-6  # slack asked of a row
INSET = 1e-9  # the bounds of the deltas are strict too
LOOSENED = 1e-4
Key = tuple[str, str, int]  # model, experiment, expert
_NAME = re.compile(r"([\w-]+)/Lastlayer/(?:eps\.05_)?(Exp[A-D])/\D+(\d)\.txt$")


@dataclass(frozen=True)
class Line:
    """One file's row in the table; seconds are wall clock, on one thread."""

    model: str
    exp: str
    expert: int
    soft: int
    satisfied: int
    bound: int
    status: str
    solver: str
    z3_satisfied: int | None
    z3_bound: int | None
    z3_status: str
    published_satisfied: int
    read_seconds: float
    seconds: float
    z3_read_seconds: float
    z3_seconds: float


def texts(archive: Path) -> dict[Key, str]:
    """(model, experiment, expert) -> text, for the last layer.

    Raises:
        InputError: the archive is missing or is not the artifact's.
    """
    if not archive.is_file():
        raise InputError(f"no {archive}. Give the data folder with --data or BENCH_DATA.")
    found = {}
    with tarfile.open(archive, "r:xz") as tar:
        for member in tar:
            match, stream = _NAME.search(member.name), tar.extractfile(member)
            if match is not None and stream is not None:
                found[match[1], match[2], int(match[3])] = stream.read().decode()
    if len(found) != 200:
        raise InputError(f"{archive}: expected 200 files of the last layer; found {len(found)}.")
    return found


def problem_of(asked: Constraints, loosened: float = 0.0) -> MaxSat:
    """The MILP of a file, every row loosened by so much."""
    hard, soft = (
        LinearConstraints(rows.matrix, rows.side - loosened)
        for rows in (asked.arrays(asked.hard), asked.arrays(asked.soft))
    )
    return max_satisfied(hard, soft, *asked.box(INSET if not loosened else 0.0), margin=MARGIN)


def exact(asked: Constraints, found: Maximum) -> int:
    """Soft rows that hold at the float64 deltas found, in rational arithmetic.

    Raises:
        InputError: the deltas break a hard row or a bound.
    """
    if found.deltas is None:
        raise InputError(f"no solution: {found.solution.status} {found.solution.message}")
    values = dict(zip(asked.names, map(Fraction, found.deltas.tolist()), strict=True))
    if not asked.admits(values):
        raise InputError("the solution breaks a hard constraint in rational arithmetic.")
    return asked.held(asked.soft, values)


def optimise_z3(text: str, limit: float) -> tuple[str, int, dict[str, Fraction], float, float]:
    """Z3's answer: status, lower bound of the cost, values, seconds to read and to solve."""
    begin = time.perf_counter()
    optimizer = z3.Optimize()
    optimizer.set("timeout", int(1000 * limit))
    optimizer.from_string(text)
    loaded = time.perf_counter()
    status = str(optimizer.check())
    done = time.perf_counter()
    cost = z3.OptimizeObjective(optimizer, 0, is_max=False).lower_values()[1]
    model = optimizer.model()
    values = {
        str(name): model[name].as_fraction()
        for name in model.decls()
        if isinstance(model[name], z3.RatNumRef)
    }
    bound = cost.as_long() if z3.is_int_value(cost) else 0
    name = {"sat": "optimal", "unknown": "time_limit"}.get(status, status)
    return name, bound, values, loaded - begin, done - loaded


def compare(key: Key, text: str, published: str, solver: str, z3_seconds: float) -> Line:
    """One file, with ours, with Z3, and as published."""
    begin = time.perf_counter()
    asked = read_constraints(text)
    read = time.perf_counter()
    found = maximise(problem_of(asked), solver, SolverOptions(time_limit=None))
    done = time.perf_counter()
    beyond = maximise(problem_of(asked, LOOSENED), solver, SolverOptions(time_limit=None))
    status, cost, values, z3_read, z3_solve = optimise_z3(text, z3_seconds)
    known = values.keys() >= set(asked.names) and asked.admits(values)
    theirs = read_model(published)
    if not asked.admits(theirs):
        raise InputError(f"{key}: the published solution breaks a hard constraint.")
    return Line(
        *key,
        soft=len(asked.soft),
        satisfied=exact(asked, found),
        bound=beyond.bound,
        status=found.solution.status.value,
        solver=found.solution.solver,
        z3_satisfied=asked.held(asked.soft, values) if known else None,
        z3_bound=len(asked.soft) - cost,
        z3_status=status,
        published_satisfied=asked.held(asked.soft, theirs),
        read_seconds=round(read - begin, 4),
        seconds=round(done - read, 4),
        z3_read_seconds=round(z3_read, 4),
        z3_seconds=round(z3_solve, 4),
    )


def read(path: Path) -> dict[Key, Line]:
    """The table of an earlier run; empty if there is none."""
    if not path.is_file():
        return {}
    kinds = get_type_hints(Line)
    table = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            line = Line(**{name: _value(kinds[name], text) for name, text in row.items()})
            table[line.model, line.exp, line.expert] = line
    return table


def _value(kind: Any, text: str) -> Any:
    """A field of the table; an empty one is None where the field's type allows it."""
    whole = kind in (int, int | None)
    if not text and kind == int | None:
        return None
    return int(text) if whole else kind(text)


def write(path: Path, table: dict[Key, Line]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(Line)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(table[key]) for key in sorted(table))
    write_text(path, out.getvalue())


def ran_out(line: Line, limit: float) -> bool:
    """Whether Z3 was stopped before so many seconds."""
    return line.z3_status == "time_limit" and line.z3_seconds < limit


@dataclass
class Total:
    """Sums over files; seconds are of reading and solving."""

    files: int = 0
    proven: int = 0
    z3_proven: int = 0
    equal: int = 0
    satisfied: int = 0
    published: int = 0
    seconds: float = 0.0
    z3_seconds: float = 0.0

    def add(self, line: Line) -> None:
        """Count one file more."""
        z3_proven = line.z3_status == "optimal"
        self.files += 1
        self.proven += line.satisfied == line.bound
        self.z3_proven += z3_proven
        self.equal += z3_proven and line.satisfied == line.z3_satisfied
        self.satisfied += line.satisfied
        self.published += line.published_satisfied
        self.seconds += line.read_seconds + line.seconds
        self.z3_seconds += line.z3_read_seconds + line.z3_seconds


def summary(lines: Iterable[Line]) -> dict[tuple[str, str], Total]:
    """Sums for each model and experiment, and for ("all", "")."""
    sums: dict[tuple[str, str], Total] = {}
    overall = Total()
    for line in lines:
        sums.setdefault((line.model, line.exp), Total()).add(line)
        overall.add(line)
    return {**dict(sorted(sums.items())), ("all", ""): overall}


def shown(sums: Mapping[tuple[str, str], Total]) -> Table:
    """The sums as a table for a terminal."""
    names = [field.name for field in fields(Total)]
    table = Table("model", "exp", *(name.replace("_", " ") for name in names), box=None)
    for key, total in sums.items():
        values = (getattr(total, name) for name in names)
        table.add_row(*key, *(f"{v:.2f}" if isinstance(v, float) else str(v) for v in values))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("BENCH_DATA", "data")))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--solver", default="auto", help="auto, gurobi or highs")
    parser.add_argument("--z3-seconds", type=float, default=60.0, help="Z3's limit for a file")
    parser.add_argument("--overwrite", action="store_true")
    given = parser.parse_args()
    console = Console(stderr=True)
    table = {} if given.overwrite else read(given.out)
    try:
        asked = texts(given.data / "nnrepair" / "constraints.tar.xz")
        published = texts(given.data / "nnrepair" / "z3solutions.tar.xz")
        done = {key for key, line in table.items() if not ran_out(line, given.z3_seconds)}
        missing = sorted(asked.keys() - done)
        for key in track(missing, "files", console=console, disable=not console.is_terminal):
            line = compare(key, asked[key], published[key], given.solver, given.z3_seconds)
            table[key] = line
            write(given.out, table)  # at once: the next file may take Z3 long
            if not console.is_terminal:
                print(*asdict(line).values(), file=sys.stderr, flush=True)
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    Console().print(shown(summary(table.values())))


if __name__ == "__main__":
    main()
