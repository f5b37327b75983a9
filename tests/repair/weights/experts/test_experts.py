"""Experts: one stacked pass is the same as patching and running one by one."""

import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.archive import read_archive, write_archive
from repair.weights.experts.combinations import RULES, combine
from repair.weights.experts.experts import BATCH, Experts, mean_patch, patched_logits
from repair.weights.experts.file import load_experts, save_experts
from repair.weights.localization.localization import Entering
from repair.weights.network.layers import Activation, Conv, Dense, Flatten
from repair.weights.network.network import Network
from repair.weights.patch import Patch


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    return Network(
        [
            Conv("conv", rng.normal(size=(2, 2, 1, 3))),
            Flatten("flatten"),
            Dense("hidden", rng.normal(size=(27, 6)), rng.normal(size=6)),
            Activation("relu"),
            Dense("out", rng.normal(size=(6, 4)), rng.normal(size=4)),
        ],
        input_shape=(4, 4, 1),
        scale="0..1",
    )


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).random((37, 4, 4, 1)).astype(np.float32)


def patch_of(network, layer, seed, array="kernel"):
    shape = network.weights(layer)[array].shape
    return Patch.dense(network, {(layer, array): np.random.default_rng(seed).normal(size=shape)})


@pytest.fixture(scope="module")
def patches(network):
    """Of different layers and arrays; each leaves untouched what others change."""
    return [
        patch_of(network, "out", 1),
        patch_of(network, "hidden", 2),
        Patch(network.fingerprint()),
        patch_of(network, "hidden", 3, "bias") + patch_of(network, "out", 4),
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_pass_is_the_same_as_patching_one_by_one(network, images, patches, dtype):
    activations = network.activations(images, at="hidden")
    found = patched_logits(network, patches, activations, "hidden", dtype)
    assert found.dtype == dtype
    expected = np.stack([patch.apply(network).logits(images) for patch in patches])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_convolution_kernels_are_stacked_too(network, images):
    both = [patch_of(network, "conv", 5), Patch(network.fingerprint())]
    found = patched_logits(network, both, network.activations(images, at="conv"), "conv")
    expected = np.stack([patch.apply(network).logits(images) for patch in both])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("count", [0, 1, BATCH, BATCH + 1])
def test_any_number_of_inputs(network, patches, count):
    activations = np.random.default_rng(2).random((count, 27)).astype(np.float32)
    found = patched_logits(network, patches, activations, "hidden")
    assert found.shape == (len(patches), count, 4)
    if count:
        last = patched_logits(network, patches, activations[-1:], "hidden")
        np.testing.assert_allclose(found[:, -1:], last, rtol=1e-4, atol=1e-4)


def test_patches_that_cannot_be_run_from_there_are_refused(network, images, patches):
    activations = network.activations(images, at="out")
    with pytest.raises(InputError, match=r"'hidden', which lies before 'out'"):
        patched_logits(network, patches, activations, "out")
    other = network.replace("out", bias=np.ones(4))
    with pytest.raises(InputError, match="another network"):
        patched_logits(other, patches, network.activations(images, at="hidden"), "hidden")


def test_average_is_the_mean_of_the_experts_without_the_unrepaired_network(network):
    one, two = patch_of(network, "out", 1), patch_of(network, "out", 2)
    kernels = [np.asarray(p.apply(network).weights("out")["kernel"]) for p in (one, two)]
    mean = mean_patch(network, [one, two]).apply(network).weights("out")["kernel"]
    np.testing.assert_allclose(np.asarray(mean), np.mean(kernels, 0), rtol=1e-5)
    assert mean_patch(network, []).weights_changed == 0


def experts_of(network):
    found = {3: patch_of(network, "out", 3), 1: patch_of(network, "out", 1)}
    full = patch_of(network, "hidden", 9)
    return Experts(network, "hidden", found, {1: 0.5, 3: 0.75}, {"f1": (3,)}, full)


def test_answers_has_every_combination_and_each_is_right(network, images):
    experts = experts_of(network)
    found = experts.answers(images)
    assert tuple(found) == experts.names
    assert {"ORIG", "FULL", "AVERAGE", "AVERAGE@f1", "CONF@f1"} <= set(found)
    np.testing.assert_array_equal(found["ORIG"], network.predict(images))
    np.testing.assert_array_equal(found["FULL"], experts.full.apply(network).predict(images))
    alone = experts.patches[3].apply(network)
    np.testing.assert_array_equal(found["AVERAGE@f1"], alone.predict(images))
    outputs = np.stack([experts.patches[c].apply(network).logits(images) for c in (1, 3)])
    for suffix, kept in (("", (1, 3)), ("@f1", (3,))):
        expected = combine(network.logits(images), outputs, (1, 3), (0.5, 0.75), kept)
        for rule in RULES:
            np.testing.assert_array_equal(found[rule + suffix], expected[rule])


def test_without_experts_every_combination_is_the_unrepaired_network(network, images):
    found = Experts(network, "out", {}, {}, {"f1": ()}).answers(images)
    assert all(np.array_equal(answers, found["ORIG"]) for answers in found.values())


def test_precisions_and_selections_are_measured_on_the_given_data(network, images):
    """Labels are the network's own answers but for one class, which one expert puts right."""
    answers = network.predict(images)
    wrong = int(np.bincount(answers, minlength=4).argmax())
    labels = np.where(answers == wrong, (wrong + 1) % 4, answers).astype(np.int32)
    entering = Entering(network.activations(images, at="out"), labels, np.arange(len(labels)))
    silent, loud = np.zeros(4), np.zeros(4)
    silent[wrong], loud[wrong] = -1e3, 1e3
    biases = {"never": silent, "always": loud}
    experts = {name: Patch.dense(network, {("out", "bias"): b}) for name, b in biases.items()}
    for name, precision in (("never", 0.0), ("always", float((labels == wrong).mean()))):
        found = Experts.measured(network, "out", {wrong: experts[name]}, entering, entering)
        assert found.precisions[wrong] == pytest.approx(precision)
        assert found.selections == {"f1": (), "f1_harmonic": ()}
    right = (wrong + 1) % 4
    bias = np.zeros(4)
    bias[wrong] = -1e3  # what is not `wrong` is `right` or as it was, often enough
    found = Experts.measured(
        network, "out", {right: Patch.dense(network, {("out", "bias"): bias})}, entering, entering
    )
    after = found.patches[right].apply(network).predict(images)
    named, there = after == right, labels == right
    assert found.precisions[right] == pytest.approx((named & there).sum() / max(named.sum(), 1))
    before = answers == right
    better = _f1(named, there) > _f1(before, there)
    assert (found.selections["f1"] == (right,)) == better


def _f1(said, there):
    return 2 * (said & there).sum() / max(said.sum() + there.sum(), 1)


def test_experts_need_a_precision_each(network):
    with pytest.raises(InputError, match="a precision for each expert"):
        Experts(network, "out", {1: patch_of(network, "out", 1)}, {})
    with pytest.raises(InputError, match="classes from 0 to 3"):
        Experts(network, "out", {4: patch_of(network, "out", 1)}, {4: 1.0})


def test_a_file_comes_back_whole_with_equal_bytes_for_equal_experts(network, images, tmp_path):
    experts = experts_of(network)
    save_experts(experts, tmp_path / "one.npz")
    found = load_experts(tmp_path / "one.npz", network)
    save_experts(found, tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    assert (found.precisions, found.selections) == ({1: 0.5, 3: 0.75}, {"f1": (3,)})
    expected = experts.answers(images)
    for name, answers in found.answers(images).items():
        np.testing.assert_array_equal(answers, expected[name])


def test_files_that_hold_no_such_experts_are_refused(network, tmp_path):
    path = tmp_path / "experts.npz"
    save_experts(experts_of(network), path)
    with pytest.raises(InputError, match="another network"):
        load_experts(path, network.replace("out", bias=np.ones(4)))
    with pytest.raises(InputError, match="no patch file"):
        Patch.load(path)
    whole = read_archive(path)
    write_archive(path, {k: v for k, v in whole.items() if not k.startswith("expert/3/")})
    with pytest.raises(InputError, match=r"lacks the patch 'expert/3/'"):
        load_experts(path, network)
    patch_of(network, "out", 1).save(path)
    with pytest.raises(InputError, match="holds no experts"):
        load_experts(path, network)
