"""Partial MaxSAT: the optima of brute force, and a formulation that cuts no point off."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag
from scipy.optimize import linprog
from scipy.sparse import csr_array

from repair.errors import InputError
from repair.weights.programs.components import split
from repair.weights.programs.maximise import maximise
from repair.weights.programs.maxsat import LinearConstraints, MaxSat, max_satisfied
from repair.weights.programs.program import TOLERANCE, SolverOptions, SolverStatus
from repair.weights.programs.solvers import SOLVERS, solve

EACH = pytest.mark.parametrize("solver", ["gurobi", "highs"])


def whole(low: int, high: int, *shape: int) -> st.SearchStrategy[np.ndarray]:
    """Arrays of small whole numbers: sums are exact, and ties are common."""
    size = int(np.prod(shape))
    numbers = st.lists(st.integers(low, high), min_size=size, max_size=size)
    return numbers.map(lambda found: np.array(found, dtype=float).reshape(shape))


@st.composite
def problems(
    draw: st.DrawFn, most_soft: int = 5
) -> tuple[LinearConstraints, LinearConstraints, np.ndarray, np.ndarray]:
    """Hard and soft rows of 1 to 3 deltas; often with equal coefficients, or none."""
    n, h, m = draw(st.integers(1, 3)), draw(st.integers(0, 3)), draw(st.integers(0, most_soft))
    matrix = draw(whole(-3, 3, m, n))
    if m:
        repeated = draw(st.lists(st.integers(0, m - 1), min_size=m, max_size=m))
        matrix = matrix[repeated]
    hard = LinearConstraints(draw(whole(-3, 3, h, n)), draw(whole(-4, 2, h)))
    lower = draw(whole(-2, 0, n))
    return (
        hard,
        LinearConstraints(matrix, draw(whole(-3, 3, m))),
        lower,
        lower + draw(whole(0, 3, n)),
    )


def feasible(
    rows: LinearConstraints, lower: np.ndarray, upper: np.ndarray, l1: bool
) -> float | None:
    """None where no point keeps all rows strictly; else 0, or the least L1 norm of such points."""
    n = len(lower)
    A, b = rows
    box = list(zip(lower, upper, strict=True))
    slack = linprog(
        np.append(np.zeros(n), -1.0), np.c_[-A, np.ones(len(b))], -b, bounds=[*box, (None, 1.0)]
    )
    if slack.status != 0 or slack.x[-1] < 1e-7:
        return None
    if not l1:
        return 0.0
    size = np.r_[np.zeros(n), np.ones(n)]
    above = np.block([[np.eye(n), -np.eye(n)], [-np.eye(n), -np.eye(n)], [-A, np.zeros_like(A)]])
    best = linprog(size, above, np.r_[np.zeros(2 * n), -b], bounds=[*box, *[(0, None)] * n])
    return float(best.fun)


def brute_force(
    hard: LinearConstraints, soft: LinearConstraints, lower: np.ndarray, upper: np.ndarray
) -> tuple[int, float] | None:
    """The greatest number of soft rows, and the least L1 norm at which it is reached (closed)."""
    for count in range(len(soft.side), -1, -1):
        subsets = (list(subset) for subset in combinations(range(len(soft.side)), count))
        norms = [
            feasible(
                LinearConstraints(
                    np.r_[hard.matrix, soft.matrix[some]], np.r_[hard.side, soft.side[some]]
                ),
                lower,
                upper,
                l1=True,
            )
            for some in subsets
        ]
        found = [norm for norm in norms if norm is not None]
        if found:
            return count, min(found)
    return None


@EACH
@settings(max_examples=25, deadline=None, derandomize=True)
@given(asked=problems())
def test_optimum_and_least_norm_of_brute_force(
    solver: str, asked: tuple[LinearConstraints, LinearConstraints, np.ndarray, np.ndarray]
) -> None:
    oracle = brute_force(*asked)
    found = maximise(max_satisfied(*asked), solver, secondary="l1")
    if oracle is None:
        assert found.solution.status is SolverStatus.INFEASIBLE
        assert found.deltas is None
        return
    assert found.proven
    assert (found.count, found.bound) == (oracle[0], oracle[0])
    assert np.abs(found.deltas).sum() == pytest.approx(oracle[1], abs=1e-5)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(asked=problems(most_soft=12), data=st.data())
def test_no_point_is_cut_off(
    asked: tuple[LinearConstraints, LinearConstraints, np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    """Any deltas that keep the hard rows are feasible, at the cost of the soft rows they break."""
    problem = max_satisfied(*asked, margin=1e-3)
    eighths = data.draw(whole(0, 8, len(problem.lower))) / 8
    deltas = problem.lower + eighths * (problem.upper - problem.lower)
    values = problem.values(deltas)
    hard_kept = problem.admits(deltas)
    assert (problem.program.violation(values) <= 1e-12) == hard_kept
    assert problem.program.cost(values) == (~problem.held(deltas)).sum()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(asked=problems(most_soft=12))
def test_what_is_claimed_is_what_holds(
    asked: tuple[LinearConstraints, LinearConstraints, np.ndarray, np.ndarray],
) -> None:
    hard, soft, lower, upper = asked
    problem = max_satisfied(*asked)
    found = maximise(problem, "highs")
    if found.deltas is None:
        return
    assert (lower <= found.deltas).all()
    assert (found.deltas <= upper).all()
    assert (hard.matrix @ found.deltas > hard.side).all()
    assert found.count == (soft.matrix @ found.deltas > soft.side).sum()
    assert found.solution.objective == pytest.approx(len(soft.side) - found.count, abs=1e-6)


def test_sparse_and_dense_rows_give_the_same_program() -> None:
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(20, 6)) * (rng.random((20, 6)) < 0.5)
    side, box = rng.normal(size=20), np.ones(6)
    one, other = (
        max_satisfied(
            LinearConstraints(matrix[:5], side[:5]),
            LinearConstraints(matrix[5:], side[5:]),
            -box,
            box,
        )
        for matrix in (dense, csr_array(dense))
    )
    np.testing.assert_array_equal(one.program.rows.toarray(), other.program.rows.toarray())
    np.testing.assert_array_equal(one.program.row_lower, other.program.row_lower)


def network_like(scale: float, failing: int = 6, seed: int = 0) -> MaxSat:
    """Activations up to `scale`; nine thresholds for each failing and for 20 passing tests."""
    rng = np.random.default_rng(seed)
    gain = rng.random((failing + 20, 5)) * (rng.random((failing + 20, 5)) < 0.8) * scale
    gain[failing + 10 :] *= -1  # passing tests of other classes must not gain too much
    wrong = rng.normal(size=(failing + 20, 9)) * scale
    wrong[failing:] = -np.abs(wrong[failing:])
    matrix, side = np.repeat(gain, 9, axis=0), wrong.reshape(-1)
    soft, hard = (
        LinearConstraints(matrix[part], side[part])
        for part in np.split(np.arange(len(side)), [9 * failing])
    )
    box = np.full(5, 0.5)
    return max_satisfied(hard, soft, -box, box)


@EACH
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_the_scale_of_the_rows_does_not_matter(solver: str, scale: float) -> None:
    found = maximise(network_like(scale), solver)
    assert found.proven
    assert found.count == maximise(network_like(1.0), "highs").count
    assert found.solution.gap == 0.0


def test_tests_with_many_thresholds_need_one_row_each() -> None:
    blocks = network_like(1.0).program.row_blocks
    assert blocks["soft"].stop - blocks["soft"].start <= 6
    assert blocks["hard"].stop - blocks["hard"].start <= 20


def test_rows_that_the_bounds_decide_get_no_binary() -> None:
    #                       always   never     open     0 > -1 holds, 0 > 0 does not
    matrix = np.array([[1.0], [1.0], [1.0], [0.0], [0.0]])
    side = np.array([-2.0, 2.0, 0.0, -1.0, 0.0])
    none = LinearConstraints(np.zeros((0, 1)), np.zeros(0))
    problem = max_satisfied(none, LinearConstraints(matrix, side), -np.ones(1), np.ones(1))
    assert problem.undecided.tolist() == [2]
    found = maximise(problem)
    assert found.held.tolist() == [True, False, True, True, False]
    assert found.bound == 3


@EACH
def test_least_norm_keeps_the_count(solver: str) -> None:
    problem = network_like(10.0, failing=3, seed=3)
    first = maximise(problem, solver)
    small = maximise(problem, solver, secondary="l1")
    assert small.proven
    assert small.count == first.count
    assert np.abs(small.deltas).sum() <= np.abs(first.deltas).sum() + 1e-9
    assert small.second.objective == pytest.approx(np.abs(small.deltas).sum(), abs=1e-7)


def test_deltas_to_start_from_reach_the_solver_as_a_feasible_incumbent() -> None:
    problem = network_like(1.0)
    best = maximise(problem)
    seen = []

    def watched(program, options, start=None):
        seen.append(start)
        return SOLVERS["highs"](program, options, start)

    found = maximise(problem, watched, SolverOptions(time_limit=10.0), best.deltas, "l1")
    assert found.second is not None
    assert problem.program.violation(seen[0]) <= TOLERANCE
    assert problem.program.cost(seen[0]) == 54 - best.count
    assert np.isfinite(seen[1]).all()


def neurons(count: int, passing: int = 8) -> MaxSat:
    """An intermediate layer's problem: each neuron has 4 deltas, 5 soft rows and its hard rows."""
    rng = np.random.default_rng(0)
    soft, hard = (block_diag(*rng.normal(size=(count, m, 4))) for m in (5, passing))
    shuffled = rng.permutation(4 * count)  # the deltas of a neuron do not lie together
    box = np.full(4 * count, 0.5)
    return max_satisfied(
        LinearConstraints(hard[:, shuffled], -np.abs(rng.normal(size=passing * count))),
        LinearConstraints(soft[:, shuffled], np.abs(rng.normal(size=5 * count))),
        -box,
        box,
    )


@EACH
@pytest.mark.parametrize("secondary", ["none", "l1"])
def test_apart_and_together_give_the_same(solver: str, secondary: str) -> None:
    problem = neurons(5)
    assert len(split(problem)) == 5
    found = maximise(problem, solver, secondary=secondary)
    together = solve(problem.program, solver)
    assert found.proven
    assert found.bound == found.count == len(found.held) - together.objective
    assert found.solution.objective == together.objective
    assert (found.second is None) == (secondary == "none")
    if found.second is not None:
        assert found.second.objective == pytest.approx(np.abs(found.deltas).sum(), abs=1e-7)


def test_apart_a_large_problem_is_within_a_small_licence() -> None:
    problem = neurons(40, passing=80)
    assert max(problem.program.rows.shape) > 2000
    found = maximise(problem, "gurobi")
    assert found.proven
    assert found.solution.status is SolverStatus.OPTIMAL


def test_one_infeasible_component_makes_all_infeasible() -> None:
    apart = LinearConstraints(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([0.0, 0.0]))
    soft = LinearConstraints(np.array([[0.0, 1.0], [0.0, 0.0]]), np.array([0.1, -1.0]))
    found = maximise(max_satisfied(apart, soft, -np.ones(2), np.ones(2)))
    assert found.solution.status is SolverStatus.INFEASIBLE
    assert (found.deltas, found.bound, found.proven) == (None, 0, False)


def test_contradicting_hard_rows_are_infeasible() -> None:
    apart = LinearConstraints(np.array([[1.0], [-1.0]]), np.array([0.0, 0.0]))
    none = LinearConstraints(np.zeros((0, 1)), np.zeros(0))
    found = maximise(max_satisfied(apart, none, -np.ones(1), np.ones(1)))
    assert found.solution.status is SolverStatus.INFEASIBLE
    assert (found.count, found.proven) == (0, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lower": np.full(2, -np.inf)}, "finite"),
        ({"lower": np.full(2, 2.0)}, "lower <= upper"),
        ({"margin": 0.0}, "margin is 0.0; .*above 0"),
        (
            {"soft": LinearConstraints(np.zeros((3, 2)), np.zeros(4))},
            r"soft rows: .*\(4, 2\).*given \(3, 2\)",
        ),
        ({"hard": LinearConstraints(np.full((1, 2), np.nan), np.zeros(1))}, "not finite"),
    ],
)
def test_bad_input_is_named(change: dict, message: str) -> None:
    given = {
        "hard": LinearConstraints(np.zeros((0, 2)), np.zeros(0)),
        "soft": LinearConstraints(np.ones((3, 2)), np.zeros(3)),
        "lower": -np.ones(2),
        "upper": np.ones(2),
    }
    with pytest.raises(InputError, match=message):
        max_satisfied(**{**given, **change})


def test_an_unknown_secondary_objective_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown secondary objective 'l2'.*Known: l1, none"):
        maximise(network_like(1.0), secondary="l2")
