"""The fixed-formulation test: put deltas into the network, and the rows say what it computes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair.weights.methods.nnrepair.constraints import class_margins, neuron_signs, stacked


def drawn(seed, tests=4, width=5, outputs=3, free=6):
    rng = np.random.default_rng(seed)
    kernel, bias = rng.normal(size=(width, outputs)), rng.normal(size=outputs)
    activations = rng.normal(size=(tests, width))
    places = np.sort(rng.choice(kernel.size, free, replace=False))
    deltas = rng.normal(size=free)
    patched = kernel.copy()
    patched.ravel()[places] += deltas
    labels = rng.integers(outputs, size=tests)
    return activations, labels, kernel, bias, patched, *np.divmod(places, outputs), deltas


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_class_margins_are_the_patched_networks(seed):
    x, labels, kernel, bias, patched, inputs, outputs, deltas = drawn(seed)
    rows = class_margins(x, labels, x @ kernel + bias, inputs, outputs)
    logits = x @ patched + bias
    expected = [
        logits[test, labels[test]] - logits[test, other]
        for test in range(len(x))
        for other in range(kernel.shape[1])
        if other != labels[test]
    ]
    np.testing.assert_allclose(rows.matrix @ deltas - rows.side, expected, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_neuron_signs_are_the_patched_networks(seed):
    x, _, kernel, bias, patched, inputs, outputs, deltas = drawn(seed)
    neurons, on = np.array([0, 2]), np.array([True, False])
    rows = neuron_signs(x, x @ kernel + bias, neurons, on, inputs, outputs)
    expected = (x @ patched + bias)[:, neurons] * np.where(on, 1, -1)
    np.testing.assert_allclose(rows.matrix @ deltas - rows.side, expected.ravel(), atol=1e-12)


def test_rows_of_classes_stand_below_each_other():
    x, labels, kernel, bias, _, inputs, outputs, deltas = drawn(3)
    whole = class_margins(x, labels, x @ kernel + bias, inputs, outputs)
    parts = [
        class_margins(x[half], labels[half], x[half] @ kernel + bias, inputs, outputs)
        for half in (slice(0, 2), slice(2, 4))
    ]
    both = stacked(parts)
    assert both.matrix @ deltas == pytest.approx(whole.matrix @ deltas)
    assert both.side == pytest.approx(whole.side)
