"""Programs: shapes and numbers are checked, violations are measured, files can be read again."""

from dataclasses import replace

import highspy
import numpy as np
import pytest
from scipy.sparse import csr_array

from repair.errors import InputError
from repair.weights.programs.program import Program, Solution, SolverOptions, SolverStatus
from repair.weights.programs.solvers import highs


def knapsack() -> Program:
    """Max 5a + 4b + 3c with 2a + 3b + c <= 5 and a + b >= 1, binary: a = b = 1, worth 9."""
    return Program(
        objective=np.array([-5.0, -4.0, -3.0]),
        rows=csr_array(np.array([[2.0, 3.0, 1.0], [1.0, 1.0, 0.0]])),
        row_lower=np.array([-np.inf, 1.0]),
        row_upper=np.array([5.0, np.inf]),
        lower=np.zeros(3),
        upper=np.ones(3),
        integer=np.array([True, True, True]),
        constant=20.0,
        row_blocks={"weight": slice(0, 1), "cover": slice(1, 2)},
        column_blocks={"items": slice(0, 3)},
    )


def test_stats_tell_size_and_blocks() -> None:
    assert knapsack().stats() == (
        "MILP: 2 rows, 3 columns (3 integer), 5 nonzeros; "
        "weight 1 rows, cover 1 rows, items 3 columns"
    )


@pytest.mark.parametrize(
    ("values", "violation"),
    [
        ([1.0, 1.0, 0.0], 0.0),
        ([1.0, 1.0, 1.0], 1.0),  # 6 > 5
        ([0.0, 0.0, 1.0], 1.0),  # 0 < 1
        ([1.0, 0.25, 0.0], 0.25),  # not whole
        ([-2.0, 3.5, 0.0], 2.5),  # above its bound, and row 1 by 1.5
    ],
)
def test_violation(values: list[float], violation: float) -> None:
    assert knapsack().violation(np.array(values)) == violation


def test_cost_includes_the_constant() -> None:
    assert knapsack().cost(np.array([1.0, 1.0, 0.0])) == 11.0


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match=r"2 rows and 3 columns needs upper of shape \(3,\)"):
        replace(knapsack(), upper=np.ones(2))


@pytest.mark.parametrize("name", ["objective", "row_lower", "upper"])
def test_nan_is_refused(name: str) -> None:
    program = knapsack()
    spoilt = getattr(program, name).copy()
    spoilt[0] = np.nan
    with pytest.raises(InputError, match=f"not finite numbers in {name}"):
        replace(program, **{name: spoilt})


@pytest.mark.parametrize("name", ["time_limit", "gap", "threads", "seed"])
def test_settings_outside_their_range_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} is -1; expected at least 0"):
        SolverOptions(**{name: -1})


@pytest.mark.parametrize("suffix", [".lp", ".mps"])
def test_a_written_program_is_the_same_program(tmp_path, suffix: str) -> None:
    path = tmp_path / f"program{suffix}"
    highs.write(knapsack(), path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    again = highspy.Highs()
    again.setOptionValue("output_flag", False)
    again.readModel(str(path))
    again.run()
    assert again.getInfo().objective_function_value == 11.0


def test_a_program_is_written_as_lp_or_mps_only(tmp_path) -> None:
    with pytest.raises(InputError, match=r"\.lp or \.mps"):
        highs.write(knapsack(), tmp_path / "program.txt")


def test_gap_and_summary() -> None:
    found = Solution(SolverStatus.TIME_LIMIT, "highs", 2, 3, np.ones(3), objective=12.0, bound=9.0)
    assert found.gap == 0.25
    assert found.summary()["status"] == "time_limit"
    unbounded = replace(found, bound=-np.inf)
    assert unbounded.summary()["bound"] is None  # JSON knows no infinity
    assert unbounded.summary()["gap"] is None
    assert Solution(SolverStatus.INFEASIBLE, "highs", 2, 3).gap is None
