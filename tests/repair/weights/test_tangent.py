"""The first-order model against differences of the network itself and against JAX's own Jacobian."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.tangent import Tangent, Weights, margin_cotangents

LAYERS = ("conv2d_1", "conv2d_2", "dense_1", "dense_2")


@pytest.fixture
def network(digits_network):
    return digits_network(3)


def jacobian(network, weights, images):
    """(tests, classes, n) by JAX, of all weights at once."""

    def logits(arrays):
        changed = network
        for (name, key), value in arrays.items():
            changed = changed.replace(name, **{key: value})
        return changed(jnp.asarray(images))

    arrays = {key: jnp.asarray(value, jnp.float32) for key, value in weights.arrays.items()}
    parts = jax.jit(jax.jacrev(logits))(arrays)
    flat = [
        np.asarray(parts[key]).reshape(len(images), network.classes, -1) for key in weights.slices
    ]
    return np.concatenate(flat, axis=-1)


@pytest.mark.parametrize("layers", [LAYERS, ("dense_2",)])
def test_products_and_entries_are_those_of_the_jacobian(network, unit_images, layers):
    images = unit_images(5, 7, network)
    weights = Weights(network, layers)
    whole = jacobian(network, weights, images)
    tangent = Tangent.start(weights, images)
    rng = np.random.default_rng(0)
    step = rng.standard_normal(len(weights))
    np.testing.assert_allclose(tangent.change_of_logits(step), whole @ step, rtol=1e-4, atol=1e-4)
    tests, rivals = np.array([0, 3, 3, 6]), np.array([1, 0, 2, 1])
    cotangents = margin_cotangents(np.array([0, 1, 1, 2]), rivals, 3)
    expected = np.einsum("kc,kcn->kn", cotangents, whole[tests])
    np.testing.assert_allclose(
        tangent.gradient(tests, cotangents), expected.sum(0), rtol=1e-4, atol=1e-4
    )
    places = rng.permutation(len(weights))[: len(weights) // 2]
    columns = tangent.factors(tests, cotangents).columns(places)
    np.testing.assert_allclose(columns, expected[:, places], rtol=1e-4, atol=1e-4)


def test_strides_paddings_and_shared_columns(every_kind, unit_images):
    images = unit_images(6, 5, every_kind)
    weights = Weights(every_kind, ("wide", "deep", "out"))
    whole = jacobian(every_kind, weights, images)
    cotangents = np.random.default_rng(1).standard_normal((5, every_kind.classes))
    expected = np.einsum("kc,kcn->kn", cotangents, whole)
    factors = Tangent.start(weights, images).factors(np.arange(5), cotangents)
    np.testing.assert_allclose(
        factors.columns(np.arange(len(weights))), expected, rtol=1e-3, atol=1e-4
    )


def test_a_vector_of_deltas_is_a_patch_and_a_patched_network(network, unit_images):
    images = unit_images(7, 3, network)
    weights = Weights(network, ("dense_2", "conv2d_2"))
    assert weights.layers == ("conv2d_2", "dense_2")  # in the network's order
    deltas = np.zeros(len(weights))
    deltas[[0, 5, -1]] = [0.5, -0.25, 1.0]
    patched = weights.apply(deltas)
    np.testing.assert_array_equal(
        patched.logits(images), weights.patch(deltas).apply(network).logits(images)
    )
    assert weights.patch(deltas).weights_changed == 3
    np.testing.assert_array_equal(weights.patch(deltas).deltas["dense_2", "bias"].values, [1.0])


def test_layers_without_kernels_are_refused_by_name(network, every_kind):
    with pytest.raises(InputError, match="'activation_1' is activation"):
        Weights(network, ("activation_1",))
    with pytest.raises(InputError, match="'normal' is batch_norm"):
        Weights(every_kind, ("normal",))
