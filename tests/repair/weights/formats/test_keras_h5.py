"""Keras files: Keras itself is the oracle, in both directions."""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import h5py
import jax
import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.formats import load, save

keras = pytest.importorskip("keras", reason="Keras is the oracle of these tests")
layers = keras.layers


def run(model, x):
    # Keras itself counts on JAX's ordinary promotion of types.
    with jax.numpy_dtype_promotion("standard"):
        return np.asarray(jax.jit(lambda x: model(x, training=False))(x))


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def randomised(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights(
        [rng.uniform(0.1, 1, value.shape) - 0.4 * (value.ndim > 1) for value in model.get_weights()]
    )
    return model


@pytest.fixture(scope="module")
def sequential():
    """A Keras model of every supported kind of layer."""
    return randomised(
        keras.Sequential(
            [
                keras.Input((12, 10, 3)),
                layers.ZeroPadding2D(((1, 0), (2, 1)), name="pad"),
                layers.Conv2D(8, 3, strides=(1, 2), padding="same", use_bias=False, name="wide"),
                layers.BatchNormalization(epsilon=0.01, scale=False, name="normal"),
                layers.Activation("tanh", name="squash"),
                layers.AveragePooling2D(2, strides=1, padding="same", name="mean"),
                layers.Conv2D(4, (2, 3), activation="relu", name="deep"),
                layers.MaxPooling2D(3, strides=2, padding="same", name="max"),
                layers.Dropout(0.5, name="drop"),
                layers.Flatten(name="flat"),
                layers.Dense(5, name="hidden"),
                layers.ReLU(name="on"),
                layers.Dense(3, activation="softmax", name="out"),
            ]
        )
    )


def written(model, path: Path) -> Path:
    model.save(path)
    return path


@pytest.fixture
def keras_file(sequential, tmp_path, recwarn):
    return written(sequential, tmp_path / "keras.h5")


def test_a_keras_file_gives_the_same_outputs(sequential, keras_file):
    x = np.random.default_rng(1).random((6, 12, 10, 3), dtype=np.float32)
    network = load(keras_file, "0..1")
    assert network.softmax
    assert network.names == (
        "pad",
        "wide",
        "normal",
        "squash",
        "mean",
        "deep",
        "deep_relu",
        "max",
        "flat",
        "hidden",
        "on",
        "out",
    )
    np.testing.assert_allclose(softmax(network.logits(x)), run(sequential, x), atol=1e-5)


def test_a_functional_chain_and_a_global_pool(tmp_path, recwarn):
    entry = keras.Input((9, 9, 2))
    z = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="sigmoid", name="c")(entry))
    model = randomised(keras.Model(entry, layers.Dense(3, name="out")(z)))
    x = np.random.default_rng(2).random((4, 9, 9, 2), dtype=np.float32)
    network = load(written(model, tmp_path / "model.h5"), "0..1")
    assert not network.softmax
    np.testing.assert_allclose(network.logits(x), run(model, x), atol=1e-5)


def test_what_we_write_keras_runs(every_kind, unit_images, tmp_path):
    save(every_kind, tmp_path / "ours.h5")
    model = keras.models.load_model(tmp_path / "ours.h5", compile=False)
    x = unit_images(3, 5, every_kind)
    np.testing.assert_allclose(run(model, x), every_kind.logits(x), atol=1e-5)
    assert load(tmp_path / "ours.h5").fingerprint() == every_kind.fingerprint()


def test_a_patched_keras_file_keeps_scale_names_and_softmax(digits_network, tmp_path, unit_images):
    network = digits_network(scale="0..255", softmax=True).replace("dense_2", bias=np.ones(3))
    save(network, tmp_path / "patched.h5")
    model = keras.models.load_model(tmp_path / "patched.h5", compile=False)
    x = unit_images(4, 5, network)
    seen_by_keras = run(model, np.float32(255) * x)
    np.testing.assert_allclose(seen_by_keras, softmax(network.logits(x)), atol=1e-5)
    again = load(tmp_path / "patched.h5")
    assert (again.scale, again.softmax, again.names) == ("0..255", True, network.names)
    with pytest.raises(InputError, match=r"scale is '0\.\.255', but '0\.\.1' was given"):
        load(tmp_path / "patched.h5", "0..1")


def test_a_foreign_file_needs_the_scale(keras_file):
    with pytest.raises(InputError, match=r"keras\.h5.*give the scale"):
        load(keras_file)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ([layers.Lambda(lambda x: x, name="code")], ["1 'code' (Lambda)", "runs code", "Conv2D"]),
        (
            [layers.Flatten(), layers.Reshape((4, 4), name="r")],
            ["2 'r' (Reshape) is not supported"],
        ),
        ([layers.Conv2D(2, 2, dilation_rate=2, name="c")], ["'c' (Conv2D)", "dilation_rate"]),
        ([layers.Conv2D(2, 2, activation="gelu", name="g")], ["'g' (Conv2D)", "'gelu'", "relu"]),
        (
            [layers.Conv2D(4, 1), layers.BatchNormalization(axis=1, name="b"), layers.Flatten()],
            ["'b'", "axis [1]", "3"],
        ),
        ([layers.ReLU(6.0, name="six")], ["'six' (ReLU)", "max_value=6.0"]),
        ([layers.Softmax(name="s"), layers.Flatten()], ["softmax before its last layer"]),
    ],
    ids=lambda value: value[0] if isinstance(value[0], str) else "",
)
def test_unsupported_layers_are_named(model, words, tmp_path, recwarn):
    made = keras.Sequential([keras.Input((4, 4, 1)), *model])
    with pytest.raises(InputError) as error:
        load(written(made, tmp_path / "model.h5"), "0..1")
    assert all(word in str(error.value) for word in words), error.value


def test_branches_are_refused(tmp_path, recwarn):
    entry = keras.Input((4,))
    one, two = layers.Dense(4, name="one")(entry), layers.Dense(4, name="two")(entry)
    model = keras.Model(entry, layers.Add(name="sum")([one, two]))
    with pytest.raises(InputError, match=r"layer 'two' \(Dense\) takes .*ordered stack"):
        load(written(model, tmp_path / "model.h5"), "0..1")


def test_damaged_files_are_refused_with_a_reason(keras_file, tmp_path):
    whole = keras_file.read_bytes()
    for size in (0, 100, len(whole) // 2):
        (tmp_path / "cut.h5").write_bytes(whole[:size])
        with pytest.raises(InputError, match=r"cut\.h5 is not a readable HDF5 file"):
            load(tmp_path / "cut.h5", "0..1")
    with pytest.raises(InputError, match="no network file"):
        load(tmp_path / "nothing.h5", "0..1")
    (tmp_path / "model.pkl").write_bytes(whole)
    with pytest.raises(InputError, match=r"unknown network file format '\.pkl'.*\.h5"):
        load(tmp_path / "model.pkl", "0..1")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: f.attrs.pop("model_config"), "holds no model_config"),
        (lambda f: f.attrs.modify("model_config", "{"), "malformed model_config"),
        (lambda f: f.attrs.modify("model_config", "[1]"), "malformed model_config"),
        (lambda f: f["model_weights"].pop("out"), "has no arrays in the file"),
        (
            lambda f: f["model_weights/out"].attrs.create("weight_names", np.array([], "S1")),
            "lacks the arrays kernel",
        ),
    ],
)
def test_files_with_parts_missing_are_refused(keras_file, spoil, words):
    with h5py.File(keras_file, "r+") as file:
        spoil(file)
    with pytest.raises(InputError, match=words):
        load(keras_file, "0..1")


def test_weights_that_are_not_finite_are_refused(keras_file):
    with h5py.File(keras_file, "r+") as file:
        group = file["model_weights/hidden"]
        group[group.attrs["weight_names"][0]][0, 0] = np.nan
    with pytest.raises(InputError, match=r"kernel of layer 'hidden' holds 1 of"):
        load(keras_file, "0..1")


def test_weights_of_another_shape_than_the_stack_are_refused(keras_file):
    with h5py.File(keras_file, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][0]["config"]["batch_shape"] = [None, 12, 10, 4]
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(InputError, match=r"layer 'wide' \(conv\).*\(height, width, 3\)"):
        load(keras_file, "0..1")
