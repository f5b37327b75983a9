"""Augmented copies of images, against SciPy's affine transformation and by what they keep."""

import numpy as np
import pytest
from scipy import ndimage

from bench.attacks import FGSM
from bench.datasets import augmented
from bench.datasets.augmented import with_augmented_copies, with_mirrored
from bench.scenarios import Scenario, Trained
from repair.errors import InputError
from repair.weights.problem import Examples

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 9, 12, 2), np.uint8)
EXAMPLES = Examples(IMAGES, np.arange(7), "some")


def affine(image: np.ndarray, motion: np.ndarray) -> np.ndarray:
    turn, scales, shear, shift = motion[0], motion[1:3], motion[3], motion[4:]
    size, angle = np.array(image.shape[:2]), turn * augmented.TURN
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = matrix @ [[1, 0], [shear * augmented.SHEAR, 1]] @ np.diag(1 + augmented.SCALE * scales)
    centre = (size - 1) / 2
    offset = centre - matrix @ centre + augmented.SHIFT * size * shift
    planes = [
        ndimage.affine_transform(
            np.pad(plane.astype(float), 3), matrix, offset + 3 - matrix @ [3, 3], order=1
        )[3:-3, 3:-3]
        for plane in np.moveaxis(image, -1, 0)
    ]
    return np.stack(planes, -1)


def test_copies_are_affine_transformations_of_their_images() -> None:
    made = with_augmented_copies(EXAMPLES, 3, seed=5)
    motions = np.random.default_rng(5).uniform(-1, 1, (3, 7, 6))
    assert made.images.dtype == np.uint8
    assert np.array_equal(made.images[:7], IMAGES)
    for k, motion in enumerate(motions.reshape(-1, 6), 7):
        want = affine(IMAGES[k % 7], motion)
        assert np.abs(made.images[k] - want).max() < 0.51
    assert made.labels.tolist() == list(range(7)) * 4


def test_copies_of_unit_images_are_those_of_their_pixels() -> None:
    unit = with_augmented_copies(Examples(IMAGES.astype(np.float32) / 255, np.arange(7)), 1, seed=2)
    pixels = with_augmented_copies(EXAMPLES, 1, seed=2)
    assert np.abs(unit.images * 255 - pixels.images).max() < 0.51


def test_no_copies_are_the_same_object() -> None:
    assert with_augmented_copies(EXAMPLES, 0, seed=0) is EXAMPLES


@pytest.mark.parametrize(
    ("inputs", "number", "message"),
    [(IMAGES, -1, "at least 0"), (np.zeros((7, 4), np.float32), 1, "shape \\(4,\\) cannot be")],
)
def test_what_cannot_be_copied_is_one_message(
    inputs: np.ndarray, number: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        with_augmented_copies(Examples(inputs, np.arange(7)), number, 0)


def test_a_mirror_image_has_its_columns_reversed() -> None:
    made = with_mirrored(EXAMPLES)
    assert np.array_equal(made.images[:7], IMAGES)
    assert all(np.array_equal(made.images[7:, :, k], IMAGES[:, :, 11 - k]) for k in range(12))
    assert made.labels.tolist() == list(range(7)) * 2
    with pytest.raises(InputError, match=r"mirrored_images=true: inputs of shape \(4,\) cannot be"):
        with_mirrored(Examples(np.zeros((7, 4), np.float32), np.arange(7)))


def test_mirror_images_are_copied_and_attacked_too() -> None:
    more = {"mirrored_images": True, "augmented_copies": 1}
    scenario = Scenario("d", "digits", Trained(epochs=1), FGSM(0.1), 20, 10, seed=1, **more)
    problem = scenario.problem("last")
    clean = problem.repair_clean
    assert (len(clean), len(problem.validation_clean)) == (80, 10)
    assert np.array_equal(clean.images[20:40], clean.images[:20, :, ::-1])
    assert np.array_equal(
        clean.images[40:], with_augmented_copies(clean.take(np.arange(40)), 1, 1).images[40:]
    )
    attacked = scenario.attack(scenario.original, clean)
    assert np.array_equal(problem.repair_defect.images, attacked.images)


def test_copies_are_attacked_as_the_images_that_they_are_of() -> None:
    scenario = Scenario(
        "d", "digits", Trained(epochs=1), FGSM(0.1), 20, 10, seed=1, augmented_copies=2
    )
    problem = scenario.problem("last")
    assert (len(problem.repair_clean), len(problem.validation_clean)) == (60, 10)
    attacked = scenario.attack(scenario.original, problem.repair_clean)
    assert np.array_equal(problem.repair_defect.images, attacked.images)
    plain = Scenario("d", "digits", Trained(epochs=1), FGSM(0.1), 20, 10, seed=1).problem("last")
    assert np.array_equal(problem.repair_clean.images[:20], plain.repair_clean.images)
    assert np.array_equal(problem.validation_defect.images, plain.validation_defect.images)
