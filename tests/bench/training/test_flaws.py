"""Flaws of training data: how many examples have them, which, and what stays as it was."""

import numpy as np
import pytest

from bench.attacks import FGSM, Sinusoid, Square
from bench.training import few, mislabel, poison
from repair.errors import InputError
from repair.weights.problem import Examples


@pytest.fixture
def clean():
    rng = np.random.default_rng(0)
    return Examples(rng.integers(1, 200, (1000, 8, 8, 1), np.uint8), rng.integers(10, size=1000))


def changed(before, after):
    return (before.images != after.images).any((1, 2, 3))


def test_a_share_is_triggered_and_gets_the_target(clean):
    square = Square(row=5, column=5, target=3)
    after = poison(clean, square, 0.2, 10, seed=0)
    hit = changed(clean, after)
    assert hit.sum() == 200
    assert (after.labels[hit] == 3).all()
    np.testing.assert_array_equal(after.labels[~hit], clean.labels[~hit])
    np.testing.assert_array_equal(after.images[hit], square.stamp(clean.images[hit]))
    assert not np.array_equal(hit, changed(clean, poison(clean, square, 0.2, 10, seed=1)))


def test_all_to_all_moves_each_class_to_the_next(clean):
    after = poison(clean, Square(5, 5, labels="all_to_all"), 0.3, 10, seed=0)
    hit = changed(clean, after)
    np.testing.assert_array_equal(after.labels[hit], (clean.labels[hit] + 1) % 10)


def test_clean_labels_stay_and_only_the_target_is_poisoned(clean):
    after = poison(clean, Sinusoid(labels="clean_label", target=4), 0.5, 10, seed=0)
    hit = changed(clean, after)
    np.testing.assert_array_equal(after.labels, clean.labels)
    assert (clean.labels[hit] == 4).all()
    assert hit.sum() == round(0.5 * (clean.labels == 4).sum())


def test_an_attack_without_a_trigger_poisons_nothing(clean):
    assert poison(clean, FGSM(0.1), 0.5, 10, seed=0) is clean


def test_a_share_of_the_labels_is_wrong_and_any_other_class_alike(clean):
    after = mislabel(clean, 0.4, 10, seed=0)
    wrong = after.labels != clean.labels
    assert wrong.sum() == 400
    shifts = np.bincount((after.labels - clean.labels)[wrong] % 10, minlength=10)
    assert shifts[0] == 0
    assert shifts[1:].min() > 20
    assert after.images is clean.images


def test_the_mislabelled_are_not_those_that_are_poisoned(clean):
    poisoned = changed(clean, poison(clean, Square(5, 5), 0.3, 10, seed=0))
    wrong = mislabel(clean, 0.3, 10, seed=0).labels != clean.labels
    assert 50 < (poisoned & wrong).sum() < 130  # 90 by chance


def test_few_images(clean):
    assert few(clean, None, 0) is clean
    assert len(few(clean, 50, 0)) == 50
    with pytest.raises(InputError, match="1001 asked for"):
        few(clean, 1001, 0)


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_rates_are_shares(clean, rate):
    with pytest.raises(InputError, match="poisoning"):
        poison(clean, Square(0, 0), rate, 10, 0)
    with pytest.raises(InputError, match="wrong labels"):
        mislabel(clean, rate, 10, 0)
