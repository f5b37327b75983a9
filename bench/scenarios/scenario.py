"""A scenario: a network, a data set and an attack, with the sets that are drawn of the data."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from bench.attacks import Attack, NoAttack, Trigger
from bench.datasets import dataset as data
from bench.datasets.augmented import with_augmented_copies, with_mirrored
from bench.scenarios.layers import resolve_layers
from bench.scenarios.networks import NetworkSource
from bench.scenarios.shares import shares
from repair.errors import InputError
from repair.weights.network.network import Network
from repair.weights.problem import Examples, Problem, check_examples
from repair.weights.settings import Count, CountOrZero, Seed, Settings, Text


@dataclass(frozen=True, eq=False)
class Sets:
    """What a problem is made of beside the network: see `repair.weights.problem.Problem`."""

    repair_clean: Examples
    repair_defect: Examples
    validation_clean: Examples
    validation_defect: Examples
    paired: bool


@dataclass(frozen=True, eq=False)
class Scenario(Settings):
    """One scenario with its sets, each of which is made when it is first used.

    Attributes:
        name: the scenario's name, such as "mnist_poisoned".
        dataset: the name of a data set of `bench.datasets.dataset`; for None a message asks for one.
        network: where the network comes from.
        attack: what makes the defect show.
        repair_images: the number of training images in the repair set, whose defective part holds the same images
            attacked; None for half of them.
        validation_images: the number of training images in the validation set, different ones; None for all the
            others.
        seed: the seed of the draw (and of training, where the network is trained).
        mirrored_images: whether the repair set has the mirror image of each repair image too, attacked as it is.
        augmented_copies: the number of augmented copies of each of these images, attacked as they are.
    """

    name: Text
    dataset: Text | None
    network: NetworkSource
    attack: Attack
    repair_images: Count | None
    validation_images: Count | None
    seed: Seed
    mirrored_images: bool = field(default=False, kw_only=True)
    augmented_copies: CountOrZero = field(default=0, kw_only=True)

    @cached_property
    def data(self) -> data.Dataset:
        """The data set."""
        if self.dataset is None:
            raise InputError(
                "which data? Give data=FILE, a .npz with the arrays images and labels."
            )
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
            layers: the names of layers, or words for them: see `resolve_layers`.

        Raises:
            InputError: the sets want more images than there are, a layer is unknown, or data, test data too, is not
                the network's.
        """
        sets = self.sets()
        problem = Problem(
            self.original,
            resolve_layers(self.original, layers),
            repair_clean=sets.repair_clean,
            repair_defect=sets.repair_defect,
            validation_clean=sets.validation_clean,
            validation_defect=sets.validation_defect,
            paired=sets.paired,
        )
        self._check_tests()
        return problem

    def sets(self) -> Sets:
        """The sets to repair and to choose on, drawn by seed from the training images."""
        train = Examples(self.data.train_images, self.data.train_labels, "training set")
        repair, validation = shares(
            len(train),
            self.repair_images,
            self.validation_images,
            f"training images of {self.dataset}",
        )
        drawn = np.random.default_rng(self.seed).permutation(len(train))[: repair + validation]
        return self._attacked_sets(
            train.take(np.sort(drawn[:repair]), "repair set"),
            train.take(np.sort(drawn[repair:]), "validation set"),
        )

    def _check_tests(self) -> None:
        """Reads what is only measured on before a repair, so that it is not refused after it."""
        check_examples(self.original, self.clean_test)
        # The images of an attack are made when they are needed.
        if isinstance(self.attack, NoAttack):
            check_examples(self.original, self.defect_test)
        if isinstance(self.attack, Trigger):
            self.attack.goals(self.clean_test.labels[:0], self.original.classes)

    def _attacked_sets(self, repair: Examples, validation: Examples) -> Sets:
        repair = self._augmented(repair)
        return Sets(
            repair,
            self._defective(repair, "repair set, defective"),
            validation,
            self._defective(validation, "validation set, defective"),
            paired=True,
        )

    def _augmented(self, examples: Examples) -> Examples:
        if self.mirrored_images:
            examples = with_mirrored(examples)
        return with_augmented_copies(examples, self.augmented_copies, self.seed)

    def _defective(self, examples: Examples, name: str) -> Examples:
        if isinstance(self.attack, NoAttack):
            return examples  # the same object: it is classified once
        attacked: Any = self.attack(self.original, examples)  # perhaps one of the user's own
        labels = attacked.labels if isinstance(attacked, Examples) else None
        if labels is None or not np.array_equal(labels, examples.labels):
            raise InputError(
                f"{type(self.attack).__name__} gave something else than the {len(examples)} examples with the labels"
                " that they had, in their order; an attack changes images alone."
            )
        return replace(attacked, name=name)
