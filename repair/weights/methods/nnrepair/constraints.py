"""Rows of a repair program: what must hold, as linear functions of the deltas of the free weights."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array, vstack

from repair.weights.programs.maxsat import LinearConstraints


def class_margins(
    activations: Float[np.ndarray, "N in"],
    labels: Int[np.ndarray, " N"],
    logits: Float[np.ndarray, "N classes"],
    inputs: Int[np.ndarray, " v"],
    outputs: Int[np.ndarray, " v"],
) -> LinearConstraints:
    """Rows y_label > y_other for each test and each other class, at the last layer.

    Usman et al., "NNrepair" (CAV 2021, arXiv 2103.12535), section 3: last-layer repair.

    Args:
        activations: (N, in) entering the layer.
        labels: (N,) true classes.
        logits: (N, classes) before the repair, float64.
        inputs: (v,) the free weights are kernel[inputs[i], outputs[i]].
        outputs: (v,) likewise.

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
    return LinearConstraints(matrix, logits[test, other] - logits[test, label])


def neuron_signs(
    activations: Float[np.ndarray, "N in"],
    before: Float[np.ndarray, "N out"],
    neurons: Int[np.ndarray, " p"],
    on: Bool[np.ndarray, " p"],
    inputs: Int[np.ndarray, " v"],
    outputs: Int[np.ndarray, " v"],
) -> LinearConstraints:
    """Rows "neuron on: pre-activation > 0; off: < 0" for each test and each neuron.

    Usman et al., "NNrepair" (CAV 2021, arXiv 2103.12535), section 3: intermediate-layer repair.

    Args:
        activations: (N, in) entering the layer.
        before: (N, out) pre-activations before the repair, float64.
        neurons: (p,) indices of the pattern's neurons.
        on: (p,) whether the pattern has the neuron on.
        inputs: (v,) the free weights are kernel[inputs[i], outputs[i]].
        outputs: (v,) likewise.

    Returns:
        N * p rows over v deltas, test by test: matrix @ deltas > side.
    """
    n, p = len(activations), len(neurons)
    sign = np.where(on, 1.0, -1.0)
    # A row holds its own neuron's weights only.
    row, weight = np.nonzero(neurons[:, None] == outputs)
    entries = sign[row] * activations[:, inputs[weight]].astype(np.float64)
    rows = np.arange(n)[:, None] * p + row
    columns = np.broadcast_to(weight, rows.shape)
    matrix = csr_array(
        (entries.ravel(), (rows.ravel(), columns.ravel())), shape=(n * p, len(inputs))
    )
    return LinearConstraints(matrix, -(sign * before[:, neurons]).ravel())


def stacked(parts: Sequence[LinearConstraints]) -> LinearConstraints:
    """Rows over the same deltas, one below the other."""
    return LinearConstraints(
        csr_array(vstack([csr_array(rows.matrix) for rows in parts], format="csr")),
        np.concatenate([rows.side for rows in parts]),
    )
