import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair.errors import InputError
from repair.weights.methods.nnrepair.oracle import infer_patterns


def test_the_pattern_of_a_class_is_what_sets_it_apart():
    # class 1 exactly where neuron 2 is on and neuron 0 is off
    states = np.array(np.meshgrid(*[[False, True]] * 4)).reshape(4, -1).T
    answers = (states[:, 2] & ~states[:, 0]).astype(int)
    pattern = infer_patterns(states, answers, seed=0)[1]
    assert dict(zip(pattern.neurons.tolist(), pattern.on.tolist(), strict=True)) == {
        0: False,
        2: True,
    }
    assert (pattern.support, pattern.precision) == (4, 1.0)
    np.testing.assert_array_equal(pattern.met(states), answers.astype(bool))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 6))
def test_support_and_precision_are_what_counting_says(seed, classes, neurons):
    rng = np.random.default_rng(seed)
    states = rng.random((60, neurons)) < 0.5
    answers = rng.integers(classes, size=60)
    patterns = infer_patterns(states, answers, seed=0)
    assert patterns  # each leaf has a majority
    for label, pattern in patterns.items():
        met = pattern.met(states)
        assert (answers[met] == label).sum() == pattern.support
        assert pattern.precision == pytest.approx((answers[met] == label).mean())
        assert len(set(pattern.neurons.tolist())) == len(pattern.neurons)


def test_a_depth_limits_the_length_of_a_pattern():
    rng = np.random.default_rng(1)
    states, answers = rng.random((500, 12)) < 0.5, rng.integers(3, size=500)
    patterns = infer_patterns(states, answers, seed=0, max_depth=4)
    assert patterns
    assert max(len(pattern.neurons) for pattern in patterns.values()) <= 4


def test_no_inputs_is_refused():
    with pytest.raises(InputError, match="there are none"):
        infer_patterns(np.zeros((0, 3), bool), np.zeros(0, int), seed=0)
