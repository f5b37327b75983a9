"""Arrays of one's own that will not do are refused as they are read, before a repair, the test arrays too."""

import sys

import numpy as np
import pytest

from bench import __main__ as command
from bench.attacks import NoAttack, Square
from bench.datasets.custom import MOST_CLASSES, CustomData
from bench.scenarios import Scenario
from repair.errors import InputError
from repair.weights import formats
from repair.weights.network.layers import Dense, Flatten
from repair.weights.network.network import Network
from repair.weights.problem import Examples, Problem

COUNT = 12


def sound():
    """The arrays of an archive with everything."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part in ("", "defect_", "test_", "defect_test_"):
        arrays[f"{part}images"] = rng.integers(0, 256, (COUNT, 4, 4, 1), np.uint8)
        arrays[f"{part}labels"] = np.arange(COUNT) % 3
    return arrays


def network():
    kernel = np.random.default_rng(1).normal(size=(16, 3))
    return Network([Flatten("flat"), Dense("out", kernel)], input_shape=(4, 4, 1), scale="0..1")


def spoilt_labels(value, dtype=np.int64):
    labels = (np.arange(COUNT) % 3).astype(dtype)
    labels[5] = value
    return labels


def spoilt_images(value):
    images = np.zeros((COUNT, 4, 4, 1), np.float32)
    images[3, 1, 2] = value
    return images


SPOILT = [
    ("labels", spoilt_labels(2**32 + 1), "labels from 0 to 4294967297"),
    ("labels", spoilt_labels(2**63, np.uint64), "labels from 0 to 9223372036854775808"),
    ("labels", spoilt_labels(-1), "labels from -1 to 2"),
    ("labels", spoilt_labels(MOST_CLASSES), "expected classes below"),
    ("labels", spoilt_labels(1, np.float64), "labels of type float64"),
    ("labels", spoilt_labels(1, bool), "labels of type bool"),
    ("labels", np.array(["1"] * COUNT), "labels of type <U1"),
    ("labels", np.zeros((COUNT, 1), int), r"labels have shape \(12, 1\)"),
    ("labels", np.zeros(COUNT - 1, int), r"labels have shape \(11,\)"),
    ("images", spoilt_images(np.nan), "must lie in 0..1"),
    ("images", spoilt_images(np.inf), "must lie in 0..1"),
    ("images", spoilt_images(255), "must lie in 0..1"),
    ("images", spoilt_images(-0.1), "must lie in 0..1"),
    ("images", np.zeros((COUNT, 4, 4, 1), np.int64), "images have type int64"),
    ("images", np.zeros((COUNT, 4, 4, 1), complex), "images have type complex128"),
    ("images", np.zeros(COUNT), r"images have shape \(12,\)"),
    ("images", np.float32(0.5), r"images have shape \(\)"),
]


def archive(folder, arrays):
    path = folder / "mine.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("part", ["", "defect_", "test_", "defect_test_"])
@pytest.mark.parametrize(("what", "array", "message"), SPOILT)
def test_an_array_that_will_not_do_is_refused_as_it_is_read(tmp_path, part, what, array, message):
    path = archive(tmp_path, sound() | {f"{part}{what}": array})
    with pytest.raises(InputError, match=rf"(?s)\b{part}images of .*{message}"):
        CustomData.read(path)


@pytest.mark.parametrize("part", ["defect_", "test_", "defect_test_"])
def test_parts_of_another_shape_or_empty_are_refused(tmp_path, part):
    other = {f"{part}images": np.zeros((COUNT, 5, 4, 1), np.uint8)}
    with pytest.raises(InputError, match=rf"{part}images of .*\(5, 4, 1\), beside .*\(4, 4, 1\)"):
        CustomData.read(archive(tmp_path, sound() | other))
    none = {f"{part}images": np.zeros((0, 4, 4, 1), np.uint8), f"{part}labels": np.zeros(0, int)}
    with pytest.raises(InputError, match=f"{part}images of .*: there are none"):
        CustomData.read(archive(tmp_path, sound() | none))


@pytest.fixture
def bench(monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)
    formats.save(network(), tmp_path / "mine_network.npz")

    def call(arrays):
        path = archive(tmp_path, arrays)
        given = ["+experiment=custom", "wandb.mode=disabled", f"data={path}", "method=refit"]
        given += [f"network={tmp_path / 'mine_network.npz'}"]
        monkeypatch.setattr(sys, "argv", ["bench", *given])
        return command.main(), capfd.readouterr().err

    return call


@pytest.mark.parametrize("part", ["", "defect_", "test_", "defect_test_"])
def test_what_the_network_does_not_have_is_refused_before_the_repair(bench, tmp_path, part):
    code, err = bench(sound() | {f"{part}labels": spoilt_labels(3)})
    assert code == 2
    assert "have labels up to 3; the network knows the classes 0 to 2" in err
    assert "repair of" not in err
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("record.json"))


def test_test_images_of_another_shape_are_refused_before_the_repair(bench):
    other = {name: np.zeros((COUNT, 5, 5, 1), np.uint8) for name in sound() if "images" in name}
    code, err = bench(sound() | other)
    assert code == 2
    assert "(12, 5, 5, 1)" in err or "(6, 5, 5, 1)" in err
    assert "repair of" not in err


def test_sound_arrays_are_repaired_on(bench):
    code, err = bench(sound())
    assert code == 0, err


def examples(labels=None):
    arrays = sound()
    return Examples(arrays["images"], arrays["labels"] if labels is None else labels, "mine")


def test_labels_that_would_wrap_are_refused():
    for value, dtype in ((2**32 + 1, np.int64), (2**31, np.uint32), (-1, np.int8)):
        with pytest.raises(InputError, match=r"mine: labels from .* expected classes 0, 1"):
            examples(spoilt_labels(value, dtype))
    assert examples(spoilt_labels(2, np.uint64)).labels.dtype == np.int32


def test_a_problem_names_what_does_not_fit_its_network():
    good = examples()
    with pytest.raises(InputError, match="mine have labels up to 3"):
        Problem(network(), ("out",), good, good, good, examples(spoilt_labels(3)))
    with pytest.raises(InputError, match=r"^mine: images have shape \(12, 5, 5, 1\)"):
        Problem(
            network(), ("out",), Examples(np.zeros((12, 5, 5, 1)), good.labels, "mine"), *3 * [good]
        )
    with pytest.raises(InputError, match="layers out, out: expected each of them once"):
        Problem(network(), ("out", "out"), *4 * [good])
    with pytest.raises(InputError, match="-1 failing and None passing tests"):
        Problem(network(), ("out",), *4 * [good]).limited(-1)


def scenario(attack):
    def source(dataset, attack, seed):
        return Network(
            [Flatten("flat"), Dense("out", np.zeros((64, 10)))], input_shape=(8, 8, 1), scale="0..1"
        )

    return Scenario("own", "digits", source, attack, 20, 20, 0)


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (lambda network, examples: examples.take(np.arange(3)), "an attack changes images alone"),
        (lambda network, examples: examples.images, "an attack changes images alone"),
        (Square(0, 0, target=10), "target is 10; the classes are 0 to 9"),
    ],
)
def test_an_attack_that_does_not_fit_is_refused_before_the_repair(attack, message):
    with pytest.raises(InputError, match=message):
        scenario(attack).problem("last")
    assert len(scenario(NoAttack()).problem("last").tests) == 20
