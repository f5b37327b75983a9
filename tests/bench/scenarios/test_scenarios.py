"""The scenarios: splits that never touch, and the published counts before repair."""

from pathlib import Path

import hydra
import numpy as np
import pytest

from bench import shipped
from bench.attacks import FGSM, NoAttack, Square
from bench.config import register
from bench.datasets import dataset as data
from bench.runs.building import build
from bench.scenarios import Published, Scenario, Trained, resolve_layers
from repair.errors import InputError
from repair.weights.problem import Examples

SQUARE = Square(row=24, column=24, size=3, value=250)


def digits(**settings):
    given = {"repair_images": 300, "validation_images": 200, "seed": 0} | settings
    corner = Square(row=6, column=6, size=2)
    return Scenario("digits_backdoor", "digits", Trained(epochs=4), corner, **given)


def rows(images):
    return {image.tobytes() for image in images}


def test_repair_validation_and_test_sets_never_touch():
    scenario = digits()
    problem = scenario.problem("last")
    train = rows(scenario.data.train_images)
    repair, validation = rows(problem.repair_clean.images), rows(problem.validation_clean.images)
    assert not repair & validation
    assert repair | validation <= train
    assert not (repair | validation) & rows(scenario.clean_test.images)
    assert (len(problem.repair_clean), len(problem.validation_clean)) == (300, 200)


def test_the_defective_sets_are_paired_with_the_clean_ones():
    problem = digits().problem("last")
    expected = Square(row=6, column=6, size=2).stamp(problem.repair_clean.images)
    np.testing.assert_array_equal(problem.repair_defect.images, expected)
    np.testing.assert_array_equal(problem.repair_defect.labels, problem.repair_clean.labels)


def test_the_seed_decides_the_split_and_the_network():
    first, again, other = (digits(seed=seed).problem("last") for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.repair_clean.images, again.repair_clean.images)
    assert first.network.fingerprint() == again.network.fingerprint() != other.network.fingerprint()
    assert not np.array_equal(first.repair_clean.images, other.repair_clean.images)


def test_training_poisons_the_network_but_not_its_clean_accuracy():
    scenario = Scenario("d", "digits", Trained(), Square(row=6, column=6, size=2), 10, 10, 0)
    clean, triggered = (
        scenario.original.predict(e.images) for e in (scenario.clean_test, scenario.defect_test)
    )
    assert (clean == scenario.clean_test.labels).mean() > 0.9
    assert (triggered == 7).mean() > 0.9


def test_layers_have_names_of_their_own_and_by_place():
    network = digits().original
    assert resolve_layers(network, "last") == ("dense_2",)
    assert resolve_layers(network, "intermediate") == ("dense_1",)
    assert resolve_layers(network, ("dense_1", "last")) == ("dense_1", "dense_2")
    assert resolve_layers(network, "all") == ("dense_1", "dense_2")
    with pytest.raises(InputError, match="Known: all, auto, "):
        resolve_layers(network, "dense_9")


@pytest.mark.parametrize(
    ("count", "message"),
    [(0, "repair_images is 0; expected at least 1"), (1297, "of the 1297 training images")],
)
def test_more_images_than_there_are(count, message):
    with pytest.raises(InputError, match=message):
        digits(repair_images=count).problem("last")


def compose(*overrides):
    register()
    with hydra.initialize_config_dir(str(shipped("configs").absolute()), version_base="1.3"):
        return hydra.compose("config", list(overrides)).scenario


def names(group):
    return sorted(path.stem for path in Path(shipped("configs"), group).glob("*.yaml"))


@pytest.mark.parametrize(
    "choice",
    [
        *(f"scenario={name}" for name in names("scenario") if name != "trained"),
        *(f"scenario/attack={name}" for name in names("scenario/attack") if name != "custom"),
        *(f"scenario/network={name}" for name in names("scenario/network")),
    ],
)
def test_every_choice_that_comes_with_the_code_can_be_made(choice):
    first = [] if choice.startswith("scenario=") else ["scenario=trained", "scenario.name=any"]
    node = compose(*first, choice)
    sizes = {"repair_images": 10, "validation_images": 10, "seed": 0}
    scenario = build("scenario", node, **sizes)
    assert scenario.dataset is None or scenario.dataset in data.DATASETS
    assert scenario.name == ("any" if first else choice.partition("=")[2])


def counts(name, dataset, attack):
    scenario = Scenario(name, dataset, Published(name), attack, 10, 10, 0)
    sets = (scenario.clean_test, scenario.defect_test)
    return [int((scenario.original.predict(e.images) == e.labels).sum()) for e in sets]


@pytest.mark.parametrize(
    ("name", "attack", "published"),
    [
        ("mnist_low_quality", NoAttack(), [9634, 9634]),
        ("mnist_poisoned", SQUARE, [9863, 1038]),
        ("mnist_adversarial", FGSM(0.05), [9787, 2991]),
    ],
)
def test_mnist_counts_before_repair_are_the_published_ones(data_pack, name, attack, published):
    clean, defect = counts(name, "mnist", attack)
    assert clean == published[0]
    # One image more or less where the platform's rounding decides the sign of a gradient.
    assert abs(defect - published[1]) <= isinstance(attack, FGSM)


def test_the_first_training_images_attacked(data_pack):
    scenario = Scenario("a", "mnist", Published("mnist_adversarial"), FGSM(0.05), 10, 10, 0)
    mnist = data.load("mnist")
    first = Examples(mnist.train_images[:10000], mnist.train_labels[:10000])
    attacked = scenario.attack(scenario.original, first)
    right = int((scenario.original.predict(attacked.images) == attacked.labels).sum())
    assert abs(right - 2836) <= 1


@pytest.mark.parametrize(
    ("name", "attack", "published"),
    [
        ("cifar10_poisoned", SQUARE, [7226, 1589]),
        ("cifar10_adversarial", FGSM(0.01), [8104, 3596]),
    ],
)
@pytest.mark.long
def test_cifar10_counts_before_repair_are_the_published_ones(data_pack, name, attack, published):
    clean, defect = counts(name, "cifar10", attack)
    assert clean == published[0]
    assert abs(defect - published[1]) <= isinstance(attack, FGSM)
