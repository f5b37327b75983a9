"""Residual blocks, and batch normalisation in training."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from repair.errors import InputError
from repair.weights.formats import load, save
from repair.weights.network.layers import BatchNorm, Conv, Dense, GlobalAvgPool
from repair.weights.network.network import Network
from repair.weights.network.residual import Residual


def block(name="block", filters=4, stride=2):
    rng = np.random.default_rng(0)
    body = [
        Conv("one", rng.normal(size=(3, 3, 3, filters)), strides=(stride, stride), padding="same"),
        Conv("two", rng.normal(size=(3, 3, filters, filters)), padding="same"),
    ]
    beside = Conv("zero", rng.normal(size=(1, 1, 3, filters)), strides=(stride, stride))
    return Residual(name, body, [beside])


def network():
    kernel = np.random.default_rng(1).normal(size=(4, 3))
    layers = [block(), GlobalAvgPool("pool"), Dense("dense", kernel)]
    return Network(layers, input_shape=(8, 8, 3), scale="0..1")


def test_a_block_is_the_relu_of_body_and_shortcut_together():
    made = block()
    x = jnp.asarray(np.random.default_rng(2).normal(size=(5, 8, 8, 3)), jnp.float32)
    one, two = made.body
    expected = np.maximum(two(one(x)) + made.shortcut[0](x), 0)
    np.testing.assert_allclose(made(x), expected, rtol=1e-6)
    assert made.output_shape((8, 8, 3)) == expected.shape[1:]


def test_without_a_shortcut_the_input_itself_is_added():
    identity = Residual("block", [Conv("zeros", np.zeros((3, 3, 3, 3)), padding="same")])
    x = jnp.asarray(np.random.default_rng(2).normal(size=(2, 4, 4, 3)), jnp.float32)
    np.testing.assert_array_equal(identity(x), np.maximum(x, 0))


def test_a_network_with_a_block_goes_to_a_file_and_back(tmp_path):
    before = network()
    save(before, tmp_path / "network.npz")
    after = load(tmp_path / "network.npz")
    assert after.fingerprint() == before.fingerprint()
    images = np.random.default_rng(3).random((3, 8, 8, 3), np.float32)
    np.testing.assert_array_equal(after.logits(images), before.logits(images))
    other = Network(
        [block(filters=4, stride=1), *before.layers[1:]], input_shape=(8, 8, 3), scale="0..1"
    )
    assert other.fingerprint() != before.fingerprint()


def test_inner_weights_are_not_for_repair_but_those_around_are():
    assert network().weighted == ("dense",)
    assert network().weights("block") == {}


def test_blocks_that_do_not_fit():
    conv = Conv("one", np.zeros((3, 3, 3, 4)), padding="same")
    with pytest.raises(InputError, match=r"adds shapes \(8, 8, 4\) and \(8, 8, 3\)"):
        Residual("block", [conv]).output_shape((8, 8, 3))
    with pytest.raises(InputError, match="unique"):
        Residual("block", [conv, conv])
    with pytest.raises(InputError, match="has no counterpart in ONNX files"):
        save(network(), "never.onnx")


def test_batch_normalisation_in_training_is_that_of_flax():
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(2, 3, size=(16, 5, 5, 4)), jnp.float32)
    scale, bias = rng.normal(size=(2, 4))
    ours = BatchNorm("norm", scale, bias, np.zeros(4), np.ones(4), epsilon=1e-5)
    theirs = nnx.BatchNorm(4, momentum=0.9, epsilon=1e-5, rngs=nnx.Rngs(0))
    theirs.scale[...], theirs.bias[...] = (jnp.asarray(v, jnp.float32) for v in (scale, bias))
    ours.train()
    for _ in range(3):
        np.testing.assert_allclose(ours(x), theirs(x), atol=1e-4)
    np.testing.assert_allclose(ours.mean[...], theirs.mean[...], rtol=1e-4)
    np.testing.assert_allclose(ours.variance[...], theirs.var[...], rtol=1e-4)
    ours.eval()
    theirs.eval()
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-4)
