"""The zoo: the five networks that NNrepair (CAV 2021, arXiv 2103.12535) published.

Layers have the names of their Keras originals in all five: the last one is `dense_2` and the intermediate one
`dense_1`; the two of CIFAR-10, which are known as ONNX only, have these names in their operators' names.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.datasets.files import fetch
from repair.errors import InputError, unknown
from repair.weights import formats
from repair.weights.network.network import Network
from repair.weights.settings import Scale
from repair.weights.source import SourceFile


@dataclass(frozen=True)
class PublishedNetwork:
    """The file of a published network and where it comes from.

    Attributes:
        file: the path of the file in the data folder.
        sha256: the SHA-256 of the file, as hexadecimal digits.
        size: the length of the file in bytes.
        scale: the range of the inputs that its first layer was trained on.
        dataset: the data set that it classifies, a name of `bench.datasets.dataset`.
        repository: the public GitHub repository that it was taken from.
        commit: the commit of that repository.
    """

    file: str
    sha256: str
    size: int
    scale: Scale
    dataset: str
    repository: str
    commit: str


NNREPAIR = ("nnrepair/nnrepair", "b07dca9c335b9642d96f962a34ad42d355ec6903")
AGFACBNNR = (
    "AGFACBNNR/A-General-Framework-for-Accelerating-Constraint-Based-Neural-Network-Repairs",
    "5784ff39cffca1323c021f9bcd8fc3c8b0c5b85c",
)
NETWORKS: Mapping[str, PublishedNetwork] = {
    "mnist_low_quality": PublishedNetwork(
        "nnrepair/models/mnist0_normal_low_accuracy.h5",
        "015ddd062e5c3051c9845c3fca46005a1838c440dc9f58e0b587f3cf44b747e6",
        940_648,
        "0..255",
        "mnist",
        *NNREPAIR,
    ),
    "mnist_poisoned": PublishedNetwork(
        "nnrepair/models/mnist0_poisoned.h5",
        "a31905eb91252a9df070d6855d78137d764595be3b07003d0b6aeb66da94c336",
        940_648,
        "0..255",
        "mnist",
        *NNREPAIR,
    ),
    "mnist_adversarial": PublishedNetwork(
        "nnrepair/models/mnist0_adv.h5",
        "392ea0c0b7be6bbfdfce8051f0005ca491b50de182b1fdde1e10b387f60938d2",
        940_648,
        "0..1",
        "mnist",
        *NNREPAIR,
    ),
    "cifar10_poisoned": PublishedNetwork(
        "nnrepair/models/cifar10_poisoned.onnx",
        "2ec361d2a2e6b59c1164c0b016fcb111fc726bea4235f8cf857b2cdcdc5403e0",
        3_566_617,
        "0..1",
        "cifar10",
        *AGFACBNNR,
    ),
    "cifar10_adversarial": PublishedNetwork(
        "nnrepair/models/cifar10_adv.onnx",
        "9ad6d25b853789773cb702be389e4b2dbe8528aea119ee5d0a10c53579b9bdf4",
        3_566_617,
        "0..1",
        "cifar10",
        *AGFACBNNR,
    ),
}


def load(name: str) -> Network:
    """A published network by its name in NETWORKS, from a file whose checksum was verified.

    Raises:
        InputError: an unknown name, or a file that is missing or not the published one.
    """
    if name not in NETWORKS:
        raise unknown("network", name, NETWORKS)
    published = NETWORKS[name]
    path = fetch(published.file, published.sha256, size=published.size)
    source = SourceFile.read(path)
    # The content that was verified may not be the content that is there now.
    if source.sha256 != published.sha256:
        raise InputError(f"{path} has changed while it was read. Start the run again.")
    return formats.load(source, published.scale)
