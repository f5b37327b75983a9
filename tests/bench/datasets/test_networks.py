"""The published networks are the published ones: weights, scale, and counts of right answers."""

import os
import tarfile

import numpy as np
import pytest

from bench.datasets import dataset as data
from bench.datasets import networks
from repair.errors import InputError

RIGHT = {
    "mnist_low_quality": 9634,
    "mnist_poisoned": 9863,
    "mnist_adversarial": 9787,
}


# The counts of the CIFAR-10 networks are in the tests of their scenarios, which run all images too.
@pytest.mark.parametrize("name", RIGHT)
def test_test_images_classified_right_are_as_published(name, data_pack):
    network = networks.load(name)
    dataset = data.load(networks.NETWORKS[name].dataset)
    right = network.predict(dataset.test_images) == dataset.test_labels
    assert right.sum() == RIGHT[name]
    assert (network.names[-1], network.softmax) == ("dense_2", True)
    assert network.weights("dense_1")["bias"].shape == network.shape_at("dense_2")


# Where the arrays lie in the HDF5 files: the data pack's README, independent of any HDF5 library.
OFFSETS = {
    ("conv2d_1", "kernel"): 9464,
    ("conv2d_1", "bias"): 9536,
    ("conv2d_2", "kernel"): 9544,
    ("conv2d_2", "bias"): 9832,
    ("dense_1", "kernel"): 20448,
    ("dense_1", "bias"): 9848,
    ("dense_2", "kernel"): 319272,
    ("dense_2", "bias"): 10360,
}


@pytest.mark.parametrize("name", RIGHT)
def test_mnist_weights_are_the_bytes_of_the_file(name, data_pack):
    network = networks.load(name)
    content = (data_pack / networks.NETWORKS[name].file).read_bytes()
    for (layer, array), offset in OFFSETS.items():
        value = np.asarray(network.weights(layer)[array])
        raw = np.frombuffer(content, "<f4", value.size, offset)
        np.testing.assert_array_equal(value, raw.reshape(value.shape))


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("cifar10_poisoned", "example-cifar10-poisoned"),
        ("cifar10_adversarial", "cifar_complicated_adv"),
    ],
)
def test_cifar_weights_are_those_that_the_artifact_has_as_text(name, folder, data_pack):
    network = networks.load(name)
    artifact = {"conv2d_1": 0, "conv2d_2": 2, "conv2d_3": 5, "conv2d_4": 7, "dense_2": 13}
    with tarfile.open(data_pack / "nnrepair" / "cifar_params.tar.xz") as tar:
        for layer, number in artifact.items():
            for array, kind in (("kernel", "weights"), ("bias", "biases")):
                member = tar.extractfile(f"NN-Code/{folder}/params/{kind}{number}.txt")
                text = member.read().decode().replace(",", " ").split()
                value = np.asarray(network.weights(layer)[array])
                np.testing.assert_array_equal(value.ravel(), np.array(text, float).astype("f4"))


def test_cifar_logits_agree_with_onnx_runtime(data_pack):
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    name = "cifar10_poisoned"
    path = data_pack / networks.NETWORKS[name].file
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    images = data.load("cifar10").test_images[:64]
    network = networks.load(name)
    logits = network.logits(images).astype(np.float64)
    ours = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    entry = session.get_inputs()[0].name
    theirs = session.run(None, {entry: images.astype(np.float32) / np.float32(255)})[0]
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_unknown_names_list_the_known():
    with pytest.raises(InputError, match=r"unknown network 'mnist_poisend'.*mnist_poisoned"):
        networks.load("mnist_poisend")


def test_a_file_with_a_wrong_checksum_is_refused(tmp_path, monkeypatch):
    published = networks.NETWORKS["mnist_poisoned"]
    path = tmp_path / published.file
    path.parent.mkdir(parents=True)
    path.write_bytes(os.urandom(published.size))
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"mnist0_poisoned\.h5 has a wrong checksum"):
        networks.load("mnist_poisoned")


def test_a_missing_file_says_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"mnist0_adv\.h5 is missing.*BENCH_DATA"):
        networks.load("mnist_adversarial")
