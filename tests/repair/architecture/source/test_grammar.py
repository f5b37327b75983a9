"""Every statement and expression of Python in every place of a program: read, or refused in a message.

What is put in does not touch the names of the model, so that it may not change what is read either.
"""

import ast
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from grammar import EXPRESSIONS, LEAVE, STATEMENTS, kinds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repair.architecture.__main__ import main
from repair.architecture.graph import Graph
from repair.architecture.source.program import read_program
from repair.errors import InputError

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
SLOW = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)

# "#" with a letter: a line where statements go, of module (m), function (f), class (c) or loop (l)
SEQUENTIAL = """
import numpy as np
from tensorflow import keras
from tensorflow.keras.layers import Dense, LSTM
#m
x_train, y_train = np.random.rand(100, 9, 4), np.zeros((100,))
x_train /= 255
#m
model = keras.Sequential()
#m
model.add(keras.Input(shape=x_train.shape[1:]))
for units in (8, 6):
    #l
    model.add(Dense(units))
#m
model.add(LSTM(6))
model.add(LSTM(3))
model.compile(optimizer="adam", loss="mse")
history = model.fit(x_train, y_train, epochs=5)
#m
"""
FUNCTIONAL = """
import keras
from keras import layers
#m
def block(x, units=8):
    #f
    y = layers.Dense(units)(x)
    y += layers.Dense(8)(x)
    return y
#m
inputs = x = keras.Input((9, 4))
with keras.name_scope("body"):
    #m
    x = block(x)
try:
    import tensorflow as tf
    #m
except ImportError:
    #m
    tf = None
if __name__ == "__main__":
    #m
    model = keras.Model(inputs, layers.Conv2D(2, 3)(x))
    #m
    model.summary()
"""
OBJECT = """
import jax.numpy as jnp
from flax import nnx
#m
class Net(nnx.Module):
    #c
    def __init__(self, rngs: nnx.Rngs, width: int = 8):
        #f
        self.a = nnx.Linear(4, width, rngs=rngs)
        self.layers = nnx.List([nnx.Linear(n, n, rngs=rngs) for n in (8, 8)])
        self.b = nnx.Linear(7, 2, rngs=rngs)
    #c
    def __call__(self, x):
        #f
        x = nnx.relu(self.a(x))
        for layer in self.layers:
            #l
            x = layer(x)
        #f
        return self.b(x)
    #c
#m
model = Net(nnx.Rngs(0))
y = model(jnp.ones((1, 4)))
#m
"""
PROGRAMS = {"sequential": SEQUENTIAL, "functional": FUNCTIONAL, "object": OBJECT}
VALID = {
    "sequential": SEQUENTIAL.replace("LSTM(6)", "LSTM(6, return_sequences=True)"),
    "functional": FUNCTIONAL.replace("Conv2D(2, 3)", "Conv1D(2, 3)"),
    "object": OBJECT.replace("Linear(7", "Linear(8"),
}
ARGUMENTS = [
    "layers.Dense({})",
    "layers.Dense(3, activation={})",
    "layers.Dense(3, name={})",
    "layers.Conv1D(3, 2, padding={})",
    "layers.Reshape(({}, 3))",
    "layers.Reshape({})",
    "layers.Dense(3, **{})",
    "layers.Dense(*{})",
    "layers.LSTM(3, return_sequences={})",
    "keras.Input((3, {}))",
    "{}",
    "layers.TimeDistributed({})",
    "layers.Dense(3)({})",
]
SHAPES = [
    "keras.Input({})",
    "keras.Input((3, {}))",
    "keras.Input(({}), 3)",
    "np.zeros((1, 3)) * {}",
    "np.zeros({})",
    "block({})",
    "keras.Input((3, 4))[{}]",
    "keras.Input((3, 4)) + {}",
    "keras.ops.reshape(keras.Input((3, 4)), {})",
    "keras.ops.mean(keras.Input((3, 4)), axis={})",
]


def graph(text: str) -> Graph | None:
    """What is read; None: it is refused in one message."""
    try:
        return read_program(text).graph
    except InputError as error:
        message = str(error)
    assert 0 < len(message) < 5000
    return None


def with_statement(program: str, place: int, statement: str) -> str:
    """A program with a statement in one of its places."""
    lines, found = [], -1
    for line in program.splitlines():
        if line.strip().startswith("#"):
            found += 1
            indent = line[: line.index("#")]
            here = statement if found == place else "pass"
            lines += [indent + inner for inner in here.splitlines()]
        else:
            lines.append(line)
    return "\n".join(lines)


def places(program: str) -> list[str]:
    """The letters of the places of a program."""
    return [line.strip()[1:] for line in program.splitlines() if line.strip().startswith("#")]


WATCHED = ("exec", "open", "import", "os.system", "subprocess.Popen", "os.remove", "socket.connect")
_watching: list[str] | None = None


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _watching is not None and event in WATCHED:
        _watching.append(f"{event} {arguments!r:.80}")


sys.addaudithook(_watch)


@contextmanager
def nothing_runs() -> Iterator[None]:
    """Fails where something is executed, imported, opened or written meanwhile."""
    global _watching
    _watching = []
    try:
        yield
        assert _watching == []
    finally:
        _watching = None


def test_all_of_the_grammar_is_covered() -> None:
    texts = [*STATEMENTS, *LEAVE, *EXPRESSIONS]
    covered = {type(node) for text in texts for node in ast.walk(ast.parse(text))}
    missing = sorted(kind.__name__ for kind in kinds() - covered)
    assert missing == [], "this Python has more: say what the reader makes of it, and add it here"


@pytest.mark.parametrize("name", PROGRAMS)
def test_statements_anywhere_on_other_names_change_nothing(name: str) -> None:
    broken, valid = PROGRAMS[name], VALID[name]
    before = {text: graph(with_statement(text, -1, "pass")) for text in (broken, valid)}
    assert None not in before.values()
    with nothing_runs():
        for place, _ in enumerate(places(broken)):
            for statement in [*STATEMENTS, *(f"u_x = {expression}" for expression in EXPRESSIONS)]:
                text = broken if place % 2 else valid
                assert graph(with_statement(text, place, statement)) == before[text], statement


@pytest.mark.parametrize("name", PROGRAMS)
def test_statements_that_end_what_is_around_them_are_read_or_refused(name: str) -> None:
    for place, _ in enumerate(places(PROGRAMS[name])):
        for statement in LEAVE:
            for form in (
                "{}",
                "if u_a:\n    {}",
                "while u_a:\n    {}",
                "try:\n    {}\nfinally:\n    pass",
            ):
                graph(with_statement(PROGRAMS[name], place, form.format(statement)))


def test_expressions_in_layers_and_shapes_are_read_or_refused() -> None:
    head = "import numpy as np\nimport keras\nfrom keras import layers\ndef block(x): return x\n"
    graph(head)
    with nothing_runs():
        for expression in EXPRESSIONS:
            for form in ARGUMENTS:
                layer = form.format(f"({expression})")
                graph(f"{head}m = keras.Sequential([keras.Input((8, 8, 3)), {layer}])\n")
                graph(f"{head}x = keras.Input((8, 3))\nm = keras.Model(x, {layer}(x))\n")
            for form in SHAPES:
                shape = form.format(f"({expression})")
                graph(f"{head}x = {shape}\nm = keras.Model(x, layers.Dense(3)(x))\n")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_command_says_the_same_whatever_else_is_there(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole way through the command: a few of the statements, all of them in one program."""
    path = tmp_path / "net.py"
    for program, code in ((PROGRAMS[name], 1), (VALID[name], 0)):
        first, last = 0, len(places(program)) - 1
        for place in (first, last):
            path.write_text(with_statement(program, place, "\n".join(STATEMENTS)))
            before = path.read_bytes()
            assert main([str(path)]) == code
            assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    capsys.readouterr()


NESTED = st.recursive(
    st.sampled_from([*STATEMENTS, *LEAVE, *(f"u_y = {e}" for e in EXPRESSIONS)]),
    lambda inner: st.builds(
        lambda head, parts: (
            head + "".join("\n    " + part.replace("\n", "\n    ") for part in parts)
        ),
        st.sampled_from(
            [
                "if u_a:",
                "for u_i in (1, 2):",
                "while 1:",
                "def u_g():",
                "class u_C:",
                "with u_a as u_b:",
                "async def u_g():",
                "if 1:",
                "for u_i in u_a:",
            ]
        ),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@SLOW
@given(st.sampled_from(list(PROGRAMS)), st.data())
def test_nested_statements_are_read_or_refused(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(places(PROGRAMS[name])) - 1))
    text = with_statement(PROGRAMS[name], place, data.draw(NESTED))
    with nothing_runs():
        graph(text)
