import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.localization.localization import ActivationDifference, Entering, highest
from repair.weights.network.layers import Activation, Conv, Dense, Flatten
from repair.weights.network.network import Network


def entering(values):
    values = np.asarray(values, np.float32)
    return Entering(values, np.zeros(len(values), np.int32), np.arange(len(values)))


def dense(kernel):
    return Network([Dense("only", kernel)], input_shape=(len(kernel),), scale="0..1")


def test_the_input_that_differs_and_the_weight_that_carries_it_are_to_blame():
    network = dense([[1.0, -4.0], [2.0, 1.0], [3.0, 0.5]])
    failing, passing = entering([[5, 1, 0], [7, 1, 0]]), entering([[1, 1, 2]])
    scores = ActivationDifference()(network, "only", failing, passing)
    # mean differences 5, 0 and -2, times |weight|
    np.testing.assert_allclose(scores, [[5, 20], [0, 0], [6, 1]])


def test_scores_do_not_depend_on_the_order_of_the_tests():
    rng = np.random.default_rng(0)
    network = dense(rng.normal(size=(6, 3)))
    failing, passing = rng.normal(size=(5, 6)), rng.normal(size=(9, 6))
    forward = ActivationDifference()(network, "only", entering(failing), entering(passing))
    backward = ActivationDifference()(
        network, "only", entering(failing[::-1]), entering(passing[::-1])
    )
    np.testing.assert_allclose(forward, backward, rtol=1e-5)


def test_without_failing_tests_there_is_nothing_to_blame():
    with pytest.raises(InputError, match="got 0 and 1"):
        ActivationDifference()(
            dense([[1.0]]), "only", entering(np.zeros((0, 1))), entering([[1.0]])
        )


def test_a_convolution_is_refused_by_name():
    layers = [Conv("conv", np.ones((1, 1, 1, 1))), Activation("relu"), Flatten("flat")]
    network = Network(layers, input_shape=(1, 1, 1), scale="0..1")
    some = entering(np.zeros((1, 1, 1, 1)))
    with pytest.raises(InputError, match="'conv'"):
        ActivationDifference()(network, "conv", some, some)


def test_highest_takes_the_largest_and_of_equals_the_first():
    assert highest(np.array([1.0, 3.0, 2.0, 3.0, 3.0]), 2, "x").tolist() == [1, 3]


@pytest.mark.parametrize("count", [0, 6])
def test_more_weights_than_there_are_is_one_clear_message(count):
    with pytest.raises(InputError, match="choose k from 1 to 5"):
        highest(np.zeros(5), count, "layer 'dense_2', class 3")
