"""The published constraint files: exact reading, and optima that equal Z3's."""

import sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from checkout import ROOT

from repair.errors import InputError
from repair.weights.programs.maximise import maximise

SCRIPTS = ROOT / "scripts"
sys.path.insert(0, str(SCRIPTS))

import published_constraints as script  # noqa: E402
from smtlib import read_constraints  # noqa: E402

SMALL = """
(declare-fun sym1 () Real)
(assert (> sym1 -0.5))
(assert (< sym1 0.5))
(declare-fun sym7 () Real)
(assert (> sym7 -0.5))
(assert (< sym7 0.5))
(declare-fun y0_0 () Real)
(assert (= y0_0 ( +  ( +  ( *  ( +  sym1 -0.1) 3.0) 0.3) ( * sym7 -2.5))))
(declare-fun y0_1 () Real)
(assert (= y0_1 1.1))
(assert (> y0_0  y0_1))
(assert-soft (> y0_1  y0_0))
(check-sat)
(get-model)
"""


def test_rows_are_exact() -> None:
    found = read_constraints(SMALL)
    assert found.names == ["sym1", "sym7"]
    assert found.upper == {"sym1": Decimal("0.5"), "sym7": Decimal("0.5")}
    # 3 (sym1 - 0.1) + 0.3 - 2.5 sym7 - 1.1 > 0: in binary floats 0.3 - 3 * 0.1 would not be 0
    assert found.hard == [{"sym1": Decimal(3), "": Decimal("-1.1"), "sym7": Decimal("-2.5")}]
    rows = found.arrays(found.soft)
    np.testing.assert_array_equal(rows.matrix, [[-3.0, 2.5]])
    np.testing.assert_array_equal(rows.side, [-1.1])


def test_rows_are_strict() -> None:
    found = read_constraints(SMALL)
    edge = {"sym1": Fraction(0), "sym7": Fraction(-11, 25)}  # y0_0 = y0_1
    assert found.held(found.hard, edge) == found.held(found.soft, edge) == 0
    assert found.admits({**edge, "sym7": Fraction(-12, 25)})
    assert not found.admits({**edge, "sym7": Fraction(-1, 2)})  # on its bound


def test_terms_may_nest_deeper_than_python_recurses() -> None:
    depth = 20_000
    term = "( + " * depth + "sym1" + " 0.1)" * depth
    text = "(assert (> sym1 -1)) (assert (< sym1 1))" + f"(assert (> {term} 0.0))"
    assert read_constraints(text).hard == [{"sym1": 1, "": Decimal(depth) / 10}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(assert (> sym1 -0.5))", "no bounds for sym1"),
        ("(assert (> (+ sym1 1.0) 0.0))", "no bounds for sym1"),
        ("(assert (> (* sym1 sym2) 0.0))", "product of two names"),
        ("(assert (> (- sym1) 0.0))", r"unknown operator '-'; known: \+, \*"),
        ("(assert (>= sym1 0.0))", "unknown relation '>='; known: =, <, >"),
        ("(maximize sym1)", "cannot read maximize"),
        (SMALL[: len(SMALL) // 2], r"'\)' is missing"),
        (")", r"'\)' too many"),
    ],
)
def test_what_is_not_in_the_subset_is_named(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_constraints(text)


@pytest.fixture(scope="module")
def archives(data_pack: Path) -> tuple[dict, dict]:
    folder = data_pack / "nnrepair"
    return tuple(script.texts(folder / f"{name}.tar.xz") for name in ("constraints", "z3solutions"))


@pytest.mark.parametrize(
    ("key", "satisfied"),
    [
        (("MNIST-LowQuality", "ExpB", 2), 88),
        (("MNIST-Poisoned", "ExpB", 5), 89),
        (("MNIST-Adversarial", "ExpA", 5), 89),
        (("Cifar-Poisoned", "ExpB", 0), 84),
        (("Cifar-Adversarial", "ExpA", 5), 79),
    ],
)
def test_optimum_equals_z3_and_the_published_solution(
    archives: tuple[dict, dict], key: script.Key, satisfied: int
) -> None:
    constraints, published = archives
    line = script.compare(key, constraints[key], published[key], "auto", z3_seconds=120)
    assert line.status == line.z3_status == "optimal"
    assert line.satisfied == line.bound == satisfied
    assert line.z3_satisfied == line.z3_bound == satisfied
    assert line.published_satisfied == satisfied


def test_gurobi_and_highs_agree_on_a_published_file(archives: tuple[dict, dict]) -> None:
    asked = read_constraints(archives[0]["MNIST-LowQuality", "ExpD", 3])
    found = [maximise(script.problem_of(asked), solver) for solver in ("gurobi", "highs")]
    assert [(one.count, one.bound) for one in found] == [(86, 86), (86, 86)]
    assert [script.exact(asked, one) for one in found] == [86, 86]


def test_the_committed_table_covers_all_files_and_proves_each() -> None:
    table = script.read(script.OUT)
    assert len(table) == 200
    for line in table.values():
        assert line.satisfied == line.bound == line.published_satisfied
        assert line.status == line.z3_status == "optimal"
        assert line.z3_satisfied == line.z3_bound == line.satisfied


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    counts = {"soft": 90, "satisfied": 88, "bound": 88, "status": "optimal", "solver": "gurobi"}
    z3 = {"z3_satisfied": 88, "z3_bound": 88, "z3_status": "optimal", "published_satisfied": 88}
    seconds = {"read_seconds": 0.1, "seconds": 0.2, "z3_read_seconds": 0.3, "z3_seconds": 0.4}
    line = script.Line("MNIST-Poisoned", "ExpA", 3, **counts, **z3, **seconds)
    late = replace(line, expert=4, z3_satisfied=None, z3_status="time_limit", z3_seconds=60.0)
    table = {("MNIST-Poisoned", "ExpA", 3): line, ("MNIST-Poisoned", "ExpA", 4): late}
    script.write(tmp_path / "table.csv", table)
    assert script.read(tmp_path / "table.csv") == table
    assert [script.ran_out(each, 60.0) for each in table.values()] == [False, False]
    assert [script.ran_out(each, 90.0) for each in table.values()] == [False, True]
    sums = script.summary(table.values())
    assert sums["MNIST-Poisoned", "ExpA"] == sums["all", ""]
    assert (sums["all", ""].files, sums["all", ""].z3_proven, sums["all", ""].equal) == (2, 1, 1)
    assert sums["all", ""].z3_seconds == pytest.approx(61.0, abs=0.01)


def test_without_data_one_message_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "table.csv"
    monkeypatch.setattr(sys, "argv", ["script", "--data", str(tmp_path), "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.endswith("Give the data folder with --data or BENCH_DATA.\n")
    assert not out.exists()
