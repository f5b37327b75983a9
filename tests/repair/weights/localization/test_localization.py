"""Localizations: each against what it says it measures."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from repair.errors import InputError
from repair.weights.localization import Bidirectional, CausalEffect, Gradient, IntegratedGradients
from repair.weights.localization.localization import Entering
from repair.weights.network.layers import Activation, Dense
from repair.weights.network.network import Network

ALL = [Gradient(), IntegratedGradients(), CausalEffect(), Bidirectional()]


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    layers = [
        Dense("dense_1", rng.standard_normal((6, 5)), rng.standard_normal(5)),
        Activation("relu"),
        Dense("dense_2", rng.standard_normal((5, 3))),
    ]
    return Network(layers, input_shape=(6,), scale="0..1")


def drawn(seed: int, count: int, width: int) -> Entering:
    rng = np.random.default_rng(seed)
    values, labels = rng.random((count, width), dtype=np.float32), rng.integers(0, 3, count)
    return Entering(values, labels.astype(np.int32), np.arange(count))


def mean_loss(network, layer, tests, **weights):
    changed = network.replace(layer, **weights) if weights else network
    logits = changed.logits_from(jnp.asarray(tests.values), layer)
    return optax.softmax_cross_entropy_with_integer_labels(logits, jnp.asarray(tests.labels)).mean()


@pytest.mark.parametrize(("layer", "width"), [("dense_1", 6), ("dense_2", 5)])
@pytest.mark.parametrize("localize", ALL, ids=lambda method: type(method).__name__)
def test_scores_are_of_the_kernels_shape_and_not_negative(network, layer, width, localize):
    scores = localize(network, layer, drawn(1, 7, width), drawn(2, 9, width))
    assert scores.shape == network.weights(layer)["kernel"].shape
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()
    assert len(np.unique(scores)) > 3


@pytest.mark.parametrize(("layer", "width"), [("dense_1", 6), ("dense_2", 5)])
def test_gradient_is_jax_own(network, layer, width):
    failing = drawn(1, 7, width)
    kernel = network.weights(layer)["kernel"]
    wanted = jax.jit(jax.grad(lambda k: mean_loss(network, layer, failing, kernel=k)))(kernel)
    found = Gradient()(network, layer, failing, drawn(2, 9, width))
    np.testing.assert_allclose(found, np.abs(wanted), rtol=1e-4, atol=1e-6)


def test_integrated_gradients_add_up_to_the_difference_of_the_losses(network):
    failing, passing = drawn(1, 7, 6), drawn(2, 9, 6)
    method = IntegratedGradients(steps=200)
    base = Entering(np.tile(passing.values.mean(0), (7, 1)), failing.labels, failing.indices)
    difference = mean_loss(network, "dense_1", failing) - mean_loss(network, "dense_1", base)
    total = method.attributed(network, "dense_1", failing, passing).sum()
    assert total == pytest.approx(float(difference), abs=2e-3)


def test_a_causal_effect_is_that_of_an_intervention(network):
    failing, passing = drawn(1, 7, 5), drawn(2, 9, 5)
    scores = CausalEffect()(network, "dense_2", failing, passing)
    kernel = np.asarray(network.weights("dense_2")["kernel"])
    outputs, held = failing.values @ kernel, (passing.values @ kernel).mean(0)
    for neuron in range(3):
        changed = outputs.copy()
        changed[:, neuron] = held[neuron]
        losses = [
            optax.softmax_cross_entropy_with_integer_labels(
                jnp.asarray(logits), jnp.asarray(failing.labels)
            ).mean()
            for logits in (outputs, changed)
        ]
        assert scores[:, neuron].sum() == pytest.approx(
            abs(float(losses[1] - losses[0])), rel=1e-3, abs=1e-6
        )


def test_bidirectional_ranks_a_weight_before_all_that_it_dominates(network):
    failing, passing = drawn(1, 7, 6), drawn(2, 9, 6)
    method = Bidirectional()
    kernel = np.asarray(network.weights("dense_1")["kernel"])
    wrong = method._costs(network, "dense_1", kernel, failing)
    right = method._costs(network, "dense_1", kernel, passing)
    costs = np.stack([(w / (1 + r)).ravel() for w, r in zip(wrong, right, strict=True)])
    scores = method(network, "dense_1", failing, passing).ravel()
    dominates = (costs[:, :, None] > costs[:, None, :]).all(0)
    first, second = np.nonzero(dominates)
    assert len(first) > 50
    assert (scores[first] >= scores[second]).all()


@pytest.mark.parametrize("localize", ALL, ids=lambda method: type(method).__name__)
def test_no_tests_are_refused(network, localize):
    with pytest.raises(InputError, match="failing tests"):
        localize(network, "dense_1", drawn(1, 0, 6), drawn(2, 9, 6))
