"""Examples keep images and labels together; a problem derives its tests from them alone."""

import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.problem import Examples, Problem


@pytest.fixture
def network(digits_network):
    return digits_network()


@pytest.fixture
def make(network, unit_images):
    def examples(seed, count, name):
        labels = np.random.default_rng(seed).integers(0, 3, count)
        return Examples(unit_images(seed, count, network), labels, name)

    return examples


def test_examples_stay_paired(make):
    examples = make(0, 30, "e")
    identity = {
        image.tobytes(): label
        for image, label in zip(examples.images, examples.labels, strict=True)
    }
    drawn = examples.subset(11, seed=4)
    mixed = drawn.concat(examples.of_class(2), name="mixed").take(np.arange(5, 14))
    assert len(drawn) == 11
    assert len({image.tobytes() for image in drawn.images}) == 11
    for image, label in zip(mixed.images, mixed.labels, strict=True):
        assert identity[image.tobytes()] == label
    np.testing.assert_array_equal(drawn.images, examples.subset(11, seed=4).images)
    assert not np.array_equal(drawn.images, examples.subset(11, seed=5).images)
    assert drawn.labels.dtype == np.int32
    assert (drawn.name, mixed.name) == ("e", "mixed")


def test_examples_that_do_not_fit_are_refused(make):
    examples = make(0, 4, "mine")
    with pytest.raises(InputError, match=r"mine: labels have shape \(3,\).*\(4,\)"):
        Examples(examples.images, np.zeros(3, int), "mine")
    with pytest.raises(InputError, match="float64"):
        Examples(examples.images, np.zeros(4), "mine")
    with pytest.raises(InputError, match="5 asked for, but there are 4"):
        examples.subset(5, seed=0)
    with pytest.raises(InputError, match=r"cannot join .*\(4, 8, 8, 1\) .*\(1, 9, 8, 1\)"):
        examples.concat(Examples(np.zeros((1, 9, 8, 1), np.uint8), np.zeros(1, int)))


def test_pixels_join_unit_images_as_unit_images(make):
    examples = make(0, 4, "unit")
    pixels = Examples(np.full((1, 8, 8, 1), 51, np.uint8), np.zeros(1, int))
    for joined, place in ((examples.concat(pixels), 4), (pixels.concat(examples), 0)):
        assert joined.images.dtype == np.float32
        np.testing.assert_array_equal(joined.images[place], np.float32(51) / np.float32(255))


def test_tests_fail_or_pass_by_the_networks_own_answers(network, make):
    clean, defect = make(1, 25, "clean"), make(2, 15, "defect")
    problem = Problem(network, ("dense_2",), clean, defect, make(3, 5, "v"), make(4, 5, "w"))
    right = np.concatenate([defect.labels, clean.labels]) == network.predict(
        np.concatenate([defect.images, clean.images])
    )
    assert 0 < right.sum() < 40
    assert (len(problem.passing), len(problem.failing)) == (right.sum(), 40 - right.sum())
    np.testing.assert_array_equal(network.predict(problem.passing.images), problem.passing.labels)
    assert (network.predict(problem.failing.images) != problem.failing.labels).all()
    assert problem.layer == "dense_2"
    assert problem.failing is problem.failing
    assert problem.is_clean.tolist() == 15 * [False] + 25 * [True]


def test_a_repair_set_that_is_its_own_defect_is_counted_once(network, make):
    same = make(1, 10, "plain")
    problem = Problem(network, ("dense_1", "dense_2"), same, same, same, same)
    assert len(problem.failing) + len(problem.passing) == 10
    assert problem.is_clean.all()
    with pytest.raises(InputError, match="repairs one layer; got dense_1, dense_2"):
        _ = problem.layer


def test_problems_that_do_not_fit_the_network_are_refused(network, make):
    good = make(1, 5, "good")
    with pytest.raises(InputError, match=r"'flatten_1' has no weights.*conv2d_1.*dense_2"):
        Problem(network, ("flatten_1",), good, good, good, good)
    with pytest.raises(InputError, match="unknown layer 'dense_3'"):
        Problem(network, ("dense_3",), good, good, good, good)
    wrong = Examples(good.images, np.full(5, 3), "wrong")
    with pytest.raises(InputError, match=r"wrong have labels up to 3.*classes 0 to 2"):
        Problem(network, ("dense_2",), good, wrong, good, good)
    flat = Examples(good.images[:, :, :, 0], good.labels, "flat")
    with pytest.raises(InputError, match=r"\(5, 8, 8\)"):
        Problem(network, ("dense_2",), good, good, good, flat)


def test_a_limited_problem_keeps_the_first_wrong_and_the_first_right_tests_of_each_class(
    network, make
):
    clean, defect = make(0, 60, "clean"), make(1, 60, "defect")
    whole = Problem(network, ("dense_2",), clean, defect, clean, defect, paired=True)
    limited = whole.limited(failing=2, passing=3)
    for kept, given, most, right in (
        (limited.repair_defect, defect, 2, False),
        (limited.repair_clean, clean, 3, True),
    ):
        answers = network.predict(given.images)
        expected = []
        for label in range(network.classes):
            suits = [
                i for i in range(60) if given.labels[i] == label and (answers[i] == label) == right
            ]
            expected += suits[:most]
        np.testing.assert_array_equal(kept.images, given.images[sorted(expected)])
    assert not limited.paired
    assert whole.limited() is whole
