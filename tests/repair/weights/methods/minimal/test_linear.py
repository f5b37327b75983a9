"""The generated program against the full one, against vertices in exact fractions, and against the network."""

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import linprog

from repair.errors import InputError
from repair.weights.methods.minimal import full
from repair.weights.methods.minimal.full import full_step
from repair.weights.methods.minimal.linear import Generation, best_step
from repair.weights.methods.minimal.merit import Merit
from repair.weights.methods.minimal.norms import least_price
from repair.weights.network.layers import Activation, Dense
from repair.weights.network.network import Network
from repair.weights.programs.program import SolverOptions, Status
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


def problem(seed: int, layers: tuple[str, ...], count: int = 40) -> tuple[Tangent, Merit]:
    rng = np.random.default_rng(seed + 100)
    weights = Weights(network(seed), layers)
    tangent = Tangent.start(weights, rng.random((count, 5), dtype=np.float32))
    labels = rng.integers(0, 3, count)
    importance = rng.choice([1.0, 2.0], count)
    return tangent, Merit(labels, importance, 0.5, 1.5, np.ones(len(weights)), weights.units)


def every_row(tangent: Tangent, merit: Merit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each test and rival class: the slopes (rows, n) of its margin, its slack (rows, N), its margin at no delta."""
    count, classes = tangent.logits.shape
    n = len(merit.units)
    tests, rivals = (part.ravel() for part in np.indices((count, classes)))
    kept = rivals != merit.labels[tests]
    tests, rivals = tests[kept], rivals[kept]
    cotangents = margin_cotangents(merit.labels[tests], rivals, classes)
    rows = tangent.factors(tests, cotangents).columns(np.arange(n)) * merit.units / merit.margin
    base = merit.margins(tangent.logits)[tests, rivals] - rows @ (tangent.at / merit.units)
    return rows, np.eye(count)[tests], base


def full_program(tangent: Tangent, merit: Merit) -> float:
    """The least merit by scipy's linprog, with every row and every column written out."""
    rows, slack, base = every_row(tangent, merit)
    cost = np.concatenate([np.full(2 * rows.shape[1], merit.price), merit.importance])
    found = linprog(cost, A_ub=-np.hstack([rows, -rows, slack]), b_ub=base - 1.0)
    assert found.status == 0
    return float(found.fun)


@pytest.mark.parametrize("layers", [("dense_2",), ("dense_1",), ("dense_1", "dense_2")])
@pytest.mark.parametrize("few", [False, True])
def test_generated_rows_and_columns_reach_the_optimum_of_the_full_program(layers, few):
    tangent, merit = problem(len(layers), layers)
    how = Generation(rows=3, columns=2, passes=500) if few else Generation()
    step = best_step(tangent, merit, generation=how)
    assert step.status is Status.OPTIMAL
    assert step.exact
    assert step.objective == pytest.approx(full_program(tangent, merit), rel=1e-3)
    assert step.objective < merit(tangent.logits, tangent.at)
    if few:
        assert step.rows < tangent.logits.size


def least_largest(tangent: Tangent, merit: Merit) -> float:
    """The least merit in L-inf by scipy's linprog: deltas of both signs, slacks, and their largest size."""
    rows, slack, base = every_row(tangent, merit)
    n, count = rows.shape[1], slack.shape[1]
    cost = np.concatenate([np.zeros(n), merit.importance, [merit.price]])
    soft = np.hstack([rows, slack, np.zeros((len(rows), 1))])
    sized = [np.hstack([s * np.eye(n), np.zeros((n, count)), -np.ones((n, 1))]) for s in (1, -1)]
    found = linprog(
        cost,
        A_ub=np.vstack([-soft, *sized]),
        b_ub=np.concatenate([base - 1.0, np.zeros(2 * n)]),
        bounds=[(None, None)] * n + [(0, None)] * (count + 1),
    )
    assert found.status == 0
    return float(found.fun)


def in_linf(tangent: Tangent, merit: Merit) -> Merit:
    merit = replace(merit, kind="linf")
    gradient = tangent.gradient(*merit.hinge_cotangents(tangent.logits)) * merit.units
    return merit.priced(0.2 * least_price("linf", gradient, merit.cost))


@pytest.mark.parametrize("few", [False, True])
def test_the_largest_change_is_as_small_as_it_can_be(few):
    tangent, merit = problem(2, ("dense_2",))
    merit = in_linf(tangent, merit)
    how = Generation(rows=3, columns=2, passes=500) if few else Generation()
    step = best_step(tangent, merit, generation=how)
    assert step.exact
    assert step.objective == pytest.approx(least_largest(tangent, merit), rel=1e-3)
    changes = np.abs(step.deltas / merit.units)
    assert (changes > changes.max() * (1 - 1e-6)).sum() > 3
    assert not best_step(tangent, merit.priced(merit.price * 5.1)).deltas.any()


def test_no_more_weights_than_asked_for_enter_a_program():
    tangent, merit = problem(2, ("dense_2",))
    merit = in_linf(tangent, merit)
    for columns in (2, 200):
        how = Generation(columns=columns, most_columns=5, passes=500)
        step = best_step(tangent, merit, generation=how)
        assert 0 < np.count_nonzero(step.deltas) <= 5
        assert not step.exact
        assert step.objective < merit(tangent.logits, tangent.at)


@pytest.mark.parametrize("largest", [False, True])
def test_the_whole_program_has_the_optimum_of_the_generated_one(largest):
    tangent, merit = problem(1, ("dense_2",))
    if largest:
        merit = in_linf(tangent, merit)
    merit.cost[:4] = np.inf
    limits = {"radius": 0.5, "bound": 0.8}
    at = tangent.move(best_step(tangent, merit, **limits).deltas)
    generated, whole = best_step(at, merit, **limits), full_step(at, merit, **limits)
    assert whole.exact
    assert whole.objective == pytest.approx(generated.objective, rel=1e-4)
    assert not whole.deltas[:4].any()
    assert np.abs((whole.deltas - at.at) / merit.units).max() <= 0.5 + 1e-9
    late = full_step(at, merit, solver="highs", options=SolverOptions(time_limit=0.0))
    assert late.status is Status.TIME_LIMIT
    np.testing.assert_array_equal(late.deltas, at.at)


def test_a_program_that_is_too_large_to_write_out_is_refused(monkeypatch):
    tangent, merit = problem(1, ("dense_2",))
    monkeypatch.setattr(full, "MOST_ENTRIES", 100)
    with pytest.raises(InputError, match=r"80 rows and 21 weights has more than 100 entries"):
        full.full_program(tangent, merit)


def test_at_the_last_layer_the_predicted_margins_are_the_networks_own():
    tangent, merit = problem(1, ("dense_2",))
    step = best_step(tangent, merit)
    assert np.any(step.deltas)
    moved = tangent.move(step.deltas)
    predicted = tangent.logits + tangent.along(step.deltas)
    np.testing.assert_allclose(predicted, moved.logits, atol=1e-5)
    assert step.objective == pytest.approx(merit(moved.logits, step.deltas), rel=1e-4)


def test_the_optimum_is_an_exact_vertex_in_fractions():
    # One test, two classes, one free weight and its bias: the best of all vertices, by hand in fractions.
    x, margin, price = Fraction(3, 4), Fraction(1), Fraction(1, 4)
    kernel = np.array([[0.5, 1.0]])
    net = Network([Dense("dense", kernel, np.zeros(2))], input_shape=(1,), scale="0..1")
    weights = Weights(net, ("dense",))
    tangent = Tangent.start(weights, np.array([[0.75]], np.float32))
    merit = Merit(np.array([0]), np.ones(1), float(margin), float(price), np.ones(4), np.ones(4))
    lack = margin - (x * Fraction(1, 2) - x)
    gradients = [x, -x, Fraction(1), Fraction(-1)]  # of the margin in kernel and bias
    # A vertex changes at most one weight (one row), which closes the row, or pays the slack.
    costs = [lack] + [price * abs(lack / gradient) for gradient in gradients]
    step = best_step(tangent, merit)
    assert step.objective == pytest.approx(float(min(costs)), rel=1e-6)
    assert np.count_nonzero(step.deltas) == 1


def test_the_trust_region_and_the_bound_hold():
    tangent, merit = problem(4, ("dense_1", "dense_2"))
    for limits in ({"radius": 0.1}, {"bound": 0.05}):
        step = best_step(tangent, merit, **limits)
        assert step.status is Status.OPTIMAL
        assert np.abs(step.deltas / merit.units).max() == pytest.approx(min(limits.values()))
    at = best_step(tangent, merit, radius=0.1).deltas
    again = best_step(tangent.move(at), merit, radius=0.1)
    assert np.abs((again.deltas - at) / merit.units).max() <= 0.1 + 1e-9


def test_weights_of_infinite_cost_do_not_change():
    tangent, merit = problem(5, ("dense_2",))
    cost = np.ones(len(merit.units))
    cost[::2] = np.inf
    merit = Merit(merit.labels, merit.importance, merit.margin, merit.price, cost, merit.units)
    step = best_step(tangent, merit)
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
    wanted = brute_force(cost.tolist(), matrix.tolist(), side.tolist())
    if wanted is None:
        assert vertex.status is Status.INFEASIBLE
    else:
        assert vertex.status is Status.OPTIMAL
        assert vertex.objective == pytest.approx(float(wanted), rel=1e-9)
        assert vertex.duals @ side == pytest.approx(float(wanted), rel=1e-9)
