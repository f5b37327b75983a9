"""Scenarios: where a defect comes from, and the sets to repair, to choose and to measure on.

A scenario is a network, a data set and an attack. Repair and validation sets are drawn by seed from training data;
the test set is the data set's own and is only measured on.
"""

from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np
from pydantic import InstanceOf

from bench import training
from bench.attacks import Attack, NoAttack, Trigger
from bench.datasets import dataset as data
from bench.datasets import networks
from bench.datasets.augmented import with_copies, with_mirrored
from bench.training.cached import trained_once
from repair.errors import InputError, unknown
from repair.weights import formats
from repair.weights.network.network import Network
from repair.weights.problem import Examples, Problem, check_examples
from repair.weights.settings import Count, CountOrZero, Scale, Seed, Settings, Share, Text
from repair.weights.source import SourceFile

AUTO = "auto"
# As `layers`: every dense and convolution layer, or those of them that a localization chooses.
EVERY = ("all", AUTO)


@runtime_checkable
class Source(Protocol):
    """Where a scenario's network comes from."""

    def __call__(self, dataset: data.Dataset, attack: Attack, seed: int) -> Network:
        """The network with the defect."""
        ...


@dataclass(frozen=True)
class Published(Settings):
    """A published network, by its name in `bench.datasets.networks`."""

    name: Text

    def __call__(self, dataset: data.Dataset, attack: Attack, seed: int) -> Network:
        """The network, from its verified file."""
        return networks.load(self.name)


@dataclass(frozen=True)
class File(Settings):
    """A network of the user's own, from a file that `repair.weights.formats` reads.

    Attributes:
        path: of an .h5, .onnx or .npz file, or the file as it was read; None is asked for with a message.
        scale: what its first layer takes, "0..1" or "0..255"; None where the file says so itself.
    """

    path: Text | InstanceOf[SourceFile] | None
    scale: Scale | None = None

    def __call__(self, dataset: data.Dataset, attack: Attack, seed: int) -> Network:
        """The network; InputError for a file that is missing, damaged or not supported."""
        if self.path is None:
            raise InputError("which network? Give network=FILE, a .h5, .onnx or .npz file.")
        return formats.load(self.path, self.scale)


@dataclass(frozen=True)
class Trained(training.Training):
    """A network trained here, on data with flaws; see `bench.training.Training` for how it is trained.

    Attributes:
        architecture: what is trained, of `bench.training.architectures` or of the user's own.
        poisoned: share of the training images that carry the scenario's trigger, if its attack is one.
        mislabelled: share of them that have a wrong label.
        training_images: how many there are; None: all of the data set.
        keep: keep the trained network in the user's cache, and take it from there (`bench.training.cached`).
    """

    architecture: training.Architecture = field(default_factory=training.MLP)
    poisoned: Share = 0.1
    mislabelled: Share = 0.0
    training_images: Count | None = None
    keep: bool = True

    def __call__(self, dataset: data.Dataset, attack: Attack, seed: int) -> Network:
        """The trained network, a function of the settings, the data and the seed."""
        settings = training.Training(
            **{setting.name: getattr(self, setting.name) for setting in fields(training.Training)}
        )
        classes = len(dataset.class_names)
        shape = dataset.train_images.shape[1:]

        def make() -> Network:
            examples = Examples(dataset.train_images, dataset.train_labels, "training set")
            examples = training.few(examples, self.training_images, seed)
            examples = training.mislabel(examples, self.mislabelled, classes, seed)
            examples = training.poison(examples, attack, self.poisoned, classes, seed)
            return training.train(settings, self.architecture, examples, classes, seed)

        if not self.keep:
            return make()
        asked = {
            "network": self,
            "trigger": attack if isinstance(attack, Trigger) else None,
            "data": dataset.checksums,
            "seed": seed,
        }
        return trained_once(
            asked, lambda: training.structure(self.architecture, shape, classes), make
        )


@dataclass(frozen=True, eq=False)
class Sets:
    """What a problem is made of beside the network: see `repair.weights.problem.Problem`."""

    repair_clean: Examples
    repair_defect: Examples
    validation_clean: Examples
    validation_defect: Examples
    twins: bool


@dataclass(frozen=True, eq=False)
class Scenario(Settings):
    """One scenario with its sets. Sets are made when first asked for.

    Attributes:
        name: such as "mnist_poisoned".
        dataset: a name of `bench.datasets.dataset`; None is asked for with a message.
        network: where the network comes from.
        attack: what makes the defect show.
        repair_images: training images in the repair set, whose defective part holds their attacked twins; None: half.
        validation_images: training images in the validation set, different ones; None: all the others.
        seed: of the draw (and of training, where the network is trained).
        repair_mirrored: whether each repair image is there as in a mirror too, and attacked as it is.
        repair_copies: of each of these so many more, moved a little, and attacked as they are.
    """

    name: Text
    dataset: Text | None
    network: Source
    attack: Attack
    repair_images: Count | None
    validation_images: Count | None
    seed: Seed
    repair_mirrored: bool = field(default=False, kw_only=True)
    repair_copies: CountOrZero = field(default=0, kw_only=True)

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
            layers: names of layers; "last" and "intermediate" are the last layer with weights and the one before,
                "all" is every dense and convolution layer, and so is "auto", before a localization chooses of them.

        Raises:
            InputError: more images asked for than there are, an unknown layer, or data, test data too, that is not
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
            paired=sets.twins,
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
        return self._twins(
            train.take(np.sort(drawn[:repair]), "repair set"),
            train.take(np.sort(drawn[repair:]), "validation set"),
        )

    def _check_tests(self) -> None:
        """What is only measured on is read before a repair, so that it is not refused after it."""
        check_examples(self.original, self.clean_test)
        if isinstance(
            self.attack, NoAttack
        ):  # else it is the attack's, to be made when it is needed
            check_examples(self.original, self.defect_test)
        if isinstance(self.attack, Trigger):
            self.attack.goals(self.clean_test.labels[:0], self.original.classes)

    def _twins(self, repair: Examples, validation: Examples) -> Sets:
        repair = self._copied(repair)
        return Sets(
            repair,
            self._defective(repair, "repair set, defective"),
            validation,
            self._defective(validation, "validation set, defective"),
            twins=True,
        )

    def _copied(self, examples: Examples) -> Examples:
        if self.repair_mirrored:
            examples = with_mirrored(examples)
        return with_copies(examples, self.repair_copies, self.seed)

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


def shares(
    count: int, repair: int | None, validation: int | None, what: str, *, held_back: bool = False
) -> tuple[int, int]:
    """How many of `count` images are for repair and for validation.

    Args:
        repair: as asked for; None: half of them.
        validation: as asked for; None: all the others, or half of these where some are held back.
        what: what they are, for the message.
        held_back: whether at least one must be left, to test on.

    Raises:
        InputError: more asked for than there are, or fewer than one.
    """
    first = count // 2 if repair is None else repair
    second = (count - first) // (1 + held_back) if validation is None else validation
    if min(first, second) < 1 or first + second + held_back > count:
        raise InputError(
            f"repair_images={first} and"
            f" validation_images={'null' if validation is None else validation} of the {count} {what}:"
            " expected at least 1 each"
            f" and no more than there are in all{', one left to test on' if held_back else ''}."
        )
    return first, second


def resolve_layers(network: Network, layers: str | tuple[str, ...]) -> tuple[str, ...]:
    """Names of layers, with the words for them replaced by the network's own."""
    if layers in EVERY:
        return network.linear
    weighted = network.weighted
    places = {"last": weighted[-1], "intermediate": weighted[max(len(weighted) - 2, 0)]}
    asked = (layers,) if isinstance(layers, str) else tuple(layers)
    for name in asked:
        if name in EVERY:
            raise InputError(f"layers={name} stands alone; got {', '.join(asked)}.")
        if name not in places and name not in network.names:
            raise unknown("layer", name, (*places, *EVERY, *network.names))
    return tuple(places.get(name, name) for name in asked)
