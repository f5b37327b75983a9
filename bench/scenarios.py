"""Scenarios: where a defect comes from, and the sets to repair, to choose and to measure on.

A scenario is a network, a data set and an attack. Repair and validation sets are drawn by seed from training data;
the test set is the data set's own and is only measured on.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from bench import data, networks, training
from bench.attacks import Attack, NoAttack
from repair import formats
from repair.errors import InputError
from repair.layers import Conv, Dense
from repair.network import Network
from repair.problem import Examples, Problem


class Source(Protocol):
    """Where a scenario's network comes from."""

    def __call__(self, dataset: data.Dataset, attack: Attack, seed: int) -> Network:
        """The network with the defect."""
        ...


@dataclass(frozen=True)
class Published:
    """A published network, by its name in `bench.networks`."""

    name: str

    def __call__(self, dataset: data.Dataset, attack: Attack, seed: int) -> Network:
        """The network, from its verified file."""
        return networks.load(self.name)


@dataclass(frozen=True)
class File:
    """A network of the user's own, from a file that `repair.formats` reads.

    Attributes:
        path: of an .h5, .onnx or .npz file.
        scale: what its first layer takes, "0..1" or "0..255"; None where the file says so itself.
    """

    path: str
    scale: str | None = None

    def __call__(self, dataset: data.Dataset, attack: Attack, seed: int) -> Network:
        """The network; InputError for a file that is missing, damaged or not supported."""
        return formats.load(Path(self.path), self.scale)


@dataclass(frozen=True)
class Trained:
    """A small network trained here, on data poisoned with the scenario's trigger; seconds on digits."""

    hidden: int = 32
    epochs: int = 60
    poisoned: float = 0.1

    def __call__(self, dataset: data.Dataset, attack: Attack, seed: int) -> Network:
        """The trained network, a function of the settings, the data and the seed."""
        examples = Examples(dataset.train_images, dataset.train_labels, "training set")
        examples = training.poison(examples, attack, self.poisoned, seed)
        return training.multilayer_perceptron(
            examples, len(dataset.class_names), hidden=self.hidden, epochs=self.epochs, seed=seed
        )


@dataclass(frozen=True, eq=False)
class Scenario:
    """One scenario with its sets. Sets are made when first asked for.

    Attributes:
        name: such as "mnist_poisoned".
        dataset: a name of `bench.data`.
        network: where the network comes from.
        attack: what makes the defect show.
        repair_images: training images in the repair set; the defective set holds their attacked twins.
        validation_images: training images in the validation set, different ones.
        seed: of the draw (and of training, where the network is trained).
    """

    name: str
    dataset: str
    network: Source
    attack: Attack
    repair_images: int
    validation_images: int
    seed: int

    @cached_property
    def data(self) -> data.Dataset:
        """The data set."""
        return data.load(self.dataset)

    @cached_property
    def original(self) -> Network:
        """The network with the defect."""
        return self.network(self.data, self.attack, self.seed)

    @cached_property
    def clean_test(self) -> Examples:
        """The test set as it is."""
        return Examples(self.data.test_images, self.data.test_labels, "clean test set")

    @cached_property
    def defect_test(self) -> Examples:
        """The test set with the defect."""
        return self._defective(self.clean_test, "defect test set")

    def problem(self, layers: str | tuple[str, ...]) -> Problem:
        """The problem that a method is given.

        Args:
            layers: names of layers; "last" and "intermediate" are the last layer with weights and the one before,
                "all" is every dense and convolution layer.

        Raises:
            InputError: more images asked for than there are, or an unknown layer.
        """
        train = Examples(self.data.train_images, self.data.train_labels, "training set")
        asked = self.repair_images + self.validation_images
        if min(self.repair_images, self.validation_images) < 1 or asked > len(train):
            raise InputError(
                f"repair_images={self.repair_images} and validation_images={self.validation_images} of the"
                f" {len(train)} training images of {self.dataset}: expected at least 1 each and no more than"
                " there are in all."
            )
        drawn = np.random.default_rng(self.seed).permutation(len(train))[:asked]
        repair = train.take(np.sort(drawn[: self.repair_images]), "repair set")
        validation = train.take(np.sort(drawn[self.repair_images :]), "validation set")
        return Problem(
            self.original,
            resolve_layers(self.original, layers),
            repair_clean=repair,
            repair_defect=self._defective(repair, "repair set, defective"),
            validation_clean=validation,
            validation_defect=self._defective(validation, "validation set, defective"),
        )

    def _defective(self, examples: Examples, name: str) -> Examples:
        if isinstance(self.attack, NoAttack):
            return examples  # the same object: it is classified once
        return replace(self.attack(self.original, examples), name=name)


def resolve_layers(network: Network, layers: str | tuple[str, ...]) -> tuple[str, ...]:
    """Names of layers, with "last", "intermediate" and "all" replaced by the network's own."""
    dense = network.weighted
    places = {"last": dense[-1], "intermediate": dense[max(len(dense) - 2, 0)]}
    if layers == "all":
        return tuple(name for name in dense if isinstance(network.layer(name), Conv | Dense))
    asked = (layers,) if isinstance(layers, str) else tuple(layers)
    names = tuple(places.get(name, name) for name in asked)
    for name in names:
        network.position(name)
    return names
