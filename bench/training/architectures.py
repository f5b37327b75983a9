"""Architectures to train: each a small class of settings that makes a network with initial weights."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import jax

from bench.training.sequential import HE, SequentialBuilder
from repair.weights.network.convolution import Shape
from repair.weights.network.network import Network
from repair.weights.settings import Settings, Several, Width


@runtime_checkable
class Architecture(Protocol):
    """What makes an untrained network."""

    def __call__(self, keys: Iterator[jax.Array], shape: Shape, classes: int) -> Network:
        """A network for images of a shape (H, W, C), with random weights, one key for each kernel; under `jax.jit`."""
        ...


@dataclass(frozen=True)
class MLP(Settings):
    """flatten - dense_1 - relu - ... - dense_n.

    Attributes:
        hidden: the number of units of each hidden layer.
    """

    hidden: Sequence[Width] = (32,)

    def __call__(self, keys: Iterator[jax.Array], shape: Shape, classes: int) -> Network:
        """The network; kernels are Glorot uniform."""
        network = SequentialBuilder(keys, shape).flatten("flatten")
        for number, units in enumerate(self.hidden, 1):
            network.dense(f"dense_{number}", units).relu(f"relu_{number}")
        network.dense(f"dense_{len(self.hidden) + 1}", classes)
        return Network(network.layers, input_shape=shape, scale="0..1")


@dataclass(frozen=True)
class LeNet5:
    """LeNet-5 with ReLU and max pooling (LeCun, Bottou, Bengio and Haffner, Proc. IEEE 86, 1998, section II.B).

    For images of 28 or 32 pixels; those of 28 are padded within the first convolution, as the paper's are.
    """

    def __call__(self, keys: Iterator[jax.Array], shape: Shape, classes: int) -> Network:
        """The network; kernels are Glorot uniform."""
        network = SequentialBuilder(keys, shape)
        network.conv("conv_1", 6, 5, padding="same" if shape[0] < 32 else "valid")
        network.relu("relu_1").pool("pool_1")
        network.conv("conv_2", 16, 5).relu("relu_2").pool("pool_2").flatten("flatten")
        network.dense("dense_1", 120).relu("relu_3").dense("dense_2", 84).relu("relu_4")
        return Network(
            network.dense("dense_3", classes).layers, input_shape=shape, scale="0..1", softmax=True
        )


@dataclass(frozen=True)
class NNRepairMNIST:
    """The MNIST network of NNrepair (Usman et al., CAV 2021, arXiv 2103.12535), its layers' names as published."""

    def __call__(self, keys: Iterator[jax.Array], shape: Shape, classes: int) -> Network:
        """The network; kernels are Glorot uniform, as those of Keras."""
        network = SequentialBuilder(keys, shape)
        network.conv("conv2d_1", 2).relu("activation_1").conv("conv2d_2", 4).relu("activation_2")
        network.pool("max_pooling2d_1").flatten("flatten_1")
        network.dense("dense_1", 128).relu("activation_3").dense("dense_2", classes)
        return Network(network.layers, input_shape=shape, scale="0..1", softmax=True)


@dataclass(frozen=True)
class NNRepairCIFAR:
    """The CIFAR-10 network of NNrepair (Usman et al., CAV 2021, arXiv 2103.12535), its layers' names as published."""

    def __call__(self, keys: Iterator[jax.Array], shape: Shape, classes: int) -> Network:
        """The network; kernels are Glorot uniform, as those of Keras."""
        network = SequentialBuilder(keys, shape)
        network.conv("conv2d_1", 32).relu("activation_1").conv("conv2d_2", 32).relu("activation_2")
        network.pool("max_pooling2d_1")
        network.conv("conv2d_3", 64).relu("activation_3").conv("conv2d_4", 64).relu("activation_4")
        network.pool("max_pooling2d_2").flatten("flatten_1")
        network.dense("dense_1", 512).relu("activation_5").dense("dense_2", classes)
        return Network(network.layers, input_shape=shape, scale="0..1", softmax=True)


@dataclass(frozen=True)
class VGG(Settings):
    """A small VGG with batch normalisation: blocks of two 3x3 convolutions and a pooling, then two dense layers.

    Simonyan and Zisserman, arXiv 1409.1556; Ioffe and Szegedy, arXiv 1502.03167.

    Attributes:
        filters: the number of filters of the convolutions of each block.
        hidden: the number of units of dense_1.
    """

    filters: Several[Width] = (32, 64, 128)
    hidden: Width = 256

    def __call__(self, keys: Iterator[jax.Array], shape: Shape, classes: int) -> Network:
        """The network; kernels are He normal."""
        network = SequentialBuilder(keys, shape, HE)
        for block, filters in enumerate(self.filters, 1):
            for part in ("a", "b"):
                network.conv(f"conv_{block}{part}", filters, padding="same")
                network.batch_norm(f"norm_{block}{part}").relu(f"relu_{block}{part}")
            network.pool(f"pool_{block}")
        network.flatten("flatten").dense("dense_1", self.hidden).relu("relu_dense")
        return Network(network.dense("dense_2", classes).layers, input_shape=shape, scale="0..1")


@dataclass(frozen=True)
class ResNet18(Settings):
    """ResNet-18 in its form for CIFAR: a 3x3 convolution first, no pooling before the last.

    He, Zhang, Ren and Sun, arXiv 1512.03385, sections 3.3 and 4.2.

    Attributes:
        width: the number of filters of the first stage; each of the three others has twice those of the one before it.
    """

    width: Width = 64

    def __call__(self, keys: Iterator[jax.Array], shape: Shape, classes: int) -> Network:
        """The network; kernels are He normal."""
        network = SequentialBuilder(keys, shape, HE)
        network.conv("conv", self.width, padding="same").batch_norm("norm").relu("relu")
        for stage in range(4):
            for block, stride in enumerate((1 if stage == 0 else 2, 1)):
                network.residual(f"block_{stage + 1}{'ab'[block]}", self.width << stage, stride)
        network.global_pool("pool").dense("dense", classes)
        return Network(network.layers, input_shape=shape, scale="0..1")
