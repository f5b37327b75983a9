"""PDHG with HiGHS's crossover against HiGHS alone."""

import logging
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from repair.errors import InputError
from repair.weights.programs.program import Program, SolverOptions, Status
from repair.weights.programs.solvers import choose, pdhg, solve

INF = np.inf
M, N = (
    10,
    8,
)  # all of one shape and as many entries: another one would be compiled anew, for seconds


def program(seed: int) -> Program:
    """Rows that are equal, one-sided, two-sided and free; columns free, one-sided and bounded; with an optimum."""
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(M, N))
    lower = np.array([-INF, -INF, 0, 0, -1, -1, -1, -1.0])
    upper = np.array([INF, 2, INF, INF, 2, 2, 2, 2.0])
    inside = rng.random(N)
    at = A @ inside
    below = np.r_[at[:3], at[3:6] - rng.random(3), np.full(2, -INF), at[8] - 0.5, -INF]
    above = np.r_[at[:3], np.full(3, INF), at[6:8] + rng.random(2), at[8] + 0.5, INF]
    # A dual solution, so that the objective is bounded.
    duals = rng.normal(size=M)
    duals[3:6], duals[6:8], duals[9] = np.abs(duals[3:6]), -np.abs(duals[6:8]), 0.0
    reduced = np.where(np.isfinite(lower), rng.random(N), -rng.random(N))
    reduced[0] = 0.0
    return Program(
        A.T @ duals + reduced, csr_array(A), below, above, lower, upper, np.zeros(N, bool), 1.5
    )


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    pytest.importorskip("mpax")


@pytest.mark.parametrize("seed", range(5))
def test_its_optimum_is_that_of_highs(seed: int) -> None:
    asked = program(seed)
    found, expected = solve(asked, "pdhg"), solve(asked, "highs")
    assert (found.status, found.solver) == (Status.OPTIMAL, "pdhg")
    assert found.objective == pytest.approx(expected.objective, abs=1e-8)
    assert found.objective == pytest.approx(asked.cost(found.values), abs=1e-12)
    assert found.gap <= 1e-9
    assert asked.violation(found.values) <= 1e-8
    assert set(found.stages) == {"pdhg", "crossover_and_simplex"}
    assert sum(found.stages.values()) == pytest.approx(found.seconds)
    assert found.summary()["stages"] == found.stages


@pytest.mark.parametrize("seed", range(3))
def test_the_crossover_leaves_simplex_little_to_do(seed: int) -> None:
    asked = program(seed)
    point = pdhg._first_order(asked, None, INF)
    assert asked.violation(point.values) < 1e-2
    assert abs(asked.cost(point.values) - solve(asked, "highs").objective) < 1e-2
    solver = pdhg.highs.loaded(asked, SolverOptions())
    solver.setBasis(pdhg._crossover(asked, point, SolverOptions()))
    solver.run()
    assert solver.getInfo().simplex_iteration_count <= 2


def test_infeasible_and_out_of_time_are_statuses() -> None:
    asked = program(0)
    below = asked.row_lower.copy()
    below[8], asked.row_upper[8] = 1e3, 1e3 + 1
    impossible = replace(asked, row_lower=below)
    assert solve(impossible, "pdhg", SolverOptions(time_limit=1.0)).status is Status.INFEASIBLE
    late = solve(program(1), "pdhg", SolverOptions(time_limit=0.0))
    assert (late.status, late.values) == (Status.TIME_LIMIT, None)


def test_programs_without_rows_are_solved_too() -> None:
    asked = program(0)
    nothing = np.empty(0)
    bare = replace(
        asked,
        objective=np.r_[0.0, np.full(N - 1, 1.0)],
        rows=csr_array((0, N)),
        row_lower=nothing,
        row_upper=nothing,
        lower=np.full(N, -1.0),
    )
    assert solve(bare, "pdhg").objective == pytest.approx(1.5 - (N - 1))


def test_whole_numbers_are_refused() -> None:
    asked = program(0)
    with pytest.raises(InputError, match=r"pdhg solves linear programs; given a MILP: 10 rows, 8"):
        solve(replace(asked, integer=np.arange(N) < 1), "pdhg")


def test_without_mpax_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpax", None)
    pdhg._module.cache_clear()
    with pytest.raises(InputError, match=r"needs mpax.*pip install 'repairbench\[pdhg\]'"):
        solve(program(0), "pdhg")


def test_auto_never_takes_it_and_the_log_stays_as_it_is() -> None:
    assert choose(program(0)) in ("gurobi", "highs")
    root = logging.getLogger()
    before = list(root.handlers), root.level
    solve(program(0), "pdhg")
    assert (list(root.handlers), root.level) == before
