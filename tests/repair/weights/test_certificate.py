"""A certificate counts exactly the constraints that a plain loop finds to hold."""

import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.certificate import NOTHING, MarginConstraints, certify
from repair.weights.patch import Patch
from repair.weights.problem import Examples


@pytest.fixture
def network(digits_network):
    return digits_network()


@pytest.fixture
def examples(network, unit_images):
    return Examples(unit_images(1, 20, network), np.arange(20) % 3, "e")


@pytest.fixture
def patch(network):
    change = np.random.default_rng(3).standard_normal((6, 3))
    return Patch.dense(network, {("dense_2", "kernel"): change})


@pytest.mark.parametrize("margin", [0.0, 0.7, -2.0])
def test_margins_are_counted_as_a_loop_counts_them(network, examples, patch, margin):
    certificate = certify(network, patch, MarginConstraints.margins(examples, 3, margin))
    logits = patch.apply(network).logits(examples.images).astype(np.float64)
    gaps = [
        logits[n, label] - logits[n, rival]
        for n, label in enumerate(examples.labels)
        for rival in range(3)
        if rival != label
    ]
    assert certificate.rows == 40
    assert certificate.held == sum(gap > margin for gap in gaps)
    assert certificate.smallest_margin == min(gaps)
    failing = [gaps[row] for row in certificate.failing]
    assert failing == sorted(gap for gap in gaps if not gap > margin)
    assert certificate.ok == (certificate.held == 40)
    assert certificate.describe()["held"] == certificate.held


def test_answers_hold_until_a_patch_breaks_them(network, examples, patch):
    rows = MarginConstraints.answers(network, examples.images)
    nothing = Patch(network.fingerprint())
    assert certify(network, nothing, rows).ok
    flipped = patch.apply(network).predict(examples.images) != network.predict(examples.images)
    broken = rows.inputs[certify(network, patch, rows).failing]
    assert flipped.any()
    assert set(broken) == set(np.flatnonzero(flipped))


def test_ties_do_not_hold(network, examples):
    network = network.replace("dense_2", kernel=np.zeros((6, 3)), bias=np.zeros(3))
    certificate = certify(
        network, Patch(network.fingerprint()), MarginConstraints.margins(examples, 3)
    )
    assert (certificate.held, certificate.smallest_margin) == (0, 0.0)


def test_patterns_are_signs_of_what_enters_a_layer(network, examples):
    nothing = Patch(network.fingerprint())
    before = network.activations(examples.images, at="activation_3")
    neurons, on = np.array([4, 0, 3]), np.array([True, False, True])
    rows = MarginConstraints.pattern(examples.images, "activation_3", neurons, on)
    certificate = certify(network, nothing, rows)
    holds = (before[:, neurons] > 0) == on
    assert 0 < holds.sum() < holds.size
    assert certificate.held == holds.sum()
    assert set(certificate.failing) == set(np.flatnonzero(~holds.ravel()))
    # A neuron at exactly 0 is off.
    off = network.replace("dense_1", kernel=np.zeros((16, 6)), bias=np.zeros(6))
    certificate = certify(off, Patch(off.fingerprint()), rows)
    assert certificate.held == len(examples)


def test_values_that_are_not_numbers_do_not_hold(network, examples):
    broken = network.replace("dense_2", bias=np.full(3, np.nan))
    certificate = certify(
        broken, Patch(broken.fingerprint()), MarginConstraints.margins(examples, 3)
    )
    assert certificate.held == 0


def test_no_rows_hold_trivially(network, examples):
    none = MarginConstraints.margins(examples.take(np.arange(0)), 3)
    certificate = certify(network, Patch(network.fingerprint()), none)
    assert certificate.ok
    assert certificate.describe() == {"rows": 0, "held": 0, "smallest_margin": None, "ok": True}


def test_rows_that_cannot_be_are_refused(network, examples):
    with pytest.raises(InputError, match="images 0 to 20; there are 20"):
        MarginConstraints(examples.images, [0, 20], 0, NOTHING, 0.0, True)
    wrong = MarginConstraints(examples.images, [0], 3, 0, 0.0, True)
    with pytest.raises(InputError, match="numbers 3 to 3; the logits has 0 to 2"):
        certify(network, Patch(network.fingerprint()), wrong)
    with pytest.raises(InputError, match="fingerprint"):
        certify(network, Patch("0" * 64), MarginConstraints.margins(examples, 3))
