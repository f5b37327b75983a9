"""Triggers: what they change in images, and the classes that they stand for."""

import numpy as np
import pytest

from bench.attacks import Blended, Sinusoid, Square, unit_images
from repair.errors import InputError

TRIGGERS = [
    Square(row=2, column=4, size=(3, 2), value=250),
    Blended(alpha=0.3, pattern=5),
    Sinusoid(delta=30, frequency=2),
]


def pixels(count, seed=1, channels=1):
    return np.random.default_rng(seed).integers(256, size=(count, 8, 10, channels), dtype=np.uint8)


def test_a_square_changes_its_pixels_and_nothing_else():
    given = pixels(5)
    stamped = Square(row=2, column=4, size=(3, 2), value=250).stamp(given)
    inside = np.zeros((8, 10), bool)
    inside[2:5, 4:6] = True
    assert (stamped[:, inside] == 250).all()
    np.testing.assert_array_equal(stamped[:, ~inside], given[:, ~inside])


def test_a_square_may_have_a_colour():
    stamped = Square(row=0, column=0, size=1, value=(255, 0, 10)).stamp(pixels(2, channels=3))
    assert stamped[:, 0, 0].tolist() == [[255, 0, 10]] * 2


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: type(trigger).__name__)
def test_triggers_are_alike_on_pixels_and_on_unit_images(trigger):
    given = pixels(4)
    before = given.copy()
    stamped, unit = trigger.stamp(given), trigger.stamp(unit_images(given))
    assert stamped.dtype == np.uint8
    assert unit.dtype == np.float32
    assert unit.min() >= 0
    assert unit.max() <= 1
    np.testing.assert_allclose(unit_images(stamped), unit, atol=0.5 / 255 + 1e-6)
    np.testing.assert_array_equal(given, before)
    assert not np.array_equal(stamped, given)


def test_a_blended_pattern_is_the_same_in_every_image_and_as_strong_as_asked():
    black, white = np.zeros((2, 8, 8, 1), np.float32), np.ones((2, 8, 8, 1), np.float32)
    on_black, on_white = (Blended(alpha=0.25, pattern=3).stamp(x) for x in (black, white))
    np.testing.assert_array_equal(on_black[0], on_black[1])
    np.testing.assert_allclose(on_white - on_black, 0.75, atol=1e-6)
    assert 0.2 < on_black.max() <= 0.25
    assert not np.array_equal(on_black, Blended(alpha=0.25, pattern=4).stamp(black))


def test_a_sinusoid_has_its_frequency_and_amplitude():
    grey = np.full((1, 8, 64, 1), 0.5, np.float32)
    wave = Sinusoid(delta=51, frequency=6).stamp(grey)[0, :, :, 0] - 0.5
    np.testing.assert_array_equal(wave, np.tile(wave[0], (8, 1)))
    spectrum = np.abs(np.fft.rfft(wave[0])) / 32
    assert spectrum.argmax() == 6
    assert spectrum[6] == pytest.approx(0.2, rel=1e-5)
    assert np.delete(spectrum, 6).max() < 1e-5


def test_goals_of_the_attacker():
    labels = np.array([0, 3, 9])
    assert Square(0, 0, target=3).goals(labels, 10).tolist() == [3, 3, 3]
    assert Square(0, 0, labels="all_to_all").goals(labels, 10).tolist() == [1, 4, 0]
    assert Sinusoid(labels="clean_label", target=1).goals(labels, 10).tolist() == [1, 1, 1]
    with pytest.raises(InputError, match="target is 7; the classes are 0 to 4"):
        Square(0, 0).goals(labels, 5)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((6, 0), "does not fit"),
        ((-1, 0), "row is -1; expected at least 0"),
        ((0, 8), "does not fit"),
    ],
)
def test_a_square_outside_the_image_is_refused(place, message):
    with pytest.raises(InputError, match=message):
        Square(*place).stamp(pixels(1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Square(0, 0, value=256), "value is 256; expected at most 255"),
        (lambda: Square(0, 0, value=0.5), "value is 0.5"),
        (lambda: Square(0, 0, size=0), "size is 0"),
        (lambda: Square(0, 0, target=-1), "target is -1"),
        (lambda: Square(0, 0, labels="some"), "all_to_all, all_to_one, clean_label"),
        (lambda: Square(0, 0, value=(1, 2)).stamp(pixels(1)), "value is"),
        (lambda: Blended(alpha=1.5), "alpha is 1.5"),
        (lambda: Sinusoid(delta=-1), "delta is -1"),
        (lambda: Sinusoid(frequency=0), "frequency is 0"),
    ],
)
def test_settings_out_of_range_are_one_message(make, message):
    with pytest.raises(InputError, match=message):
        make()
