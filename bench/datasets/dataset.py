"""The data sets: MNIST, Fashion-MNIST, CIFAR-10, and scikit-learn's digits, which needs no file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from bench.datasets import cifar, digits
from bench.datasets.files import fetch
from bench.datasets.idx import read_idx
from repair.errors import InputError, unknown

Arrays = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class DistributedFile:
    """One file of a distribution.

    Attributes:
        sha256: the SHA-256 of its content, as hexadecimal digits.
        size: its length in bytes.
    """

    sha256: str
    size: int


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with labels, read from verified files when first asked for.

    Images are uint8 (N, height, width, channels) with pixels 0..255, labels int32 (N,). The
    arrays are read-only: they are shared by all who ask.

    Attributes:
        name: the name of the data set, such as "mnist".
        class_names: what each label means, by label.
        checksums: the SHA-256 of each file, or of the arrays where there is no file.
    """

    name: str
    class_names: tuple[str, ...]
    checksums: Mapping[str, str]
    _read_train: Callable[[], Arrays]
    _read_test: Callable[[], Arrays]

    @property
    def train_images(self) -> np.ndarray:
        """The training images, in the order of the distribution."""
        return self._train[0]

    @property
    def train_labels(self) -> np.ndarray:
        """The labels of `train_images`."""
        return self._train[1]

    @property
    def test_images(self) -> np.ndarray:
        """The test images, in the order of the distribution."""
        return self._test[0]

    @property
    def test_labels(self) -> np.ndarray:
        """The labels of `test_images`."""
        return self._test[1]

    @cached_property
    def _train(self) -> Arrays:
        return _sound(*self._read_train(), classes=len(self.class_names), name=self.name)

    @cached_property
    def _test(self) -> Arrays:
        return _sound(*self._read_test(), classes=len(self.class_names), name=self.name)


def _sound(images: np.ndarray, labels: np.ndarray, *, classes: int, name: str) -> Arrays:
    if len(images) != len(labels):
        raise InputError(f"{name} has {len(images):,} images and {len(labels):,} labels.")
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise InputError(
            f"{name} has labels {labels.min()}..{labels.max()}, expected 0..{classes - 1}."
        )
    images.flags.writeable = labels.flags.writeable = False
    return images, labels


def load(name: str) -> Dataset:
    """A data set by its name; finds or downloads and verifies its files, and reads none yet.

    Files are searched in $BENCH_DATA, then in data/, then in the user's cache, which a download
    fills (see `bench.datasets.files.fetch`).

    Raises:
        InputError: an unknown name, a damaged file, or a missing one that cannot be downloaded.
    """
    if name not in DATASETS:
        raise unknown("data set", name, DATASETS)
    return DATASETS[name]()


# SHA-256 and sizes as LeCun's and Zalando's distributions have them.
MNIST = {
    "train-images-idx3-ubyte.gz": DistributedFile(
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", 9_912_422
    ),
    "train-labels-idx1-ubyte.gz": DistributedFile(
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", 28_881
    ),
    "t10k-images-idx3-ubyte.gz": DistributedFile(
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", 1_648_877
    ),
    "t10k-labels-idx1-ubyte.gz": DistributedFile(
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", 4_542
    ),
}
FASHION_MNIST = {
    "train-images-idx3-ubyte.gz": DistributedFile(
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26_421_880
    ),
    "train-labels-idx1-ubyte.gz": DistributedFile(
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29_515
    ),
    "t10k-images-idx3-ubyte.gz": DistributedFile(
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4_422_102
    ),
    "t10k-labels-idx1-ubyte.gz": DistributedFile(
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5_148
    ),
}
MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
FASHION_MIRRORS = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)


def _idx(
    name: str,
    files: Mapping[str, DistributedFile],
    mirrors: tuple[str, ...],
    class_names: tuple[str, ...],
) -> Dataset:
    paths = {
        file: fetch(f"{name}/{file}", f.sha256, [m + file for m in mirrors], size=f.size)
        for file, f in files.items()
    }

    def read(part: str) -> Arrays:
        images = read_idx(paths[f"{part}-images-idx3-ubyte.gz"], dimensions=3)
        labels = read_idx(paths[f"{part}-labels-idx1-ubyte.gz"], dimensions=1)
        return images[..., None], labels.astype(np.int32)

    checksums = {f"{name}/{file}": f.sha256 for file, f in files.items()}
    return Dataset(name, class_names, checksums, partial(read, "train"), partial(read, "t10k"))


def _cifar10() -> Dataset:
    batches = cifar.locate()
    checksums = {f"cifar10/{batch}.bin": digest for batch, digest in cifar.CONTENT.items()}
    return Dataset(
        "cifar10",
        CIFAR_NAMES,
        checksums,
        partial(batches.split, cifar.TRAIN),
        partial(batches.split, cifar.TEST),
    )


def _digits() -> Dataset:
    images, labels = digits.read()
    test = digits.test_rows(labels)
    return Dataset(
        "digits",
        DIGIT_NAMES,
        {"digits/digits.csv": digits.SHA256},
        lambda: (images[~test], labels[~test]),
        lambda: (images[test], labels[test]),
    )


DIGIT_NAMES = tuple("0123456789")
CIFAR_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
GARMENTS = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
DATASETS: Mapping[str, Callable[[], Dataset]] = {
    "mnist": partial(_idx, "mnist", MNIST, MNIST_MIRRORS, DIGIT_NAMES),
    "fashion_mnist": partial(_idx, "fashion_mnist", FASHION_MNIST, FASHION_MIRRORS, GARMENTS),
    "cifar10": _cifar10,
    "digits": _digits,
}
