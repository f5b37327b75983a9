"""Oracles for intermediate layers: what a layer's neurons should do for a class.

NNrepair (Usman et al., CAV 2021, arXiv 2103.12535) takes them from Gopinath et al., "Property Inference for Deep
Neural Networks" (ASE 2019, arXiv 1904.13215): a decision tree over the on/off states of a layer's neurons, learned from
inputs and the network's answers to them. The path to a leaf is a pattern: neurons that are on or off together.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Int64, Shaped

from repair.errors import InputError


@dataclass(frozen=True, eq=False)
class Pattern:
    """On/off states of some neurons that stand for a class.

    Attributes:
        neurons: (p,) ascending indices of neurons.
        on: (p,) whether the neuron is on, which is a pre-activation above 0; off is one of at most 0.
        support: how many training inputs of the class have the pattern.
        precision: the share of the class among all training inputs that have the pattern.
    """

    neurons: Int64[np.ndarray, " p"]
    on: Bool[np.ndarray, " p"]
    support: int
    precision: float

    def met(self, states: Bool[np.ndarray, "N neurons"]) -> Bool[np.ndarray, " N"]:
        """Which of the states (N, neurons) have the pattern."""
        return (states[:, self.neurons] == self.on).all(axis=1)


def infer_patterns(
    states: Bool[np.ndarray, "N neurons"],
    answers: Int[np.ndarray, " N"],
    *,
    seed: int,
    max_depth: int | None = None,
) -> dict[int, Pattern]:
    """For each class the pattern of the leaf that holds most of it, by decision-tree learning.

    Gopinath, Converse, Păsăreanu and Taly, "Property Inference for Deep Neural Networks" (ASE 2019, arXiv 1904.13215).

    Args:
        states: (N, neurons) on or off, for inputs that the network classifies right.
        answers: (N,) the classes of these inputs.
        seed: of the tree's choice among equal splits.
        max_depth: the longest pattern; None grows the tree until its leaves are pure.

    Returns:
        Class -> pattern, for classes that are the majority of some leaf.

    Raises:
        InputError: no inputs.
    """
    if not len(answers):
        raise InputError(
            "a pattern is inferred from inputs that are classified right; there are none."
        )
    # As long to import as JAX (it brings scipy.stats): only for those who repair an intermediate layer.
    from sklearn.tree import DecisionTreeClassifier

    learner = DecisionTreeClassifier(random_state=seed, max_depth=max_depth)
    learner.fit(states.astype(np.float32), answers)
    tree = learner.tree_
    counts = tree.value[:, 0, :] * tree.weighted_n_node_samples[:, None]
    leaves = np.flatnonzero(tree.children_left == -1)
    majority = counts[leaves].argmax(1)
    paths = _paths(tree.children_left, tree.children_right)
    patterns = {}
    for index, label in enumerate(learner.classes_):
        of_class = leaves[majority == index]
        if not len(of_class):
            continue
        leaf = int(of_class[counts[of_class, index].argmax()])
        steps = sorted((int(tree.feature[node]), on) for node, on in paths(leaf))
        support = counts[leaf, index]
        patterns[int(label)] = Pattern(
            np.array([neuron for neuron, _ in steps], dtype=np.int64),
            np.array([on for _, on in steps], dtype=bool),
            round(float(support)),
            float(support / counts[leaf].sum()),
        )
    return patterns


def _paths(
    left: Shaped[np.ndarray, " nodes"], right: Shaped[np.ndarray, " nodes"]
) -> Callable[[int], list[tuple[int, bool]]]:
    """The function from a leaf to its path: (node, whether the neuron is on there), from the root."""
    parent = np.full(len(left), -1)
    inner = np.flatnonzero(left != -1)
    parent[left[inner]] = parent[right[inner]] = inner

    def path(leaf: int) -> list[tuple[int, bool]]:
        steps, node = [], leaf
        while parent[node] != -1:
            above = int(parent[node])
            steps.append((above, bool(right[above] == node)))  # right: the state is above 0.5
            node = above
        return steps[::-1]

    return path
