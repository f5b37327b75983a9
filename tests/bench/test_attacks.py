import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bench.attacks import FGSM, NoAttack, Square, unit_images
from repair.errors import InputError
from repair.layers import Activation, Conv, Dense, Flatten, MaxPool
from repair.network import Network
from repair.problem import Examples


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


def examples(count, seed=1):
    rng = np.random.default_rng(seed)
    images = rng.integers(256, size=(count, 8, 8, 1), dtype=np.uint8)
    return Examples(images, rng.integers(3, size=count), "some")


def test_a_square_changes_its_pixels_and_nothing_else(network):
    given = examples(5)
    stamped = Square(row=2, column=4, size=3, value=250)(network, given).images
    inside = np.zeros((8, 8), bool)
    inside[2:5, 4:7] = True
    assert (stamped[:, inside] == 250).all()
    np.testing.assert_array_equal(stamped[:, ~inside], given.images[:, ~inside])
    assert stamped.dtype == np.uint8


def test_a_square_is_the_same_on_pixels_and_on_unit_images():
    images, square = examples(3).images, Square(row=0, column=0, value=250)
    np.testing.assert_array_equal(
        unit_images(square.stamp(images)), square.stamp(unit_images(images))
    )


@pytest.mark.parametrize("place", [{"row": 6, "column": 0}, {"row": -1, "column": 0}])
def test_a_square_outside_the_image_is_refused(network, place):
    with pytest.raises(InputError, match="does not fit"):
        Square(**place)(network, examples(1))


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


def test_unknown_label_source_lists_the_known(network):
    with pytest.raises(InputError, match="predicted, true"):
        FGSM(0.1, label="other")(network, examples(1))
