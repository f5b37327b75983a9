"""What the repaired network should answer: what the unrepaired one says where it is right.

Self-distillation with softened answers (Hinton, Vinyals, Dean, "Distilling the knowledge in a neural network", arXiv
1503.02531): an input with the defect is taught the answer to its clean twin, so that its margins become those that
the network has anyway, not larger ones for which more weights would have to change.
"""

import numpy as np
from scipy.special import softmax

from repair.weights.problem import Problem


def teachers(problem: Problem, logits: np.ndarray, temperature: float) -> np.ndarray:
    """(N, classes) float64 distributions, one for each of the problem's tests.

    A test that the network gets right is taught its own answer, one with a clean twin its twin's; where that one is
    wrong, the mean answer to clean tests of the class that are right.

    Args:
        problem: whose tests they are.
        logits: (N, classes) of the unrepaired network at the tests.
        temperature: by which logits are divided.
    """
    labels = problem.tests.labels
    answers = softmax(logits / temperature, axis=1)
    right = logits.argmax(1) == labels
    clean = problem.is_clean
    taught = np.where(right[:, None], answers, _class_means(answers, labels, clean & right)[labels])
    if problem.paired and not clean.all():
        own, twin = np.flatnonzero(~clean), np.flatnonzero(clean)
        same = labels[own] == labels[twin]
        taught[own[same]] = taught[twin[same]]
    return taught


def _class_means(answers: np.ndarray, labels: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(classes, classes) mean answer to the chosen tests of each class; certainty where there are none."""
    means = np.eye(answers.shape[1])
    for label in np.unique(labels[chosen]):
        means[label] = answers[chosen & (labels == label)].mean(0)
    return means
