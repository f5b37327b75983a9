"""The generated program against the full one, against vertices in exact fractions, and against the network."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linprog

from repair.weights.methods.minimal.linear_programs.generation import Generation, best_step
from repair.weights.methods.minimal.objective import Objective, Regularizer
from repair.weights.network.layers import Activation, Dense
from repair.weights.network.network import Network
from repair.weights.programs.program import SolverOptions, SolverStatus
from repair.weights.programs.solvers.session import Session
from repair.weights.tangent import Tangent, Weights, margin_cotangents


def network(seed: int, inputs: int = 5, hidden: int = 6, classes: int = 3) -> Network:
    rng = np.random.default_rng(seed)
    layers = [
        Dense("dense_1", rng.standard_normal((inputs, hidden))),
        Activation("relu"),
        Dense("dense_2", rng.standard_normal((hidden, classes)), rng.standard_normal(classes)),
    ]
    return Network(layers, input_shape=(inputs,), scale="0..1")


def problem(seed: int, layers: tuple[str, ...], count: int = 40) -> tuple[Tangent, Objective]:
    rng = np.random.default_rng(seed + 100)
    weights = Weights(network(seed), layers)
    tangent = Tangent.start(weights, rng.random((count, 5), dtype=np.float32))
    labels = rng.integers(0, 3, count)
    sample_weights = rng.choice([1.0, 2.0], count)
    regularizer = Regularizer("l1", 1.5, np.ones(len(weights)), weights.scale)
    return tangent, Objective(labels, sample_weights, 0.5, regularizer)


def every_row(tangent: Tangent, objective: Objective) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each test and rival class: the slopes (rows, n) of its margin, its slack (rows, N), its margin at no delta."""
    count, classes = tangent.logits.shape
    n = len(objective.regularizer.scale)
    tests, rivals = (part.ravel() for part in np.indices((count, classes)))
    kept = rivals != objective.labels[tests]
    tests, rivals = tests[kept], rivals[kept]
    cotangents = margin_cotangents(objective.labels[tests], rivals, classes)
    rows = (
        tangent.factors(tests, cotangents).columns(np.arange(n))
        * objective.regularizer.scale
        / objective.target_margin
    )
    base = objective.margins(tangent.logits)[tests, rivals] - rows @ (
        tangent.deltas / objective.regularizer.scale
    )
    return rows, np.eye(count)[tests], base


def full_program(tangent: Tangent, objective: Objective) -> float:
    """The least objective by scipy's linprog, with every row and every column written out."""
    rows, slack, base = every_row(tangent, objective)
    cost = np.concatenate(
        [np.full(2 * rows.shape[1], objective.regularizer.strength), objective.sample_weights]
    )
    result = linprog(cost, A_ub=-np.hstack([rows, -rows, slack]), b_ub=base - 1.0)
    assert result.status == 0
    return float(result.fun)


@pytest.mark.parametrize("layers", [("dense_2",), ("dense_1",), ("dense_1", "dense_2")])
@pytest.mark.parametrize("few", [False, True])
def test_generated_rows_and_columns_reach_the_optimum_of_the_full_program(layers, few):
    tangent, objective = problem(len(layers), layers)
    generation = Generation(rows=3, columns=2, passes=500) if few else Generation()
    step = best_step(tangent, objective, generation=generation)
    assert step.status is SolverStatus.OPTIMAL
    assert step.exact
    assert step.objective == pytest.approx(full_program(tangent, objective), rel=1e-3)
    assert step.objective < objective(tangent.logits, tangent.deltas)
    if few:
        assert step.rows < tangent.logits.size


def least_largest(tangent: Tangent, objective: Objective) -> float:
    """The least objective in L-inf by scipy's linprog: deltas of both signs, slacks, and their largest size."""
    rows, slack, base = every_row(tangent, objective)
    n, count = rows.shape[1], slack.shape[1]
    cost = np.concatenate([np.zeros(n), objective.sample_weights, [objective.regularizer.strength]])
    soft = np.hstack([rows, slack, np.zeros((len(rows), 1))])
    sized = [np.hstack([s * np.eye(n), np.zeros((n, count)), -np.ones((n, 1))]) for s in (1, -1)]
    result = linprog(
        cost,
        A_ub=np.vstack([-soft, *sized]),
        b_ub=np.concatenate([base - 1.0, np.zeros(2 * n)]),
        bounds=[(None, None)] * n + [(0, None)] * (count + 1),
    )
    assert result.status == 0
    return float(result.fun)


def in_linf(tangent: Tangent, objective: Objective) -> Objective:
    objective = replace(objective, regularizer=replace(objective.regularizer, kind="linf"))
    return objective.with_strength(0.2 * objective.largest_strength(tangent))


@pytest.mark.parametrize("few", [False, True])
def test_the_largest_change_is_as_small_as_it_can_be(few):
    tangent, objective = problem(2, ("dense_2",))
    objective = in_linf(tangent, objective)
    generation = Generation(rows=3, columns=2, passes=500) if few else Generation()
    step = best_step(tangent, objective, generation=generation)
    assert step.exact
    assert step.objective == pytest.approx(least_largest(tangent, objective), rel=1e-3)
    changes = np.abs(step.deltas / objective.regularizer.scale)
    assert (changes > changes.max() * (1 - 1e-6)).sum() > 3
    assert not best_step(
        tangent, objective.with_strength(objective.regularizer.strength * 5.1)
    ).deltas.any()


def test_no_more_weights_than_asked_for_enter_a_program():
    tangent, objective = problem(2, ("dense_2",))
    objective = in_linf(tangent, objective)
    for columns in (2, 200):
        generation = Generation(columns=columns, most_columns=5, passes=500)
        step = best_step(tangent, objective, generation=generation)
        assert 0 < np.count_nonzero(step.deltas) <= 5
        assert not step.exact
        assert step.objective < objective(tangent.logits, tangent.deltas)


def test_at_the_last_layer_the_predicted_margins_are_the_networks_own():
    tangent, objective = problem(1, ("dense_2",))
    step = best_step(tangent, objective)
    assert np.any(step.deltas)
    ahead = tangent.at(step.deltas)
    predicted = tangent.logits + tangent.change_of_logits(step.deltas)
    np.testing.assert_allclose(predicted, ahead.logits, atol=1e-5)
    assert step.objective == pytest.approx(objective(ahead.logits, step.deltas), rel=1e-4)


def test_the_optimum_is_an_exact_vertex_in_fractions():
    # One test, two classes, one free weight and its bias: the best of all vertices, by hand in fractions.
    x, margin, strength = Fraction(3, 4), Fraction(1), Fraction(1, 4)
    kernel = np.array([[0.5, 1.0]])
    net = Network([Dense("dense", kernel, np.zeros(2))], input_shape=(1,), scale="0..1")
    weights = Weights(net, ("dense",))
    tangent = Tangent.start(weights, np.array([[0.75]], np.float32))
    regularizer = Regularizer("l1", float(strength), np.ones(4), np.ones(4))
    objective = Objective(np.array([0]), np.ones(1), float(margin), regularizer)
    lack = margin - (x * Fraction(1, 2) - x)
    gradients = [x, -x, Fraction(1), Fraction(-1)]  # of the margin in kernel and bias
    # A vertex changes at most one weight (one row), which closes the row, or pays the slack.
    costs = [lack] + [strength * abs(lack / gradient) for gradient in gradients]
    step = best_step(tangent, objective)
    assert step.objective == pytest.approx(float(min(costs)), rel=1e-6)
    assert np.count_nonzero(step.deltas) == 1


def test_the_trust_region_and_the_bound_hold():
    tangent, objective = problem(4, ("dense_1", "dense_2"))
    for limits in ({"radius": 0.1}, {"bound": 0.05}):
        step = best_step(tangent, objective, **limits)
        assert step.status is SolverStatus.OPTIMAL
        assert np.abs(step.deltas / objective.regularizer.scale).max() == pytest.approx(
            min(limits.values())
        )
    at = best_step(tangent, objective, radius=0.1).deltas
    again = best_step(tangent.at(at), objective, radius=0.1)
    assert np.abs((again.deltas - at) / objective.regularizer.scale).max() <= 0.1 + 1e-9


def test_weights_of_infinite_penalty_factor_do_not_change():
    tangent, objective = problem(5, ("dense_2",))
    objective.regularizer.factors[::2] = np.inf
    step = best_step(tangent, objective)
    assert np.any(step.deltas)
    assert not np.any(step.deltas[::2])


def brute_force(cost, matrix, side):
    """The least cost @ x over vertices of matrix @ x >= side, x >= 0, in exact fractions."""
    n = len(cost)
    rows = [*matrix, *np.eye(n, dtype=int).tolist()]
    sides = [*side, *[0] * n]
    best = None
    for chosen in combinations(range(len(rows)), n):
        x = solve([rows[i] for i in chosen], [sides[i] for i in chosen])
        if x is None or any(
            sum(Fraction(a) * v for a, v in zip(row, x, strict=True)) < b
            for row, b in zip(rows, sides, strict=True)
        ):
            continue
        value = sum(Fraction(c) * v for c, v in zip(cost, x, strict=True))
        best = value if best is None else min(best, value)
    return best


def solve(matrix, side):
    """Gauss-Jordan elimination in fractions; None for a singular matrix."""
    n = len(matrix)
    rows = [[*map(Fraction, row), Fraction(b)] for row, b in zip(matrix, side, strict=True)]
    for i in range(n):
        pivot = next((j for j in range(i, n) if rows[j][i] != 0), None)
        if pivot is None:
            return None
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [value / rows[i][i] for value in rows[i]]
        for j in range(n):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [row[-1] for row in rows]


@pytest.mark.parametrize("seed", range(5))
def test_a_growing_session_ends_at_the_exact_optimum(seed):
    from scipy.sparse import csc_array, csr_array

    rng = np.random.default_rng(seed)
    cost, matrix = rng.integers(1, 9, 4), rng.integers(-2, 7, (4, 4))
    side = rng.integers(1, 9, 4)
    matrix[np.arange(4), np.arange(4)] = 7  # so that there is a solution
    session = Session(SolverOptions())
    nothing, everything = np.zeros(2), np.full(2, np.inf)
    session.add_columns(cost[:2].astype(float), nothing, everything)
    session.add_rows(side[:2].astype(float), everything, csr_array(matrix[:2, :2].astype(float)))
    session.solve()
    session.add_columns(
        cost[2:].astype(float), nothing, everything, csc_array(matrix[:2, 2:].astype(float))
    )
    session.add_rows(side[2:].astype(float), everything, csr_array(matrix[2:].astype(float)))
    vertex = session.solve()
    expected = brute_force(cost.tolist(), matrix.tolist(), side.tolist())
    if expected is None:
        assert vertex.status is SolverStatus.INFEASIBLE
    else:
        assert vertex.status is SolverStatus.OPTIMAL
        assert vertex.objective == pytest.approx(float(expected), rel=1e-9)
        assert vertex.duals @ side == pytest.approx(float(expected), rel=1e-9)
