"""A network agrees with itself wherever it is entered, however it is batched, and on any device."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from checkout import TESTS
from flax import nnx
from jax import lax

from repair.errors import InputError
from repair.weights.network import network as network_module
from repair.weights.network.convolution import convolve
from repair.weights.network.layers import Activation, AvgPool, Conv, Dense, Flatten, MaxPool
from repair.weights.network.network import Network, require_finite


def test_entering_anywhere_gives_the_same_logits(every_kind, unit_images):
    x = jnp.asarray(unit_images(1, 5, every_kind))
    whole = every_kind(x)
    for name in every_kind.names:
        z = every_kind.features(x, at=name)
        assert z.shape[1:] == every_kind.shape_at(name)
        np.testing.assert_array_equal(every_kind.logits_from(z, at=name), whole)


def test_whole_sets_equal_single_inputs(digits_network, unit_images):
    network = digits_network()
    images = unit_images(2, 70, network)
    one_by_one = np.concatenate([network.logits(image[None]) for image in images])
    for batch_size in (None, 16, 70):
        np.testing.assert_allclose(network.logits(images, batch_size), one_by_one, atol=1e-5)
    assert network.logits(images[:0]).shape == (0, 3)
    hidden = network.activations(images, at="dense_2")
    assert hidden.shape == (70, 6)
    np.testing.assert_allclose(network.logits_of(hidden, at="dense_2"), one_by_one, atol=1e-5)


@pytest.mark.parametrize("scale", ["0..1", "0..255"])
def test_pixels_and_unit_images_are_one_convention(digits_network, scale):
    network = digits_network(scale=scale)
    pixels = np.arange(256, dtype=np.uint8).reshape(4, 8, 8, 1)
    as_float32 = (pixels / np.float32(255)).astype(np.float32)
    seen = network.activations(pixels, at="conv2d_1")
    np.testing.assert_array_equal(seen, pixels if scale == "0..255" else as_float32)
    for units in (as_float32, pixels / 255):
        np.testing.assert_array_equal(network.activations(units, at="conv2d_1"), seen)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 8, 8), np.uint8), ["(2, 8, 8)", "(N, 8, 8, 1)"]),
        (np.zeros((2, 1, 8, 8), np.float32), ["(2, 1, 8, 8)", "(N, 8, 8, 1)"]),
        (np.uint8(3), ["()", "(N, 8, 8, 1)"]),
        (np.zeros((1, 8, 8, 1), np.int64), ["int64", "uint8", "0..1"]),
        (np.full((1, 8, 8, 1), 2.0), ["2", "0..1", "255"]),
        (np.full((1, 8, 8, 1), -0.1), ["-0.1", "0..1"]),
        (np.full((1, 8, 8, 1), np.nan), ["nan", "0..1"]),
    ],
)
def test_images_that_cannot_be_meant_are_refused(digits_network, images, words):
    with pytest.raises(InputError) as error:
        digits_network().logits(images)
    assert all(word in str(error.value) for word in words), error.value


def test_a_patched_network_compiles_nothing(digits_network, unit_images):
    network = digits_network()
    images = unit_images(3, 40, network)
    before = network.logits(images)
    compiled = network_module._run._cache_size()
    patched = network.replace("dense_2", bias=np.full(3, 2.0))
    other = digits_network(seed=9)
    assert not np.allclose(patched.logits(images), before)
    assert not np.allclose(other.logits(images), before)
    assert network_module._run._cache_size() == compiled
    np.testing.assert_array_equal(network.logits(images), before)
    for name in network.weighted:
        for key, value in network.weights(name).items():
            same = patched.weights(name)[key]
            assert (same is value) or (name, key) == ("dense_2", "bias")


def test_replace_refuses_what_does_not_fit(digits_network):
    network = digits_network()
    with pytest.raises(InputError, match=r"\(6, 3\).*\(3, 6\)"):
        network.replace("dense_2", kernel=np.zeros((3, 6)))
    with pytest.raises(InputError, match=r"unknown weight .*'kernal'.*Did you mean 'kernel'"):
        network.replace("dense_2", kernal=np.zeros((6, 3)))
    with pytest.raises(InputError, match=r"unknown layer 'dense_3'.*dense_1, dense_2"):
        network.replace("dense_3", kernel=np.zeros((6, 3)))
    with pytest.raises(InputError, match="unknown weight"):
        network.replace("flatten_1", kernel=np.zeros(1))


def test_fingerprints_tell_networks_apart(digits_network):
    network = digits_network()
    assert network.fingerprint() == digits_network().fingerprint()
    bias = np.asarray(network.weights("dense_2")["bias"])
    nudged = np.nextafter(bias, np.float32(np.inf))
    variants = [
        network.replace("dense_2", bias=nudged),
        digits_network(scale="0..255"),
        digits_network(seed=1),
    ]
    fingerprints = {network.fingerprint(), *(variant.fingerprint() for variant in variants)}
    assert len(fingerprints) == 4


# By whole rows, by windows, and XLA's own, as the channels decide.
@pytest.mark.parametrize("channels", [(2, 4), (3, 32), (16, 8)])
@pytest.mark.parametrize(
    ("padding", "window", "strides"), [("same", (2, 5), (3, 2)), ("valid", (3, 3), (1, 2))]
)
def test_every_formulation_is_the_same_convolution(channels, padding, window, strides):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 9, 11, channels[0])).astype(np.float32)
    kernel = rng.standard_normal((*window, *channels)).astype(np.float32)

    def ours(x, kernel):
        return convolve(x, kernel, strides, padding)

    def xla(x, kernel):
        dimensions = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(
            x, kernel, strides, padding.upper(), dimension_numbers=dimensions
        )

    np.testing.assert_allclose(jax.jit(ours)(x, kernel), xla(x, kernel), atol=1e-4)
    slopes = [
        jax.jit(jax.grad(lambda x, k, f=f: jnp.sin(f(x, k)).sum(), (0, 1)))(x, kernel)
        for f in (ours, xla)
    ]
    for got, wanted in zip(*slopes, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-3)


@pytest.mark.parametrize("size", [(7, 9), (8, 6)])
def test_pools_agree_with_loops(size):
    x = np.random.default_rng(0).standard_normal((2, *size, 3)).astype(np.float32)
    rows, columns = size[0] // 2, (size[1] - 3) // 3 + 1
    for pool, reduce in ((MaxPool, np.max), (AvgPool, np.mean)):
        wanted = [
            [
                reduce(x[:, 2 * i : 2 * i + 2, 3 * j : 3 * j + 3], axis=(1, 2))
                for j in range(columns)
            ]
            for i in range(rows)
        ]
        got = pool("pool", (2, 3))(jnp.asarray(x))
        np.testing.assert_allclose(got, np.moveaxis(np.array(wanted), 2, 0), atol=1e-6)


def test_of_equal_pixels_the_first_gets_the_gradient():
    x = jnp.ones((1, 4, 4, 1)).at[0, 0, 1].set(2.0)
    for pool in (MaxPool("whole"), MaxPool("overlapping", (2, 2), (2, 2), "same")):
        gradient = jax.grad(lambda x, pool=pool: pool(x).sum())(x)[0, :, :, 0]
        wanted = np.zeros((4, 4))
        wanted[0, 1] = wanted[0, 2] = wanted[2, 0] = wanted[2, 2] = 1
        np.testing.assert_array_equal(gradient, wanted)


def test_training_with_optax_lowers_the_loss(digits_network, unit_images):
    network = digits_network()
    x, labels = jnp.asarray(unit_images(4, 32, network)), jnp.arange(32) % 3
    optimizer = nnx.Optimizer(network, optax.sgd(1e-2), wrt=nnx.Param)

    def loss(network):
        return optax.softmax_cross_entropy_with_integer_labels(network(x), labels).mean()

    @nnx.jit
    def step(network, optimizer):
        value, gradient = nnx.value_and_grad(loss)(network)
        optimizer.update(network, gradient)
        return value

    losses = [float(step(network, optimizer)) for _ in range(20)]
    assert losses[-1] < 0.7 * losses[0]


def test_gradients_of_inputs_and_of_one_layer_match_differences(digits_network, unit_images):
    network = digits_network()
    x = jnp.asarray(unit_images(5, 4, network)) * 0.8 + 0.1
    gradient = jax.jit(jax.grad(lambda x: network(x)[:, 0].sum()))(x)
    step = np.zeros(x.shape, np.float32)
    step[2, 3, 4, 0] = 1e-2
    slope = (network(x + step) - network(x - step))[:, 0].sum() / 2e-2
    assert slope == pytest.approx(float(gradient[2, 3, 4, 0]), rel=0.05, abs=1e-2)

    kernel = network.weights("dense_2")["kernel"]
    through = jax.grad(lambda k: network.replace("dense_2", kernel=k)(x)[:, 1].sum())(kernel)
    hidden = network.features(x, at="dense_2")
    np.testing.assert_allclose(through[:, 1], hidden.sum(0), rtol=1e-5)
    np.testing.assert_array_equal(through[:, 0], 0)


def test_layers_that_do_not_fit_are_named():
    dense = Dense("out", np.ones((5, 2)))
    with pytest.raises(InputError, match=r"'out' \(dense\).*\(4,\).*\(5,\)"):
        Network([dense], input_shape=(4,), scale="0..1")
    with pytest.raises(InputError, match=r"'c'.*\(2, 9, 1\).*at least 3 rows"):
        Network([Conv("c", np.ones((3, 3, 1, 1)))], input_shape=(2, 9, 1), scale="0..1")
    with pytest.raises(InputError, match=r"last layer 'a'.*\(2, 2, 1\)"):
        Network([Activation("a")], input_shape=(2, 2, 1), scale="0..1")
    with pytest.raises(InputError, match=r"unique names; got 'f' more than once"):
        Network([Flatten("f"), Flatten("f")], input_shape=(2, 2, 1), scale="0..1")
    with pytest.raises(InputError, match=r"unknown scale.*0\.\.255"):
        Network([dense], input_shape=(5,), scale="-1..1")
    with pytest.raises(InputError, match="unknown activation of layer 'a' 'gelu'"):
        Activation("a", "gelu")
    with pytest.raises(InputError, match=r"bias of shape \(3,\)"):
        Dense("out", np.ones((5, 2)), np.ones(3))


def test_weights_that_are_not_finite_are_named(digits_network):
    network = digits_network().replace("dense_1", bias=[0, np.nan, 0, 0, np.inf, 0])
    with pytest.raises(InputError, match=r"model\.h5: bias of layer 'dense_1' holds 2 of 6"):
        require_finite(network, "model.h5")


SHARDED = """
import sys
import jax, numpy as np
sys.path.insert(0, sys.argv[1])
from conftest import digits_like, images
network = digits_like()
x = images(7, 101, network)
assert jax.device_count() == 4
np.save(sys.argv[2], network.logits(x, batch_size=30))
"""


def test_four_devices_give_what_one_gives(digits_network, unit_images, tmp_path):
    flags = "--xla_force_host_platform_device_count=4"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    command = [
        sys.executable,
        "-c",
        SHARDED,
        str(TESTS / "repair" / "weights"),
        str(tmp_path / "logits.npy"),
    ]
    subprocess.run(command, check=True, env=environment, timeout=300)
    network = digits_network()
    ours = network.logits(unit_images(7, 101, network))
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), ours, atol=1e-5)
