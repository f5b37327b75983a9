"""Where the network of a scenario comes from: it is published, a file of the user's, or trained here."""

from dataclasses import dataclass, field, fields
from typing import Protocol, runtime_checkable

from pydantic import InstanceOf

from bench import training
from bench.attacks import Attack, Trigger
from bench.datasets import networks
from bench.datasets.dataset import Dataset
from bench.training.cached import trained_once
from repair.errors import InputError
from repair.weights import formats
from repair.weights.network.network import Network
from repair.weights.problem import Examples
from repair.weights.settings import Count, Scale, Settings, Share, Text
from repair.weights.source import SourceFile


@runtime_checkable
class NetworkSource(Protocol):
    """Where the network of a scenario comes from."""

    def __call__(self, dataset: Dataset, attack: Attack, seed: int) -> Network:
        """The network with the defect."""
        ...


@dataclass(frozen=True)
class Published(Settings):
    """A published network, by its name in `bench.datasets.networks`."""

    name: Text

    def __call__(self, dataset: Dataset, attack: Attack, seed: int) -> Network:
        """The network, from its verified file."""
        return networks.load(self.name)


@dataclass(frozen=True)
class File(Settings):
    """A network of the user's, from a file that `repair.weights.formats` reads.

    Attributes:
        path: the path of an .h5, .onnx or .npz file, or the file as it was read; for None a message asks for one.
        scale: the range of inputs that its first layer takes, "0..1" or "0..255"; None where the file says so itself.
    """

    path: Text | InstanceOf[SourceFile] | None
    scale: Scale | None = None

    def __call__(self, dataset: Dataset, attack: Attack, seed: int) -> Network:
        """The network; InputError for a file that is missing, damaged or not supported."""
        if self.path is None:
            raise InputError("which network? Give network=FILE, a .h5, .onnx or .npz file.")
        return formats.load(self.path, self.scale)


@dataclass(frozen=True)
class Trained(training.Training):
    """A network trained here, on data with flaws; see `bench.training.Training` for how it is trained.

    Attributes:
        architecture: what is trained, of `bench.training.architectures` or a class of the user's.
        poisoned: the share of the training images that carry the scenario's trigger, if its attack is one.
        mislabelled: the share of the training images that have a wrong label.
        training_images: how many training images there are; None for the whole data set.
        keep: whether the trained network is kept in the user's cache, and taken from there (`bench.training.cached`).
    """

    architecture: training.Architecture = field(default_factory=training.MLP)
    poisoned: Share = 0.1
    mislabelled: Share = 0.0
    training_images: Count | None = None
    keep: bool = True

    def __call__(self, dataset: Dataset, attack: Attack, seed: int) -> Network:
        """The trained network, a function of the settings, the data and the seed."""
        settings = training.Training(
            **{setting.name: getattr(self, setting.name) for setting in fields(training.Training)}
        )
        classes = len(dataset.class_names)
        shape = dataset.train_images.shape[1:]

        def train() -> Network:
            examples = Examples(dataset.train_images, dataset.train_labels, "training set")
            examples = training.few(examples, self.training_images, seed)
            examples = training.mislabel(examples, self.mislabelled, classes, seed)
            examples = training.poison(examples, attack, self.poisoned, classes, seed)
            return training.train(settings, self.architecture, examples, classes, seed)

        if not self.keep:
            return train()
        depends_on = {
            "network": self,
            "trigger": attack if isinstance(attack, Trigger) else None,
            "data": dataset.checksums,
            "seed": seed,
        }
        return trained_once(
            depends_on, lambda: training.structure(self.architecture, shape, classes), train
        )
