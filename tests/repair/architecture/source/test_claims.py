"""What the reader says that a name holds is what Python gives it: programs read, and executed here.

The reader may always say that it does not know. The calls of `unknown`, `items` and `manager` are
those whose results only running the program tells; here they are drawn.
"""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from statements import CASES, DEFS, HEAD, HEADS, LOOPS, OBSERVED, SIMPLE

from repair.architecture.source.program import read_program
from repair.errors import InputError

SIZE = Path("/proc/self/statm")
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "120"))
SLOW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


def indented(blocks: list[str]) -> str:
    """Statements under a head."""
    return "".join("\n    " + line for block in blocks for line in block.split("\n"))


@st.composite
def statements(
    draw: st.DrawFn, depth: int = 0, loop: bool = False, function: bool = False
) -> list[str]:
    """A few statements, nested at most four deep."""

    def inner(in_loop: bool = loop, in_function: bool = function) -> str:
        return indented(draw(statements(depth + 1, in_loop, in_function)))

    found: list[str] = []
    for _ in range(draw(st.integers(1, 4 if depth < 2 else 2))):
        kind = draw(st.sampled_from("sssssihllldtmrx" if depth < 4 else "ssssr"))
        if kind == "i":
            found.append(f"if unknown():{inner()}\nelse:{inner()}")
        elif kind == "h":
            head = draw(st.sampled_from(HEADS))
            own = head != "class C:"
            found.append(head + inner(loop and own, function and own))
        elif kind == "l":
            last = draw(st.sampled_from(["", f"\nelse:{inner()}"]))
            found.append(draw(st.sampled_from(LOOPS)) + inner(True) + last)
        elif kind == "d":
            found.append(draw(st.sampled_from(DEFS)) + inner(False, True))
        elif kind == "t":
            ends = ["", f"\nfinally:{inner()}", f"\nelse:{inner()}"]
            caught = draw(st.sampled_from(["ValueError", "(ValueError, OSError) as a"]))
            found.append(f"try:{inner()}\nexcept {caught}:{inner()}{draw(st.sampled_from(ends))}")
        elif kind == "m":
            cases = [draw(st.sampled_from(CASES)) + inner() for _ in range(2)]
            subject = draw(st.sampled_from(["a", "xs", "d", "(a, b)"]))
            found.append(
                f"match {subject}:{indented([cases[0]])}"
                + "\n    case _:"
                + indented(["if 1:" + inner()]).replace("\n", "\n    ")
            )
        elif kind == "r":
            ends = [*["break", "continue"] * loop, *["return", "return a", "yield a"] * function]
            found.append(draw(st.sampled_from([*ends, "if unknown(): raise ValueError", "pass"])))
        elif kind == "x":
            found.append(
                draw(st.sampled_from(["if unknown(): raise ValueError", "del b", "global a"]))
            )
        else:
            found.append(draw(st.sampled_from(SIMPLE)))
    return found


@contextmanager
def bounded() -> Iterator[None]:
    """More than a gigabyte beyond what there is now is a MemoryError: a program that doubles a list takes all else."""
    if not SIZE.is_file():  # no Linux
        yield
        return
    pages = int(SIZE.read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def claim(program: str, expression: str) -> int | None:
    """What the reader says of an expression after a program; None: that it does not know."""
    text = f"import keras\nfrom keras import layers\n{program}\n"
    text += f"model = keras.Sequential([keras.Input((4,)), layers.Dense({expression})])\n"
    try:
        found = read_program(text).graph["dense"].layer.arguments["units"]
    except InputError:
        return None
    return found if isinstance(found, int) else None


def fact(code: object, answers: list[bool], expression: str) -> object:
    """What Python makes of the same; raises what the program raises."""
    waiting = list(answers)
    names: dict[str, object] = {
        "unknown": lambda: waiting.pop() if waiting else False,
        "items": lambda: [3, 4] if waiting and waiting.pop() else [],
        "manager": lambda: nullcontext([1, 2]),
        "keep": lambda function: function,
    }
    exec(code, names)  # type: ignore[arg-type]
    return eval(expression, names)  # noqa: S307


@pytest.mark.long
@SLOW
@given(statements(), st.lists(st.lists(st.booleans(), max_size=12), min_size=3, max_size=3))
def test_claims_are_facts(program: list[str], answers: list[list[bool]]) -> None:
    text = HEAD + "\n".join(program)
    try:
        code = compile(text, "program", "exec")
    except SyntaxError:
        assume(False)
    with bounded():
        claims = {expression: claim(text, expression) for expression in OBSERVED}
    for drawn in answers:
        for expression, said in claims.items():
            if said is None:
                continue
            try:
                with bounded():
                    true = fact(code, drawn, expression)
            except Exception:  # noqa: BLE001  a program that ends in an error has no network
                continue
            assert said == true, f"{expression} is {true!r}, not {said!r}"


@pytest.mark.parametrize("statement", [s for s in SIMPLE if "unknown" not in s])
def test_each_statement(statement: str) -> None:
    text = HEAD + statement
    code = compile(text, "program", "exec")
    for expression in OBSERVED:
        said = claim(text, expression)
        assert said is None or said == fact(code, [], expression), expression


def test_most_is_known() -> None:
    """A reader that never says anything would be right too."""
    known = [claim(HEAD + statement, "a") is not None for statement in SIMPLE]
    assert sum(known) > len(SIMPLE) * 0.8
