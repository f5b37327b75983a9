"""Rows of a repair program: what must hold, as linear functions of the deltas of chosen weights."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, vstack

from repair.weights.programs.maxsat import Rows


def class_margins(
    activations: np.ndarray,
    labels: np.ndarray,
    logits: np.ndarray,
    inputs: np.ndarray,
    outputs: np.ndarray,
) -> Rows:
    """Rows y_label > y_other for each test and each other class, at the last layer.

    Args:
        activations: (N, in) entering the layer.
        labels: (N,) true classes.
        logits: (N, classes) before the repair, float64.
        inputs, outputs: (v,) the free weights: kernel[inputs[i], outputs[i]].

    Returns:
        N * (classes - 1) rows over v deltas, test by test: matrix @ deltas > side.
    """
    n, classes = logits.shape
    test = np.repeat(np.arange(n), classes - 1)
    other = np.tile(np.arange(classes - 1), n)
    other += other >= labels[test]  # all classes but the label
    label = labels[test]
    sign = (outputs == label[:, None]).astype(np.float64) - (outputs == other[:, None])
    matrix = csr_array(sign * activations[:, inputs][test])
    return Rows(matrix, logits[test, other] - logits[test, label])


def neuron_signs(
    activations: np.ndarray,
    before: np.ndarray,
    neurons: np.ndarray,
    on: np.ndarray,
    inputs: np.ndarray,
    outputs: np.ndarray,
) -> Rows:
    """Rows "neuron on: pre-activation > 0; off: < 0" for each test and each neuron.

    Args:
        activations: (N, in) entering the layer.
        before: (N, out) pre-activations before the repair, float64.
        neurons, on: (p,) the pattern.
        inputs, outputs: (v,) the free weights: kernel[inputs[i], outputs[i]].

    Returns:
        N * p rows over v deltas, test by test: matrix @ deltas > side.
    """
    n, p = len(activations), len(neurons)
    sign = np.where(on, 1.0, -1.0)
    place, weight = np.nonzero(
        neurons[:, None] == outputs
    )  # a row holds its own neuron's weights only
    entries = sign[place] * activations[:, inputs[weight]].astype(np.float64)
    rows = np.arange(n)[:, None] * p + place
    columns = np.broadcast_to(weight, rows.shape)
    matrix = csr_array(
        (entries.ravel(), (rows.ravel(), columns.ravel())), shape=(n * p, len(inputs))
    )
    return Rows(matrix, -(sign * before[:, neurons]).ravel())


def stacked(parts: Sequence[Rows]) -> Rows:
    """Rows over the same deltas, one below the other."""
    return Rows(
        csr_array(vstack([csr_array(rows.matrix) for rows in parts], format="csr")),
        np.concatenate([rows.side for rows in parts]),
    )
