"""Soft targets: what the repaired network should answer is what the unrepaired one says where it is right.

Self-distillation with softened answers (Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", arXiv
1503.02531), the network being its own teacher: the target of an input with the defect is the answer to the clean input
that it is paired with, so that its margins become those that the network has anyway, not larger ones for which more
weights would have to change.
"""

import numpy as np
from scipy.special import softmax

from repair.weights.problem import Problem


def soft_targets(problem: Problem, logits: np.ndarray, temperature: float) -> np.ndarray:
    """Soft targets of the problem's tests.

    The target of a test that the network gets right is its own answer, that of one that is paired with a clean test
    the clean test's target; where the network is wrong, the mean answer to clean tests of the class that are right.

    Args:
        problem: whose tests they are.
        logits: (N, classes) of the unrepaired network at the tests.
        temperature: by which logits are divided.

    Returns:
        (N, classes) float64, a distribution for each test.
    """
    labels = problem.tests.labels
    answers = softmax(logits / temperature, axis=1)
    right = logits.argmax(1) == labels
    clean = problem.is_clean
    means = _class_means(answers, labels, clean & right)
    targets = np.where(right[:, None], answers, means[labels])
    if problem.paired and not clean.all():
        defective, pairs = np.flatnonzero(~clean), np.flatnonzero(clean)
        same = labels[defective] == labels[pairs]
        targets[defective[same]] = targets[pairs[same]]
    return targets


def _class_means(answers: np.ndarray, labels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(classes, classes) mean answer to the chosen tests of each class; certainty where there are none."""
    means = np.eye(answers.shape[1])
    for label in np.unique(labels[chosen]):
        means[label] = answers[chosen & (labels == label)].mean(0)
    return means
