"""Training: what it depends on, what stops it, and that it is the same on one device and on four."""

import subprocess
import sys

import numpy as np
import pytest

from bench import training
from bench.datasets import dataset as data
from bench.training import MLP, Training
from repair.errors import InputError
from repair.weights.problem import Examples

MANY_DEVICES = """
import os, sys
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=" + sys.argv[1]
import jax, numpy as np
from bench.training import Training, train
from bench.training.sequential import SequentialBuilder
from repair.weights.network.network import Network
from repair.weights.problem import Examples

def small(keys, shape, classes):
    network = SequentialBuilder(keys, shape).conv("conv", 4, padding="same")
    network.batch_norm("norm").relu("relu").flatten("flat")
    return Network(network.dense("dense", classes).layers, input_shape=shape, scale="0..1")

assert jax.device_count() == int(sys.argv[1])
rng = np.random.default_rng(0)
labels = rng.integers(3, size=96)
images = (rng.integers(0, 60, (96, 8, 8, 1)) + 60 * labels[:, None, None, None]).astype(np.uint8)
settings = Training(epochs=2, batch_size=16, optimizer="sgd", learning_rate=0.05)
network = train(settings, small, Examples(images, labels), 3, seed=0)
np.save(sys.argv[2], np.concatenate([np.ravel(a) for l in network.layers for a in l.arrays().values()]))
"""


@pytest.fixture(scope="module")
def digits():
    train = data.load("digits")
    return Examples(train.train_images[:512], train.train_labels[:512], "digits")


def fit(examples, seed=0, architecture=None, **settings):
    return training.train(Training(**settings), architecture or MLP((16,)), examples, 10, seed)


def right(network, examples):
    return (network.predict(examples.images) == examples.labels).mean()


def test_a_network_learns_and_is_a_function_of_the_seed(digits):
    first, again, other = (fit(digits, seed, epochs=15, learning_rate=0.01) for seed in (0, 0, 1))
    assert right(first, digits) > 0.9
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()


def test_bfloat16_computes_in_less_and_keeps_weights_in_float32(digits):
    full, half = (
        fit(digits, epochs=15, learning_rate=0.01, precision=p) for p in ("float32", "bfloat16")
    )
    assert half.weights("dense_1")["kernel"].dtype == np.float32
    assert full.fingerprint() != half.fingerprint()
    assert right(half, digits) > right(full, digits) - 0.05


def test_the_weights_of_the_best_epoch_are_kept_and_training_stops(digits):
    noise = Examples(digits.images, np.random.default_rng(0).integers(10, size=512), "noise")
    settings = {"held_out": 0.25, "learning_rate": 0.02}
    stopped = fit(noise, epochs=40, patience=3, **settings)
    best = [fit(noise, epochs=epochs, **settings).fingerprint() for epochs in (40, 2)]
    # Nothing can be learned: the held-out loss is least at once, however long the training.
    assert stopped.fingerprint() == best[0] == best[1]


def test_decay_makes_kernels_small_and_cosine_ends_slowly(digits):
    def size(**settings):
        network = fit(digits, epochs=6, optimizer="sgd", learning_rate=0.05, **settings)
        return np.linalg.norm(network.weights("dense_1")["kernel"])

    plain = size()
    assert size(weight_decay=0.2) < 0.8 * plain
    assert size(schedule="cosine") != plain


def test_augmented_images_are_moved_ones_of_the_same_kind():
    import jax

    from bench.training.augment import flipped_and_cropped

    images = np.zeros((64, 12, 12, 1), np.float32)
    images[:, 6, 5] = 1
    moved = np.asarray(flipped_and_cropped(jax.random.key(0), images))
    _, rows, columns, _ = np.nonzero(moved)
    assert len(rows) == 64  # one pixel each, nowhere lost
    assert set(rows) == set(range(2, 11))
    assert set(columns) == set(range(1, 11))  # 5 and its mirror 6, by up to 4 either way


def test_one_device_and_four_train_the_same_network(tmp_path):
    paths = {devices: tmp_path / f"{devices}.npy" for devices in ("1", "4")}
    started = [
        subprocess.Popen([sys.executable, "-c", MANY_DEVICES, devices, str(path)])
        for devices, path in paths.items()
    ]
    assert [process.wait() for process in started] == [0, 0]
    one, four = (np.load(path) for path in paths.values())
    np.testing.assert_allclose(one, four, rtol=1e-3, atol=1e-4)
    assert np.abs(one).max() > 0.1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"optimizer": "adamm"}, "Did you mean 'adam'"),
        ({"precision": "float16"}, "bfloat16, float32"),
        ({"schedule": "step"}, "constant, cosine"),
        ({"epochs": 0}, "epochs is 0; expected at least 1"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"held_out": 1.0}, "held_out is 1.0"),
        ({"patience": 3}, "patience is 3; expected at least 1, with held_out above 0"),
        ({"batch_size": 513}, "512 training images do not fill one batch of 513"),
    ],
)
def test_settings_that_will_not_do_are_one_message(digits, settings, message):
    with pytest.raises(InputError, match=message):
        fit(digits, **settings)
