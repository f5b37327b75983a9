"""A network and images of one's own: repaired by the command, and what comes out used without this package."""

import os
import sys
from dataclasses import replace

os.environ["KERAS_BACKEND"] = "jax"

import hydra
import jax
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from bench import __main__ as command
from bench import shipped
from bench.attacks import NoAttack, Square
from bench.config import register
from bench.datasets import dataset as data
from bench.datasets.custom import CustomData
from bench.records import store
from bench.runs.specification import specify
from bench.scenarios import Scenario, with_data
from repair.errors import InputError
from repair.weights import formats
from repair.weights.network.layers import Activation, Dense, Flatten
from repair.weights.network.network import Network

HIDDEN = 24
MINIMAL = (
    "method/loss=hinge",
    "method.loss.target_margins=[0.5]",
    "method.strengths=[0.01]",
    "method.loss.sample_weights=[1.0]",
)


def digits():
    """Images with labels, and the same with a square."""
    train = data.load("digits")
    images, labels = train.train_images[:600], train.train_labels[:600]
    return images, labels, Square(row=6, column=6, size=2).stamp(images)


def archive(folder, **arrays):
    path = folder / "mine.npz"
    np.savez(path, **arrays)
    return path


def fitted():
    """A random hidden layer and a last one by least squares: (64, 24), (24,), (24, 10), (10,)."""
    images, labels, _ = digits()
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(64, HIDDEN)) / 4
    bias = rng.normal(size=HIDDEN) / 4
    hidden = np.maximum(images.reshape(len(images), -1) / 255 @ kernel + bias, 0)
    last = np.linalg.lstsq(np.pad(hidden, ((0, 0), (0, 1)), constant_values=1), np.eye(10)[labels])
    weights = [kernel, bias, last[0][:-1], last[0][-1]]
    return [np.asarray(array, np.float32) for array in weights]


def keras_file(folder):
    """A model that Keras made and saved, with layers that our own files would not have."""
    keras = pytest.importorskip("keras", reason="Keras made the network of this test")
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="picture"),
            layers.Flatten(name="flat"),
            layers.Dense(HIDDEN, activation="relu", name="hidden"),
            layers.Dropout(0.2, name="drop"),
            layers.Dense(10, activation="softmax", name="out"),
        ]
    )
    model.set_weights(fitted())
    path = folder / "model.h5"
    model.save(path)

    def predict(path, images):
        with jax.numpy_dtype_promotion("standard"):
            return np.asarray(keras.models.load_model(path)(images, training=False))

    return path, predict


def onnx_file(folder):
    """A graph as PyTorch exports one: NCHW images, Gemm with a transposed kernel, tensors of its names."""
    kernel, bias, last, end = fitted()
    values = {"fc1.weight": kernel.T, "fc1.bias": bias, "fc2.weight": last.T, "fc2.bias": end}
    nodes = [
        helper.make_node("Flatten", ["input"], ["/Flatten_output_0"], "/Flatten"),
        helper.make_node(
            "Gemm", ["/Flatten_output_0", "fc1.weight", "fc1.bias"], ["h"], "/fc1/Gemm", transB=1
        ),
        helper.make_node("Relu", ["h"], ["r"], "/Relu"),
        helper.make_node(
            "Gemm", ["r", "fc2.weight", "fc2.bias"], ["output"], "/fc2/Gemm", transB=1
        ),
    ]
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("input", 1, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("output", 1, ["batch", 10])],
        [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in values.items()],
    )
    path = folder / "model.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )

    def predict(path, images):
        session = onnxruntime.InferenceSession(path)
        return session.run(["output"], {"input": images.transpose(0, 3, 1, 2)})[0]

    return path, predict


@pytest.fixture
def bench(monkeypatch, capfd, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        given = ["bench", "+experiment=custom", "wandb.mode=disabled", *arguments]
        monkeypatch.setattr(sys, "argv", given)
        return command.main(), capfd.readouterr().err

    return call


@pytest.mark.parametrize(("make", "last"), [(keras_file, "out"), (onnx_file, "fc2")])
def test_a_file_of_other_software_is_repaired_for_that_software(bench, tmp_path, make, last):
    path, predict = make(tmp_path)
    images, labels, triggered = digits()
    mine = archive(tmp_path, images=images, labels=labels, defect_images=triggered)
    code, err = bench(f"network={path}", "scale=0..1", f"data={mine}", *MINIMAL)
    assert code == 0, err
    (stored,) = store.contents(tmp_path / "results/runs").runs
    repaired = stored.folder / f"repaired{path.suffix}"

    unit = triggered.astype(np.float32) / 255
    before, theirs = predict(path, unit), predict(repaired, unit)
    ours = formats.load(repaired).logits(triggered)
    second, first = np.sort(ours, 1)[:, -2:].T
    clear = first - second > 1e-3  # a repaired test may lie on the boundary itself
    assert clear.mean() > 0.98
    np.testing.assert_array_equal(theirs.argmax(1)[clear], ours.argmax(1)[clear])
    powers = np.exp(ours) / np.exp(ours).sum(1, keepdims=True)
    np.testing.assert_allclose(theirs, powers if make is keras_file else ours, atol=1e-4)
    assert (theirs.argmax(1) == labels).mean() > (before.argmax(1) == labels).mean() + 0.05

    # The patch alone, by NumPy alone, as the docstring of repair.weights.patch says: no file of ours is read otherwise.
    kernel, bias, out, end = fitted()
    weights = {last: {"kernel": out, "bias": end}}
    patch = np.load(stored.folder / "patch.npz", allow_pickle=False)
    for key in patch.files:
        if key.endswith("/indices"):
            layer, array, _ = key.rsplit("/", 2)
            changed = weights[layer][array].astype(np.float64)
            changed.ravel()[patch[key]] += patch[f"{layer}/{array}/values"]
            weights[layer][array] = changed.astype(np.float32)
    hidden = np.maximum(unit.reshape(len(unit), -1) @ kernel + bias, 0)
    by_hand = hidden @ weights[last]["kernel"] + weights[last]["bias"]
    np.testing.assert_allclose(by_hand, ours, atol=1e-4)


def test_a_keras_file_keeps_what_is_not_a_weight(tmp_path):
    path, _ = keras_file(tmp_path)
    keras = pytest.importorskip("keras")
    network = formats.load(path, "0..1")
    changed = network.replace("out", bias=np.arange(10))
    formats.save_like(changed, path, tmp_path / "repaired.h5")
    model = keras.models.load_model(tmp_path / "repaired.h5")
    assert [layer.name for layer in model.layers] == ["flat", "hidden", "drop", "out"]
    np.testing.assert_array_equal(model.get_weights()[-1], np.arange(10))
    np.testing.assert_array_equal(model.get_weights()[0], fitted()[0])


def test_a_bias_that_the_keras_file_has_no_place_for(tmp_path):
    keras = pytest.importorskip("keras")
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(10, use_bias=False, name="out"),
        ]
    )
    model.save(tmp_path / "model.h5")
    network = formats.load(tmp_path / "model.h5", "0..1").replace("out", bias=np.arange(10))
    formats.save_like(network, tmp_path / "model.h5", tmp_path / "repaired.h5")
    again = keras.models.load_model(tmp_path / "repaired.h5")
    np.testing.assert_array_equal(again.get_layer("out").bias, np.arange(10))


def no_network(dataset, attack, seed):
    """These tests are of images; a trigger asks no network."""


def scenario(path, seed=0, repair=None, validation=None, attack=None):
    plain = Scenario("custom", None, no_network, attack or NoAttack(), repair, validation, seed)
    return with_data(plain, str(path))


def places(part, whole):
    """Where each image of a part is in the whole, by its content."""
    index = {image.tobytes(): place for place, image in enumerate(whole)}
    return [index[image.tobytes()] for image in part.images]


def different(count):
    """As many images, no two of them alike, with labels, and their twins."""
    images = np.random.default_rng(count).integers(0, 200, (count, 8, 8, 1), np.uint8)
    return images, np.arange(count) % 10, images + np.uint8(50)


def test_no_image_nor_its_twin_is_in_two_sets(tmp_path):
    images, labels, twins = different(80)
    mine = scenario(archive(tmp_path, images=images, labels=labels, defect_images=twins))
    sets = mine.sets()
    repair = places(sets.repair_clean, images)
    validation = places(sets.validation_clean, images)
    test = places(mine.clean_test, images)
    assert sorted(repair + validation + test) == list(range(80))
    assert (len(repair), len(validation), len(test)) == (40, 20, 20)
    assert places(sets.repair_defect, twins) == repair
    assert places(sets.validation_defect, twins) == validation
    assert places(mine.defect_test, twins) == test


def test_copies_of_twins_are_moved_alike(tmp_path):
    images, labels, _ = different(20)
    plain = scenario(archive(tmp_path, images=images, labels=labels, defect_images=images))
    sets = replace(plain, mirrored_images=True, augmented_copies=2).sets()
    assert len(sets.repair_clean) == 60
    np.testing.assert_array_equal(sets.repair_clean.images, sets.repair_defect.images)
    np.testing.assert_array_equal(sets.repair_clean.images[:10], plain.sets().repair_clean.images)
    assert len(sets.validation_clean) == len(plain.sets().validation_clean)


def test_test_images_of_the_archive_are_measured_on_alone(tmp_path):
    images, labels, twins = different(40)
    more, more_labels, more_twins = different(12)
    arrays = {"images": images, "labels": labels, "defect_images": twins}
    arrays |= {"test_images": more, "test_labels": more_labels, "defect_test_images": more_twins}
    mine = scenario(archive(tmp_path, **arrays))
    np.testing.assert_array_equal(mine.clean_test.images, more)
    np.testing.assert_array_equal(mine.defect_test.images, more_twins)
    assert len(mine.sets().repair_clean) + len(mine.sets().validation_clean) == 40


def test_other_defect_images_than_twins_are_split_on_their_own(tmp_path):
    images, labels, twins = different(80)
    arrays = {"defect_images": twins[:20], "defect_labels": labels[:20]}
    mine = scenario(archive(tmp_path, images=images, labels=labels, **arrays))
    assert (len(mine.sets().repair_clean), len(mine.sets().repair_defect)) == (40, 10)
    assert len(mine.defect_test) == 5


def test_the_attack_makes_the_defect_where_the_archive_has_none(tmp_path):
    images, labels, _ = different(40)
    square = Square(row=0, column=0)
    mine = scenario(archive(tmp_path, images=images, labels=labels), attack=square)
    sets = mine.sets()
    np.testing.assert_array_equal(sets.repair_defect.images, square.stamp(sets.repair_clean.images))
    with_defect = archive(tmp_path, images=images, labels=labels, defect_images=images)
    assert isinstance(scenario(with_defect, attack=square).attack, NoAttack)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"image": 8}, "unknown array in .*mine.npz 'image'. Did you mean 'images'"),
        ({"images": 8}, "holds images, but no labels"),
        ({"labels": 8}, "holds labels, but no images"),
        ({"images": 8, "labels": 7}, r"labels have shape \(7,\); expected \(8,\)"),
        ({"images": 8, "labels": 8, "defect_images": 7}, "no defect_labels"),
        ({"images": 8, "labels": 8, "defect_test_images": 8}, "holds defect_test_images, but no"),
        (
            {"images": 8, "labels": 8, "defect_images": 8, "test_images": 3, "test_labels": 3},
            "both or neither",
        ),
        ({}, "at least the arrays images and labels"),
    ],
)
def test_an_archive_that_will_not_do_is_one_message(tmp_path, arrays, message):
    made = {
        name: np.zeros(count, np.int64) if "labels" in name else different(count)[0]
        for name, count in arrays.items()
    }
    with pytest.raises(InputError, match=message):
        CustomData.read(archive(tmp_path, **made))


def test_what_is_missing_is_asked_for(bench, tmp_path):
    images, labels, _ = different(40)
    mine = archive(tmp_path, images=images, labels=labels)
    path, _ = onnx_file(tmp_path)
    assert "Give data=FILE" in bench()[1]
    assert "Give network=FILE" in bench(f"data={mine}")[1]
    assert "give the scale" in bench(f"data={mine}", f"network={path}")[1]
    more = bench(f"data={mine}", f"network={path}", "scale=0..1", "repair_images=40")
    assert more[0] == 2
    assert "repair_images=40 and validation_images=null of the 40 images" in more[1]


def test_a_run_is_another_one_when_a_file_has_another_content(tmp_path):
    register()
    images, labels, _ = different(40)

    def folder(**arrays):
        given = [f"data={archive(tmp_path, **arrays)}", f"network={network}", "+experiment=custom"]
        with hydra.initialize_config_dir(str(shipped("configs").absolute()), version_base="1.3"):
            return specify(hydra.compose("config", given)).folder

    network = tmp_path / "any.npz"
    network.write_bytes(b"one")
    first, again = (folder(images=images, labels=labels) for _ in range(2))
    assert first == again
    assert folder(images=images, labels=labels[::-1]) != first
    network.write_bytes(b"another")
    assert folder(images=images, labels=labels) != first


def test_an_npz_network_is_written_like_any_other(tmp_path):
    kernel, bias, last, end = fitted()
    layers = [Flatten("flat"), Dense("a", kernel, bias), Activation("r"), Dense("b", last, end)]
    network = Network(layers, input_shape=(8, 8, 1), scale="0..1")
    formats.save(network, tmp_path / "network.npz")
    changed = network.replace("b", bias=np.ones(10))
    formats.save_like(changed, tmp_path / "network.npz", tmp_path / "repaired.npz")
    assert formats.load(tmp_path / "repaired.npz").fingerprint() == changed.fingerprint()
    with pytest.raises(InputError, match="cannot stand in for"):
        formats.save_like(changed, tmp_path / "network.npz", tmp_path / "repaired.onnx")
