"""Architectures: published counts of parameters, and the published networks' own structure."""

import jax
import pytest
from flax import nnx

from bench import training
from bench.datasets import networks

MNIST, CIFAR = (28, 28, 1), (32, 32, 3)


def parameters(network):
    return sum(leaf.size for leaf in jax.tree.leaves(nnx.state(network, nnx.Param)))


@pytest.mark.parametrize(
    ("architecture", "shape", "count"),
    [
        (training.MLP((300, 100)), MNIST, 266_610),  # LeNet-300-100: LeCun et al. 1998, table
        (training.LeNet5(), MNIST, 61_706),  # with full connections between S2 and C3
        (training.LeNet5(), (32, 32, 1), 61_706),
        # As implementations for CIFAR-10 report it, and the convolutions' biases, which these leave out.
        (training.ResNet18(), CIFAR, 11_173_962 + 4_800),
        (training.VGG((64, 64), 32), CIFAR, None),
    ],
    ids=str,
)
def test_counts_of_parameters(architecture, shape, count):
    network = training.structure(architecture, shape, 10)
    if isinstance(architecture, training.VGG):
        conv = 9 * (3 * 64 + 3 * 64 * 64) + 4 * 3 * 64  # kernels; bias, scale and bias of the norm
        count = conv + 8 * 8 * 64 * 32 + 32 + 330
    assert parameters(network) == count
    assert network.classes == 10


@pytest.mark.parametrize(
    ("architecture", "published"),
    [
        (training.NNRepairMNIST(), "mnist_adversarial"),
        (training.NNRepairCIFAR(), "cifar10_adversarial"),
    ],
    ids=str,
)
def test_nnrepairs_architectures_are_those_of_its_networks(data_pack, architecture, published):
    network = networks.load(published)
    ours = training.structure(architecture, network.input_shape, 10)
    assert [layer.config() for layer in ours.layers] == [layer.config() for layer in network.layers]
    assert ours.shapes == network.shapes


def test_the_seed_makes_the_weights():
    first, again, other = (
        training.initial(training.MLP(), (8, 8, 1), 10, seed)[0].fingerprint() for seed in (0, 0, 1)
    )
    assert first == again != other
