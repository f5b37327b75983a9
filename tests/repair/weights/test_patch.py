"""A patch is exactly the change it says, for exactly the network it says."""

import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.archive import read_archive, write_archive
from repair.weights.patch import Delta, Patch


@pytest.fixture
def network(digits_network):
    return digits_network()


@pytest.fixture
def patch(network):
    kernel = np.zeros((6, 3))
    kernel[1, 2], kernel[5, 0] = 0.1, -0.25
    changes = {("dense_2", "kernel"): kernel, ("conv2d_1", "bias"): np.array([0.0, 1e-3])}
    return Patch.dense(network, changes)


def test_a_patch_changes_what_it_says_and_nothing_else(network, patch):
    patched = patch.apply(network)
    for name in network.weighted:
        for key, before in network.weights(name).items():
            wanted = np.asarray(before, np.float64)
            if (name, key) in patch.deltas:
                wanted = wanted + patch.deltas[name, key].dense
            got = np.asarray(patched.weights(name)[key])
            np.testing.assert_array_equal(got, wanted.astype(np.float32))
    assert patch.describe() == {
        "layers": ["conv2d_1", "dense_2"],
        "weights_changed": 3,
        "l1": pytest.approx(0.351),
        "linf": 0.25,
    }


def test_the_difference_of_two_networks_leads_from_one_to_the_other(network, digits_network):
    other = digits_network(seed=5)
    patch = Patch.between(network, other)
    assert patch.apply(network).fingerprint() == other.fingerprint()
    assert Patch.between(network, network).weights_changed == 0
    assert Patch.between(network, network).apply(network).fingerprint() == network.fingerprint()


def test_a_file_comes_back_and_has_equal_bytes_for_equal_patches(patch, network, tmp_path):
    patch.save(tmp_path / "a.npz")
    again = Patch.load(tmp_path / "a.npz")
    assert again.describe() == patch.describe()
    assert again.apply(network).fingerprint() == patch.apply(network).fingerprint()
    reordered = Patch(patch.base, dict(reversed(patch.deltas.items())))
    reordered.save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    empty = Patch(patch.base)
    empty.save(tmp_path / "c.npz")
    assert Patch.load(tmp_path / "c.npz").describe() == {
        "layers": [],
        "weights_changed": 0,
        "l1": 0.0,
        "linf": 0.0,
    }


def test_a_file_is_applied_without_this_package_as_documented(patch, network, tmp_path):
    patch.save(tmp_path / "patch.npz")
    weights = {
        name: {key: np.asarray(value) for key, value in network.weights(name).items()}
        for name in network.weighted
    }
    # From here on as in the docstring of repair.weights.patch.
    patch_file = np.load(tmp_path / "patch.npz")
    for key in patch_file.files:
        if key.endswith("/indices"):
            layer, array, _ = key.rsplit("/", 2)
            changed = weights[layer][array].astype(np.float64)
            changed.ravel()[patch_file[key]] += patch_file[f"{layer}/{array}/values"]
            weights[layer][array] = changed.astype(np.float32)
    assert str(patch_file["base"]) == network.fingerprint()
    patched = patch.apply(network)
    for name, arrays in weights.items():
        for key, value in arrays.items():
            np.testing.assert_array_equal(value, patched.weights(name)[key])


def test_patches_add_up_and_scale(patch, network):
    twice = patch + patch
    assert twice.l1 == pytest.approx(2 * patch.l1)
    assert (patch + patch.scaled(-1)).weights_changed == 0
    other = Patch.sparse(network, {("dense_2", "kernel"): ([5, 0], [0.5, 1.0])})
    summed = (patch + other).deltas["dense_2", "kernel"]
    assert dict(zip(summed.indices, summed.values, strict=True)) == {0: 1.0, 5: 0.6, 15: -0.25}
    mean = (patch + other).scaled(0.5)
    assert mean.linf == 0.5


def test_another_network_is_refused(patch, network, digits_network):
    with pytest.raises(InputError, match=r"another|differ"):
        patch.apply(patch.apply(network))
    with pytest.raises(InputError, match=r"fingerprint.*Apply it to the network"):
        patch.apply(digits_network(scale="0..255"))
    with pytest.raises(InputError, match="different networks"):
        patch + Patch.between(digits_network(seed=5), network)


@pytest.mark.parametrize(
    ("layer", "array", "change", "words"),
    [
        ("dense_9", "kernel", np.ones((6, 3)), "unknown layer 'dense_9'.*dense_2"),
        ("dense_2", "kernel", np.ones((3, 6)), r"\(3, 6\).*kernel \(6, 3\), bias \(3,\)"),
        ("dense_2", "gain", np.ones(3), "gain .*does not fit layer 'dense_2'"),
        ("flatten_1", "kernel", np.ones(3), "weights are: none"),
        ("dense_2", "bias", np.array([np.nan, 1, 1]), "finite"),
    ],
)
def test_changes_that_do_not_fit_are_refused(network, layer, array, change, words):
    with pytest.raises(InputError, match=words):
        Patch.dense(network, {(layer, array): change})


@pytest.mark.parametrize(
    ("indices", "values", "words"),
    [
        ([0, 0], [1.0, 2.0], r"different and within 0\.\.17"),
        ([-1], [1.0], "within"),
        ([18], [1.0], "within"),
        ([0.5], [1.0], "whole indices"),
        ([1, 2], [1.0], "as many values"),
    ],
)
def test_deltas_that_cannot_be_are_refused(network, indices, values, words):
    with pytest.raises(InputError, match=words):
        Patch.sparse(network, {("dense_2", "kernel"): (indices, values)})


def test_deltas_are_sorted_and_without_zeros():
    delta = Delta(np.array([7, 2, 4]), np.array([1.0, 0.0, -2.0]), (2, 4))
    assert delta.indices.tolist() == [4, 7]
    assert delta.values.tolist() == [-2.0, 1.0]
    assert Delta.of(delta.dense).values.tolist() == [-2.0, 1.0]


def test_damaged_patch_files_are_refused(patch, tmp_path):
    path = tmp_path / "patch.npz"
    patch.save(path)
    arrays, whole = read_archive(path), path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(InputError, match=r"patch\.npz is not a readable"):
        Patch.load(path)
    write_archive(path, {"version": np.array(2), "base": arrays["base"]})
    with pytest.raises(InputError, match="no patch file of version 1"):
        Patch.load(path)
    write_archive(path, {k: v for k, v in arrays.items() if k != "dense_2/kernel/values"})
    with pytest.raises(InputError, match="lacks the values or the shape of 'dense_2/kernel'"):
        Patch.load(path)
