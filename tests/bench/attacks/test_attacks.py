import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bench.attacks import (
    FGSM,
    PGD,
    Brightness,
    DeepFool,
    GaussianBlur,
    GaussianNoise,
    NoAttack,
    unit_images,
)
from repair.errors import InputError
from repair.weights.network.layers import Activation, Conv, Dense, Flatten, MaxPool
from repair.weights.network.network import Network
from repair.weights.problem import Examples


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    return Network(
        [
            Conv("conv", rng.normal(size=(3, 3, 1, 4))),
            Activation("relu"),
            MaxPool("pool"),
            Flatten("flat"),
            Dense("dense", rng.normal(size=(36, 3))),
        ],
        input_shape=(8, 8, 1),
        scale="0..1",
    )


@pytest.fixture(scope="module")
def dense():
    """Quicker to compile."""
    rng = np.random.default_rng(0)
    layers = [
        Flatten("flat"),
        Dense("hidden", rng.normal(size=(64, 16)) / 2),
        Activation("tanh", "tanh"),
        Dense("dense", rng.normal(size=(16, 3))),
    ]
    return Network(layers, input_shape=(8, 8, 1), scale="0..1")


def examples(count, seed=1):
    rng = np.random.default_rng(seed)
    images = rng.integers(256, size=(count, 8, 8, 1), dtype=np.uint8)
    return Examples(images, rng.integers(3, size=count), "some")


@pytest.mark.parametrize("label", ["predicted", "true"])
def test_fgsm_is_one_signed_step_uphill_clipped(network, label):
    given = examples(7)
    attacked = FGSM(0.03, label=label, batch_size=4)(network, given)
    x = unit_images(given.images)
    wanted = network.predict(given.images) if label == "predicted" else given.labels

    def loss(image, y):  # image by image, by the definition
        return -jax.nn.log_softmax(network(image[None]))[0, y]

    gradients = np.stack(
        [jax.grad(loss)(jnp.asarray(i), int(y)) for i, y in zip(x, wanted, strict=True)]
    )
    clear = np.abs(gradients) > 1e-6
    expected = np.clip(x + np.float32(0.03) * np.sign(gradients), 0, 1)
    np.testing.assert_allclose(attacked.images[clear], expected[clear], atol=1e-7)
    assert np.abs(attacked.images - x).max() <= 0.03 + 1e-7
    assert attacked.images.min() >= 0
    assert attacked.images.max() <= 1
    np.testing.assert_array_equal(attacked.labels, given.labels)


def test_pooling_sends_the_gradient_to_the_first_of_equals():
    """As TensorFlow, PyTorch and Keras do; a shared gradient makes other adversarial images."""
    pool = Network([MaxPool("pool"), Flatten("flat")], input_shape=(2, 2, 1), scale="0..1")
    gradient = jax.grad(lambda x: pool(x).sum())(jnp.full((1, 2, 2, 1), 0.5))
    assert gradient.ravel().tolist() == [1, 0, 0, 0]


def test_no_attack_gives_the_very_same_examples(network):
    given = examples(2)
    assert NoAttack()(network, given) is given


def losses(network, images, labels):
    logits = jnp.asarray(network.logits(images))
    return -np.take_along_axis(np.asarray(jax.nn.log_softmax(logits)), labels[:, None], 1)[:, 0]


def distance(norm, attacked, images):
    delta = (attacked - unit_images(images)).reshape(len(images), -1)
    return np.abs(delta).max(1) if norm == "linf" else np.linalg.norm(delta, axis=1)


@pytest.mark.parametrize(
    ("norm", "epsilon", "seed"), [("linf", 0.05, None), ("linf", 0.05, 3), ("l2", 0.4, 3)]
)
def test_pgd_stays_in_ball_and_box_and_goes_further_uphill_than_fgsm(dense, norm, epsilon, seed):
    given = examples(40)
    pgd = PGD(epsilon, steps=10, norm=norm, label="true", seed=seed)(dense, given)
    fgsm = FGSM(epsilon, norm=norm, label="true")(dense, given)
    for attacked in (pgd.images, fgsm.images):
        assert distance(norm, attacked, given.images).max() <= epsilon + 1e-6
        assert attacked.min() >= 0
        assert attacked.max() <= 1
    before, one, many = (
        losses(dense, images, given.labels) for images in (given.images, fgsm.images, pgd.images)
    )
    assert (many >= before).mean() > 0.9
    assert many.mean() > one.mean() > before.mean()


def test_the_batch_does_not_decide_where_pgd_starts(dense):
    given = examples(11)
    at_once, in_parts, again, other = (
        PGD(0.05, steps=1, seed=seed, batch_size=size)(dense, given).images
        for seed, size in ((0, 11), (0, 4), (0, 11), (1, 11))
    )
    np.testing.assert_allclose(at_once, in_parts, atol=1e-6)
    np.testing.assert_array_equal(at_once, again)
    assert np.abs(at_once - other).max() > 0.01


def test_random_starts_fill_the_ball():
    flat = Network(
        [Flatten("f"), Dense("d", np.zeros((2, 2)))], input_shape=(1, 2, 1), scale="0..1"
    )
    grey = Examples(np.full((4000, 1, 2, 1), 0.5, np.float32), np.zeros(4000, int))
    start = (
        PGD(0.4, steps=1, norm="l2")(flat, grey).images.reshape(-1, 2) - 0.5
    )  # no gradient: no step
    radius = np.linalg.norm(start, axis=1) / 0.4
    assert radius.max() <= 1 + 1e-6
    np.testing.assert_allclose(
        np.quantile(radius, [0.25, 0.5, 0.75]), np.sqrt([0.25, 0.5, 0.75]), atol=0.03
    )
    assert np.abs(start.mean(0)).max() < 0.01


def nearest_face(kernel, images, answers):
    """Distance to the nearest other class of a linear network, by the definition."""
    logits = images @ kernel
    gaps = np.take_along_axis(logits, answers[:, None], 1) - logits
    differences = kernel.T[answers][:, None] - kernel.T[None]
    lengths = np.linalg.norm(differences, axis=2)
    away = np.where(gaps > 0, gaps, np.inf) / np.where(lengths > 0, lengths, 1)
    return away.min(1)


def test_deepfool_finds_the_nearest_face_of_a_linear_network():
    kernel = np.random.default_rng(0).normal(size=(16, 4)).astype(np.float32)
    linear = Network([Flatten("flat"), Dense("dense", kernel)], input_shape=(4, 4, 1), scale="0..1")
    images = np.random.default_rng(1).uniform(0.3, 0.7, (30, 4, 4, 1)).astype(np.float32)
    given = Examples(images, linear.predict(images))
    attacked = DeepFool(overshoot=0.0)(linear, given).images
    expected = nearest_face(kernel, images.reshape(30, -1), given.labels)
    free = (attacked > 0).all((1, 2, 3)) & (attacked < 1).all((1, 2, 3))
    assert free.mean() > 0.5  # elsewhere the box is in the way
    np.testing.assert_allclose(distance("l2", attacked, images)[free], expected[free], atol=2e-3)
    moved = DeepFool(overshoot=0.02)(linear, given).images
    assert (linear.predict(moved) != given.labels).mean() > 0.95


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_deepfool_changes_the_answers_by_little_and_leaves_wrong_ones_alone(dense, norm):
    given = examples(30)
    right = np.arange(30) < 20
    answers = dense.predict(given.images)
    given = Examples(given.images, np.where(right, answers, (answers + 1) % 3))
    attacked = DeepFool(label="true", norm=norm)(dense, given).images
    np.testing.assert_array_equal(attacked[~right], unit_images(given.images)[~right])
    assert (dense.predict(attacked)[right] != given.labels[right]).mean() > 0.8
    assert distance(norm, attacked, given.images).mean() < {"l2": 1.5, "linf": 0.4}[norm]


def test_noise_blur_and_brightness(network):
    grey = Examples(np.full((20, 8, 8, 1), 0.5, np.float32), np.zeros(20, int))
    noisy, same, other = (GaussianNoise(0.1, seed)(network, grey).images for seed in (0, 0, 1))
    np.testing.assert_array_equal(noisy, same)
    assert not np.array_equal(noisy, other)
    assert noisy.std() == pytest.approx(0.1, rel=0.1)
    assert noisy.mean() == pytest.approx(0.5, abs=0.01)

    dot = np.zeros((1, 8, 8, 1), np.uint8)
    dot[0, 4, 4, 0] = 255
    blurred = GaussianBlur(1.0)(network, Examples(dot, [0])).images
    assert blurred.sum() == pytest.approx(1, abs=1e-3)
    assert blurred[0, 4, 5, 0] / blurred[0, 4, 4, 0] == pytest.approx(np.exp(-0.5), rel=1e-3)
    np.testing.assert_allclose(GaussianBlur(1.0)(network, grey).images, 0.5, rtol=1e-6)

    np.testing.assert_allclose(Brightness(0.2)(network, grey).images, 0.7, rtol=1e-6)
    assert Brightness(0.8)(network, grey).images.max() == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FGSM(0.1, label="other"), "predicted, true"),
        (lambda: PGD(0.1, norm="l1"), "l2, linf"),
        (lambda: PGD(0.1, steps=0), "PGD: steps is 0; expected at least 1"),
        (lambda: FGSM(-0.1), "FGSM: epsilon is -0.1"),
        (lambda: DeepFool(overshoot=-1), "overshoot"),
        (lambda: GaussianNoise(-1), "sigma"),
        (lambda: GaussianBlur(-1), "sigma"),
        (lambda: Brightness(2), "delta"),
    ],
)
def test_settings_out_of_range_are_one_message(make, message):
    with pytest.raises(InputError, match=message):
        make()
