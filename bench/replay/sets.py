"""The sets of images that NNrepair's artifact measured on, rebuilt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from bench.attacks import FGSM, Square
from bench.datasets import dataset as data
from bench.datasets import networks
from bench.datasets.files import fetch
from repair.errors import InputError
from repair.weights.network.network import Network
from repair.weights.problem import Examples

# Of the training sets that the poisoned networks were published with, the first 600 images carry
# the trigger, with their true labels: so all ten counts of each class come out.
TRIGGERED = 600
# So many training images were attacked: the first ones.
ATTACKED = 10_000
TRIGGER = Square(row=24, column=24, size=3, value=250, target=7)


@dataclass(frozen=True)
class AttackedImages:
    """A file of the artifact's attacked images."""

    path: str
    sha256: str
    size: int


MNIST_ATTACKED: Mapping[str, AttackedImages] = {
    "defect_test": AttackedImages(
        "nnrepair/fgsm/mnist_test_csv_fgsm_epsilon0.05.npz",
        "ff0ea073f4faf586f46f14c6a892913a11f9d79e91a7ce5df4391d52229a7b9f",
        3_003_151,
    ),
    "defect_train": AttackedImages(
        "nnrepair/fgsm/mnist_val_csv_fgsm_epsilon0.05.npz",
        "e00b76bda72bbaa9748128d72dbca42786495490925a6bc1548c8758231c104a",
        3_009_986,
    ),
}


@dataclass(frozen=True)
class Origin:
    """What a scenario's published numbers were measured with.

    Attributes:
        network: a name of `bench.datasets.networks`.
        attacked: a set that shows the defect, from the network, the set's name and plain examples.
        poisoned: whether the training set was published with triggered images.
    """

    network: str
    attacked: Callable[[Network, str, Examples], Examples] | None = None
    poisoned: bool = False


def examples(scenario: str, which: str, network: Network) -> Examples:
    """A set of a scenario as it was published.

    Args:
        scenario: a name of `ORIGINS`.
        which: "clean_test", "defect_test", "train" or "defect_train", as in results/published/.
        network: the scenario's, for attacks that need gradients.

    Raises:
        InputError: a set that the scenario does not have, or missing data.
    """
    origin = ORIGINS[scenario]
    dataset = data.load(networks.NETWORKS[origin.network].dataset)
    test = Examples(dataset.test_images, dataset.test_labels, which)
    train = Examples(dataset.train_images, dataset.train_labels, which)
    if which == "clean_test":
        return test
    if which == "train" and origin.poisoned:
        first = np.arange(len(train)) < TRIGGERED
        return TRIGGER(network, train.take(first)).concat(train.take(~first))
    if which == "train":
        return train
    plain = {"defect_test": test, "defect_train": train.take(np.arange(ATTACKED))}
    if origin.attacked is None or which not in plain:
        raise InputError(f"{scenario} has no set {which!r}.")
    return origin.attacked(network, which, plain[which])


def _published(network: Network, which: str, plain: Examples) -> Examples:
    file = MNIST_ATTACKED[which]
    with np.load(fetch(file.path, file.sha256, size=file.size), allow_pickle=False) as archive:
        images = archive["values"][archive["codes"]].reshape(-1, *network.input_shape)
    return Examples(images, plain.labels, which)


def _attacked(
    attack: Callable[[Network, Examples], Examples], network: Network, which: str, plain: Examples
) -> Examples:
    return attack(network, plain)


ORIGINS: Mapping[str, Origin] = {
    "low_quality_mnist": Origin("mnist_low_quality"),
    "poison_mnist": Origin("mnist_poisoned", partial(_attacked, TRIGGER), poisoned=True),
    "poison_cifar": Origin("cifar10_poisoned", partial(_attacked, TRIGGER), poisoned=True),
    "adversarial_mnist": Origin("mnist_adversarial", _published),
    "adversarial_cifar": Origin("cifar10_adversarial", partial(_attacked, FGSM(0.01))),
}
