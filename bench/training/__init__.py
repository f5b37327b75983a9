"""Networks trained here: architectures, what can be wrong with training data, training, and a cache of the results."""

from bench.training.architectures import (
    MLP,
    VGG,
    Architecture,
    LeNet5,
    NNRepairCIFAR,
    NNRepairMNIST,
    ResNet18,
)
from bench.training.flaws import few, mislabel, poison
from bench.training.train import Training, initial, structure, train

__all__ = [
    "MLP",
    "VGG",
    "Architecture",
    "LeNet5",
    "NNRepairCIFAR",
    "NNRepairMNIST",
    "ResNet18",
    "Training",
    "few",
    "initial",
    "mislabel",
    "poison",
    "structure",
    "train",
]
