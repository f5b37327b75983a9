"""What can be wrong with training data: a backdoor, wrong labels, too few images."""

import numpy as np

from bench.attacks import Attack, Trigger
from repair.errors import InputError
from repair.weights.problem import Examples

# Streams of a seed, so that the examples with wrong labels and those held out are not those that are poisoned.
WRONG, HELD_OUT = 1, 2


def poison(examples: Examples, attack: Attack, rate: float, classes: int, seed: int) -> Examples:
    """Training data of which a share carries the attack's trigger and the labels that go with it.

    Args:
        examples: the clean training data.
        attack: a `Trigger`; any other attack leaves the data as it is.
        rate: the share of the examples that is poisoned, 0..1; for clean labels, of the target's examples.
        classes: the number of classes.
        seed: the seed of the choice.
    """
    _share("the rate of poisoning", rate)
    if not isinstance(attack, Trigger):
        return examples
    order = np.random.default_rng(seed).permutation(len(examples))
    goals = attack.goals(examples.labels, classes)
    if attack.labels == "clean_label":  # only where the label is the goal already
        order = order[examples.labels[order] == goals[order]]
    chosen = order[: round(rate * len(order))]
    images, labels = examples.images.copy(), examples.labels.copy()
    images[chosen] = attack.stamp(images[chosen])
    labels[chosen] = goals[chosen]
    return Examples(images, labels, f"{examples.name}, poisoned")


def mislabel(examples: Examples, rate: float, classes: int, seed: int) -> Examples:
    """Training data of which a share has a wrong label, any other class alike.

    Symmetric label noise, as of Patrini, Rozza, Menon, Nock and Qu, arXiv 1609.03683, section 5.

    Args:
        examples: the training data with true labels.
        rate: the share of the examples that get a wrong one, 0..1.
        classes: the number of classes.
        seed: the seed of the choice.
    """
    _share("the rate of wrong labels", rate)
    rng = np.random.default_rng([seed, WRONG])
    chosen = rng.permutation(len(examples))[: round(rate * len(examples))]
    labels = examples.labels.copy()
    labels[chosen] = (labels[chosen] + rng.integers(1, classes, size=len(chosen))) % classes
    return Examples(examples.images, labels, f"{examples.name}, mislabelled")


def few(examples: Examples, count: int | None, seed: int) -> Examples:
    """`count` of the examples, drawn by seed; all of them for None."""
    return examples if count is None else examples.subset(count, seed)


def _share(what: str, rate: float) -> None:
    if not 0 <= rate <= 1:
        raise InputError(f"{what} is {rate}; expected a share 0..1.")
