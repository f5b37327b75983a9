"""Broken programs after common questions: repaired as source diffs, which then run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from repair.architecture.answer import Answer, answer
from repair.architecture.definition import ReadOptions
from repair.architecture.rules import KERAS3
from repair.architecture.search import SearchStatus

HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "programs").glob("*.py"))

# What was asked for and answered: the lines that the accepted kind of answer puts in.
ANSWERS = {
    "concatenate_branches": ['Conv2D(64, (5, 5), activation="relu", padding="same")'],
    "conv1d_on_rows": ["Reshape((187, 1), input_shape=(187,))"],
    "conv2d_wants_channels": ["Reshape((28, 28, 1)),"],
    "generator_reshape": ["layers.Reshape((7, 7, 128)),"],
    "lstm_after_dense": ["model.add(layers.Reshape(("],
    "nnx_channels": ["nnx.Conv(3, outputs, (3, 3), strides=2", "nnx.LayerNorm(16, rngs=rngs)"],
    "nnx_flatten_missing": ["x = x.reshape(x.shape[0], -1)"],
    "nnx_in_features": ["nnx.Linear(3136, 256, rngs=rngs)"],
    "nnx_sequence": ["x = x.reshape(x.shape[0], 20, 64)"],
    "pooled_too_deep": ['padding="same"'],
    "residual_add": ["layers.Dense(64)(shortcut)"],
    "stacked_lstm": ["x = LSTM(50, return_sequences=True)(inputs)"],
    "tagger": ["LSTM(units=48, return_sequences=True)"],
    "text_conv": ['model.add(Conv1D(128, 5, activation="relu"))'],
}


@pytest.fixture(scope="module")
def answers() -> dict[str, Answer]:
    return {path.stem: answer(path, ReadOptions(KERAS3)) for path in PROGRAMS}


def test_every_program_has_an_expected_answer() -> None:
    assert len(PROGRAMS) >= 10
    assert {path.stem for path in PROGRAMS} == set(ANSWERS)


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_answer_is_the_accepted_one(answers: dict[str, Answer], name: str) -> None:
    found = answers[name]
    assert found.result.status is SearchStatus.REPAIRED
    text = found.texts[found.best][0]
    assert text is not None
    added = [line[1:] for line in found.diff(text).splitlines()[2:] if line.startswith("+")]
    for wanted in ANSWERS[name]:
        assert any(wanted in line for line in added), added


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_the_diff_is_minimal(answers: dict[str, Answer], name: str) -> None:
    """All lines that the diff does not name are there, comments and all; at most four are new."""
    found = answers[name]
    before = found.definition.text.splitlines()
    after = str(found.texts[found.best][0]).splitlines()
    kept = [line for line in before if line in after]
    assert len(before) - len(kept) <= 2
    assert len(after) - len(kept) <= 4
    comments = [line.split("#")[1] for line in before if "#" in line]
    assert [line.split("#")[1] for line in after if "#" in line] == comments


def test_the_repaired_programs_run(answers: dict[str, Answer], tmp_path: Path) -> None:
    for name, found in answers.items():
        text = found.texts[found.best][0]
        (tmp_path / f"{name}.py").write_text(str(text))
    repaired = sorted(tmp_path.glob("*.py"))
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": str(HERE.parent),
        "JAX_NUMPY_DTYPE_PROMOTION": "standard",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_backend_optimization_level=0",
    }
    done = subprocess.run(
        [sys.executable, HERE / "run_programs.py", *PROGRAMS, *repaired],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=900,
    )
    outcomes = json.loads(done.stdout.splitlines()[-1])
    assert {path.stem: outcomes[str(path)] for path in repaired} == dict.fromkeys(answers, "ran")
    broken = {path.stem: outcomes[str(path)] for path in PROGRAMS}
    assert "ran" not in broken.values(), broken
