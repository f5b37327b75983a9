"""Gradient attacks beside those of foolbox, a library of others."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bench.attacks import FGSM, PGD, DeepFool
from repair.weights.network.layers import Activation, Dense, Flatten
from repair.weights.network.network import Network
from repair.weights.problem import Examples

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what foolbox imports
    foolbox = pytest.importorskip("foolbox", reason="foolbox is the oracle of these tests")


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    layers = [
        Flatten("flat"),
        Dense("hidden", rng.normal(size=(64, 24)) / 2),
        Activation("tanh", "tanh"),
        Dense("dense", rng.normal(size=(24, 5))),
    ]
    return Network(layers, input_shape=(8, 8, 1), scale="0..1")


@pytest.fixture(scope="module")
def given(network):
    images = np.random.default_rng(1).random((24, 8, 8, 1), np.float32)
    return Examples(images, np.random.default_rng(2).integers(5, size=24))


def theirs(attack, network, examples, epsilon):
    model = foolbox.JAXModel(jax.jit(lambda x: network(x)), bounds=(0, 1))
    labels = jnp.asarray(examples.labels)
    raw, _, _ = attack(model, jnp.asarray(examples.images), labels, epsilons=epsilon)
    return np.asarray(raw)


# foolbox stops at images that are wrong already only where it minimises; all of these go on.
@pytest.mark.parametrize(
    ("ours", "name", "settings"),
    [
        (FGSM(0.03, label="true"), "LinfFastGradientAttack", {}),
        (FGSM(0.3, label="true", norm="l2"), "L2FastGradientAttack", {}),
        (
            PGD(0.06, steps=7, step_size=0.02, seed=None, label="true"),
            "LinfProjectedGradientDescentAttack",
            {"abs_stepsize": 0.02, "steps": 7},
        ),
        (
            PGD(0.5, steps=7, step_size=0.15, seed=None, label="true", norm="l2"),
            "L2ProjectedGradientDescentAttack",
            {"abs_stepsize": 0.15, "steps": 7},
        ),
    ],
    ids=["FGSM", "FGM", "PGD-linf", "PGD-l2"],
)
def test_fgsm_and_pgd_are_those_of_foolbox(network, given, ours, name, settings):
    attack = getattr(foolbox.attacks, name)(random_start=False, **settings)
    expected = theirs(attack, network, given, ours.epsilon)
    got = ours(network, given).images
    # A gradient that is all but zero may have either sign.
    close = np.isclose(got, expected, atol=1e-5)
    assert close.mean() > 0.999
    assert np.abs(got - given.images).max() > 0.02


def test_deepfool_goes_about_as_far_as_that_of_foolbox(network, given):
    right = Examples(given.images, network.predict(given.images))
    expected = theirs(foolbox.attacks.L2DeepFoolAttack(), network, right, None)
    got = DeepFool()(network, right).images
    far = [np.linalg.norm((x - right.images).reshape(24, -1), axis=1) for x in (got, expected)]
    np.testing.assert_allclose(far[0], far[1], rtol=0.05)
    assert (network.predict(got) != right.labels).all()
