"""Soft targets, the divergence from them, and proximal descent against scikit-learn's lasso and SciPy's minimiser."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import check_grad, minimize
from scipy.special import log_softmax, rel_entr, softmax
from sklearn.linear_model import Lasso

from repair.errors import InputError
from repair.weights.methods.minimal.distillation.divergence import Divergence
from repair.weights.methods.minimal.distillation.proximal import Iterate, minimise
from repair.weights.methods.minimal.distillation.stochastic import fitted
from repair.weights.methods.minimal.distillation.teacher import soft_targets
from repair.weights.network.layers import Activation, Conv, Dense, Flatten
from repair.weights.network.network import Network
from repair.weights.problem import Examples, Problem
from repair.weights.tangent import Tangent, Weights

CLASSES = 3


def network(seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    return Network(
        [
            Conv("conv_1", rng.standard_normal((2, 2, 1, 2))),
            Activation("relu_1"),
            Flatten("flatten_1"),
            Dense("dense_1", rng.standard_normal((8, 4)), rng.standard_normal(4)),
            Activation("relu_2"),
            Dense("dense_2", rng.standard_normal((4, CLASSES))),
        ],
        input_shape=(3, 3, 1),
        scale="0..1",
    )


def brightened(layers: tuple[str, ...], count: int = 30, paired: bool = True) -> Problem:
    rng = np.random.default_rng(1)
    images = rng.random((count, 3, 3, 1)).astype(np.float32)
    labels = rng.integers(0, CLASSES, count)
    clean = Examples(images, labels)
    defect = Examples(np.clip(images + 0.3, 0, 1), labels)
    return Problem(network(), layers, clean, defect, clean, defect, paired=paired)


def at_start(layers: tuple[str, ...], temperature: float = 2.0) -> tuple[Divergence, np.ndarray]:
    problem = brightened(layers)
    tangent = Tangent.start(Weights(problem.network, layers), problem.tests.images)
    targets = soft_targets(problem, tangent.logits, temperature)
    sample_weights = np.linspace(0.5, 2.0, len(targets))
    return Divergence.over(tangent, targets, sample_weights, temperature), targets


def test_the_target_of_a_right_test_is_its_own_answer_and_of_a_wrong_one_that_of_its_class():
    problem = brightened(("dense_2",), paired=False)
    logits, labels = problem.network.logits(problem.tests.images), problem.tests.labels
    targets, answers = soft_targets(problem, logits, 3.0), softmax(logits / 3.0, axis=1)
    right = logits.argmax(1) == labels
    assert right.any()
    assert not right.all()
    np.testing.assert_allclose(targets[right], answers[right])
    clean = np.arange(len(labels)) >= len(problem.repair_defect)
    for test in np.flatnonzero(~right):
        of_class = right & clean & (labels == labels[test])
        expected = answers[of_class].mean(0) if of_class.any() else np.eye(CLASSES)[labels[test]]
        np.testing.assert_allclose(targets[test], expected)


def test_the_target_of_a_test_with_the_defect_is_that_of_its_clean_pair():
    problem = brightened(("dense_2",))
    targets = soft_targets(problem, problem.network.logits(problem.tests.images), 1.0)
    defect, clean = np.split(targets, 2)
    np.testing.assert_array_equal(defect, clean)
    apart = soft_targets(
        replace(problem, paired=False), problem.network.logits(problem.tests.images), 1.0
    )
    assert (apart[: len(defect)] != defect).any()


def test_paired_examples_are_as_many():
    problem = brightened(("dense_2",))
    with pytest.raises(InputError, match=r"30 clean inputs .* and 7 with the defect"):
        replace(problem, repair_defect=problem.repair_defect.take(np.arange(7)))


@pytest.mark.parametrize("layers", [("dense_2",), ("conv_1", "dense_1")])
def test_the_divergence_is_the_mean_of_the_relative_entropies(layers):
    divergence, targets = at_start(layers)
    weights, problem = divergence.weights, brightened(layers)
    x = np.random.default_rng(2).standard_normal(len(weights)) * 0.3
    patched = weights.apply(x * weights.scale)
    answers = log_softmax(patched.logits(problem.tests.images) / 2.0, axis=1)
    sample_weights = np.linspace(0.5, 2.0, len(targets))
    apart = rel_entr(targets, np.exp(answers)).sum(1) * 2.0
    expected = float(sample_weights @ apart / sample_weights.sum())
    assert divergence.value(jnp.asarray(x, jnp.float32)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("layers", [("dense_2",), ("conv_1", "dense_1")])
def test_its_gradient_is_that_of_finite_differences(layers):
    divergence, _ = at_start(layers)

    def value(x: np.ndarray) -> float:
        return divergence.value(jnp.asarray(x, jnp.float32))

    def gradient(x: np.ndarray) -> np.ndarray:
        both = divergence.value_and_gradient(jnp.asarray(x, jnp.float32))
        assert both[0] == pytest.approx(value(x), rel=1e-5)
        return np.asarray(both[1], np.float64)

    x = np.random.default_rng(3).standard_normal(len(divergence.weights)) * 0.3
    wrong = check_grad(value, gradient, x, epsilon=1e-3, direction="random", seed=0)
    assert wrong < 0.02 * np.linalg.norm(gradient(x))


def test_the_step_sizes_are_one_over_the_largest_curvature():
    divergence, _ = at_start(("dense_2",))
    zero = np.zeros(len(divergence.weights))

    def gradient(x: np.ndarray) -> np.ndarray:
        return np.asarray(divergence.value_and_gradient(jnp.asarray(x, jnp.float32))[1], np.float64)

    # At the last layer the Gauss-Newton matrix is the Hessian.
    steps = np.eye(len(zero)) * 1e-2
    hessian = np.stack([(gradient(step) - gradient(-step)) / 2e-2 for step in steps])
    for where in divergence.weights.slices.values():
        block = hessian[where, where]
        largest = np.linalg.eigvalsh((block + block.T) / 2)[-1]
        np.testing.assert_allclose(divergence.step_sizes[where], 1 / largest, rtol=0.1)


class LeastSquares:
    """|Ax - b|^2 / 2n, what scikit-learn's lasso minimises beside its norm."""

    def __init__(self, seed: int):
        rng = np.random.default_rng(seed)
        self.matrix = rng.standard_normal((40, 15))
        self.side = self.matrix[:, :4] @ np.array([2.0, -3.0, 1.0, 0.5]) + rng.standard_normal(40)

    def value(self, x):
        return float(((self.matrix @ np.asarray(x, np.float64) - self.side) ** 2).sum() / 80)

    def value_and_gradient(self, x):
        left = self.matrix @ np.asarray(x, np.float64) - self.side
        return self.value(x), jnp.asarray(self.matrix.T @ left / 40, jnp.float32)


@pytest.mark.parametrize("seed", range(3))
def test_proximal_descent_ends_at_the_lasso_of_scikit_learn(seed):
    smooth = LeastSquares(seed)
    expected = Lasso(alpha=0.2, fit_intercept=False, tol=1e-10).fit(smooth.matrix, smooth.side)
    start, ones = Iterate(jnp.zeros(15)), jnp.ones(15)
    result = minimise(smooth, start, 0.2 * ones, ones, bound=np.inf, steps=500, until=np.inf)
    np.testing.assert_allclose(result.x, expected.coef_, atol=2e-3)
    np.testing.assert_array_equal(np.asarray(result.x) != 0, expected.coef_ != 0)


def test_what_may_not_change_stays_and_the_bound_holds():
    smooth = LeastSquares(0)
    strength = jnp.full(15, 0.1).at[0].set(jnp.inf)
    result = minimise(
        smooth, Iterate(jnp.zeros(15)), strength, jnp.ones(15), bound=1.5, steps=500, until=np.inf
    )
    x = np.asarray(result.x)
    assert x[0] == 0
    assert np.abs(x).max() == pytest.approx(1.5)  # without it, one of them would be about -3

    def objective(rest: np.ndarray) -> float:
        return smooth.value(np.concatenate([[0.0], rest])) + 0.1 * np.abs(rest).sum()

    best = minimize(objective, x[1:], bounds=[(-1.5, 1.5)] * 14, method="Powell", tol=1e-10)
    assert objective(x[1:]) == pytest.approx(best.fun, rel=1e-4)


def test_at_the_last_layer_it_ends_at_the_optimum_of_the_convex_program():
    divergence, targets = at_start(("dense_2",))
    problem, n = brightened(("dense_2",)), len(divergence.weights)
    entering = problem.network.activations(problem.tests.images, at="dense_2").astype(np.float64)
    scale = divergence.weights.scale
    sample_weights, strength = np.linspace(0.5, 2.0, len(targets)), 0.02

    def objective(halves: np.ndarray) -> float:
        x = halves[:n] - halves[n:]
        deltas = divergence.weights.split(x * scale)
        arrays = {key: deltas[key] + value for key, value in divergence.weights.arrays.items()}
        logits = entering @ arrays["dense_2", "kernel"] + arrays["dense_2", "bias"]
        apart = -(targets * log_softmax(logits / 2.0, axis=1)).sum(1) * 2.0
        return float(sample_weights @ apart / sample_weights.sum()) + strength * halves.sum()

    best = minimize(objective, np.full(2 * n, 0.01), bounds=[(0, None)] * (2 * n), tol=1e-12)
    result = minimise(
        divergence,
        Iterate(jnp.zeros(n)),
        jnp.full(n, strength),
        divergence.step_sizes,
        bound=np.inf,
        steps=400,
        until=np.inf,
    )
    x = np.asarray(result.x, np.float64)
    reached = objective(np.concatenate([np.maximum(x, 0), np.maximum(-x, 0)]))
    assert reached == pytest.approx(best.fun, rel=1e-3)
    assert 0 < np.count_nonzero(x) < n


def test_small_batches_hold_the_same_tests():
    divergence, targets = at_start(("conv_1", "dense_1"))
    small = divergence.in_batches(7)
    assert len(small.batches) == -(-len(targets) // 7)
    x = jnp.asarray(np.random.default_rng(3).standard_normal(len(divergence.weights)), jnp.float32)
    value, gradient = divergence.value_and_gradient(x)
    assert small.value(x) == pytest.approx(value, rel=1e-5)
    parts = [small.gradient(x, number) for number in range(len(small.batches))]
    np.testing.assert_allclose(np.mean(parts, 0), gradient, rtol=1e-3, atol=1e-6)


def test_restricted_to_chosen_weights_the_gradient_is_the_same_and_others_are_not_computed():
    divergence, _ = at_start(("conv_1", "dense_1", "dense_2"))
    where = divergence.weights.slices["dense_1", "kernel"]
    chosen = np.zeros(len(divergence.weights), bool)
    chosen[where.start : where.start + 5] = True
    x = jnp.asarray(chosen * np.random.default_rng(4).standard_normal(len(chosen)), jnp.float32)
    restricted = divergence.restricted(chosen)
    value, gradient = restricted.value_and_gradient(x)
    expected = divergence.value_and_gradient(x)
    assert value == pytest.approx(expected[0], rel=1e-6)
    np.testing.assert_allclose(gradient[where], expected[1][where], rtol=1e-4, atol=1e-7)
    assert not np.delete(np.asarray(gradient), where).any()
    assert np.delete(np.asarray(expected[1]), where).any()


def test_adam_on_small_batches_fits_the_chosen_weights_alone():
    problem = brightened(("dense_2",))
    tangent = Tangent.start(Weights(problem.network, ("dense_2",)), problem.tests.images)
    targets = softmax(
        np.random.default_rng(5).standard_normal((len(problem.tests), CLASSES)), axis=1
    )
    loss = Divergence.over(tangent, targets, np.ones(len(targets)), 1.0)
    chosen = np.arange(len(loss.weights)) % 2 == 0
    result = minimize(
        lambda x: loss.value(jnp.zeros(len(chosen)).at[chosen].set(jnp.asarray(x, jnp.float32))),
        np.zeros(chosen.sum()),
        method="Powell",
        bounds=[(-0.5, 0.5)] * int(chosen.sum()),
    )
    how = {"epochs": 60, "rate": 0.05, "bound": 0.5, "until": np.inf}
    small = loss.in_batches(16)
    start = jnp.ones(len(chosen))
    x = fitted(small, start, jnp.asarray(chosen), **how)
    assert not np.asarray(x)[~chosen].any()
    assert np.abs(x).max() <= 0.5
    assert loss.value(x) == pytest.approx(result.fun, abs=0.02 * loss.value(0 * start))
    late = fitted(small, start, jnp.asarray(chosen), **{**how, "until": 0.0})
    np.testing.assert_array_equal(late, chosen)
