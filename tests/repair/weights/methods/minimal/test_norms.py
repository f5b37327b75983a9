"""Proximal operators and descents in each norm against SciPy's minimisers."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from repair.weights.methods.minimal.distillation.proximal import Iterate, minimise
from repair.weights.methods.minimal.norms import DUAL, ORDER, largest_strength, proximal, value

N = 6
EACH = pytest.mark.parametrize("kind", sorted(ORDER))


def least(kind, smooth, strength, bound):
    """The least smooth(x) + |strength * x| within a bound: over increases, decreases and, for L-inf, their largest."""
    n = len(strength)

    def objective(v):
        x, weighted = v[:n] - v[n : 2 * n], strength * (v[:n] + v[n : 2 * n])
        if kind == "linf":
            return smooth(x) + v[-1]
        return smooth(x) + (
            weighted.sum() if kind == "l1" else np.sqrt((weighted**2).sum() + 1e-18)
        )

    limits = [(0, bound)] * (2 * n) + [(0, None)] * (kind == "linf")
    within = {"type": "ineq", "fun": lambda v: v[-1] - strength * (v[:n] + v[n : 2 * n])}
    start = np.full(len(limits), 0.1)
    start[-1] = 1.0
    found = minimize(
        objective,
        np.minimum(start, [high or np.inf for _, high in limits]),
        bounds=limits,
        constraints=[within] if kind == "linf" else [],
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-13},
    )
    return found.fun


def drawn(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=N), rng.uniform(0.3, 2.0, N), rng.uniform(0.2, 0.6, N)


@EACH
@pytest.mark.parametrize("bound", [None, 0.4])
def test_the_operator_is_the_least_of_its_own_objective(kind, bound):
    to, length, strength = drawn(0)

    def near(x):
        return float(((x - to) ** 2 / (2 * length)).sum())

    x = proximal(kind, *map(jnp.float32, (to, length, strength)), bound or np.inf)
    x = np.asarray(x, np.float64)
    assert np.abs(x).max() <= (bound or np.inf) * (1 + 1e-6)
    reached = near(x) + float(value(kind, jnp.asarray(x), jnp.asarray(strength)))
    assert reached == pytest.approx(near(x) + np.linalg.norm(strength * x, ORDER[kind]), rel=1e-5)
    assert reached == pytest.approx(least(kind, near, strength, bound), rel=1e-4)


@EACH
def test_nothing_changes_from_the_largest_strength_on(kind):
    to, length, cost = drawn(3)
    strength = largest_strength(kind, -to / length, cost)
    assert strength == pytest.approx(np.linalg.norm(to / length / cost, DUAL[kind]))
    for factor, changes in ((1.01, False), (0.99, True)):
        x = proximal(kind, *map(jnp.float32, (to, length, cost * strength * factor)), np.inf)
        assert np.any(x) == changes


@EACH
def test_what_may_not_change_stays(kind):
    to, length, strength = drawn(4)
    to[:2] = 0.0
    expected = proximal(kind, *map(jnp.float32, (to, length, strength)), np.inf)
    to[:2], strength[0], length[1] = 1.0, np.inf, 0.0
    x = np.asarray(proximal(kind, *map(jnp.float32, (to, length, strength)), np.inf))
    assert not x[:2].any()
    assert x[2:].all() or kind == "l1"
    np.testing.assert_allclose(x, expected, rtol=1e-5)


class LeastSquares:
    def __init__(self):
        rng = np.random.default_rng(5)
        self.matrix, self.side = rng.standard_normal((20, N)), rng.standard_normal(20)

    def value(self, x):
        return float(((self.matrix @ np.asarray(x, np.float64) - self.side) ** 2).sum() / 40)

    def value_and_gradient(self, x):
        left = self.matrix @ np.asarray(x, np.float64) - self.side
        return self.value(x), jnp.asarray(self.matrix.T @ left / 20, jnp.float32)


@EACH
def test_descent_ends_at_the_optimum_in_each_norm(kind):
    smooth, step_sizes = LeastSquares(), jnp.asarray([0.3, 0.3, 0.3, 1.0, 1.0, 1.0])
    strength = 0.3 * largest_strength(
        kind, np.asarray(smooth.value_and_gradient(np.zeros(N))[1]), np.ones(N)
    )
    found = minimise(
        smooth,
        Iterate(jnp.zeros(N)),
        jnp.full(N, strength),
        step_sizes,
        norm=kind,
        bound=np.inf,
        steps=300,
        until=np.inf,
    )
    x = np.asarray(found.x, np.float64)
    reached = smooth.value(x) + strength * np.linalg.norm(x, ORDER[kind])
    assert reached == pytest.approx(least(kind, smooth.value, np.full(N, strength), None), rel=1e-4)
    if kind == "linf":
        assert (np.abs(x) > np.abs(x).max() * (1 - 1e-4)).sum() > 1
