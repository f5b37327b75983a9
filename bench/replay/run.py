"""The replay itself: published repairs run on rebuilt sets, compared row by row with the tables."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from bench.datasets import networks
from bench.replay import solutions, tables
from bench.replay.results import Replay, ReplayedRow
from bench.replay.sets import ORIGINS, examples
from bench.replay.solutions import PublishedSolution, silenced
from bench.replay.tables import Counts, Key, PublishedTable
from repair.errors import unknown
from repair.weights.experts.combinations import Detection, combine
from repair.weights.experts.experts import mean_patch, patched_logits
from repair.weights.network.network import Network
from repair.weights.patch import Patch

SETS: Mapping[str, tuple[str, ...]] = {
    "test": ("clean_test", "defect_test"),
    "all": ("clean_test", "defect_test", "train", "defect_train"),
}
# Where the artifact took the precisions of all intermediate experiments of poisoned MNIST from.
BORROWED = Key("poison_mnist", "last", "ExpA", "train", "all")

NO_FULL = "no solution for all classes together is published; the row repeats ORIG"
OVERFLOW = (
    "fractions of over 308 digits are infinity over infinity in doubles, NaN; with a ReLU that makes"
    " neurons with a NaN weight 0 the row is equal: the artifact ran so"
)
OTHER_PRECISIONS = (
    "with the precisions of the last layer's ExpA the row is equal: the artifact took those"
)
NO_EXPERTS = (
    "no expert was selected: the artifact's mean of no weights is NaN, for which it names class 0;"
    " here the unrepaired network answers"
)
ROUNDING = (
    "the attacked images are not published, and the platform's rounding decides the signs of"
    " gradients near zero: a few images come out otherwise"
)
OTHER_MEAN = (
    "the artifact averaged other solutions than it published: its AVERAGE rows of ExpB and ExpC are the"
    " same in all four sets, though six of their ten solutions differ; no mean over a subset of"
    " the published ones gives them"
)
# Images of 10,000 that another rounding of the attack puts into another class, at most.
ROUNDED = 7


def replay(
    which: str = "test",
    *,
    scenarios: tuple[str, ...] = tuple(ORIGINS),
    around: Callable[[str], AbstractContextManager[None]] = lambda what: nullcontext(),
) -> Replay:
    """Every published row of NNrepair (arXiv 2103.12535) that can be rebuilt, with ours.

    Features are computed in float32, the repaired layers and those after them in float64, as the
    artifact's Java did. The precisions that PREC and PVC need are the published ones of the
    experts' training set; which="all" counts those again too.

    Args:
        which: "test" for the test sets, "all" for the training sets besides.
        scenarios: names of `bench.replay.sets.ORIGINS`.
        around: a context that is entered around each set of images, given what is done: for progress.

    Raises:
        InputError: an unknown choice of sets or scenario, or missing data.
    """
    if which not in SETS:
        raise unknown("choice of sets", which, SETS)
    rows: list[ReplayedRow] = []
    for scenario in scenarios:
        if scenario not in ORIGINS:
            raise unknown("scenario", scenario, ORIGINS)
        network = networks.load(ORIGINS[scenario].network)
        for name in SETS[which]:
            if any(key.of(scenario, name) for key in tables.published()):
                with around(f"{scenario}: {name}"):
                    rows += _set_of_images(network, scenario, name)
    return Replay(tuple(rows))


def _set_of_images(network: Network, scenario: str, which: str) -> list[ReplayedRow]:
    published = [t for t in tables.published().values() if t.key.of(scenario, which)]
    repairs = solutions.published(scenario)
    at = min({s.layer for by in repairs.values() for s in by.values()}, key=network.position)
    images = examples(scenario, which, network)
    activations = network.activations(images.images, at=at)
    rows: list[ReplayedRow] = []
    for (layer, exp), by_class in repairs.items():
        group = [t for t in published if (t.key.layer, t.key.exp) == (layer, exp)]
        rows += _experiment(network, at, activations, images.labels, by_class, group)
    return rows


def _experiment(
    network: Network,
    at: str,
    activations: np.ndarray,
    labels: np.ndarray,
    repairs: Mapping[int, PublishedSolution],
    group: list[PublishedTable],
) -> Iterator[ReplayedRow]:
    exact = Answers.of(network, at, activations, repairs, group)
    as_run = None
    if any(len(solution.overflowed) for solution in repairs.values()):
        as_run = Answers.of(network, at, activations, repairs, group, in_doubles=True)
    for table in group:
        key = table.key
        precisions = tables.published()[
            Key(key.scenario, key.layer, key.exp, "train", "all")
        ].precisions
        ours = exact.counts(labels, table, precisions)
        causes: dict[str, Mapping[str, Counts]] = {}
        if as_run is not None:
            causes[OVERFLOW] = as_run.counts(labels, table, precisions)
        if (key.scenario, key.layer) == (BORROWED.scenario, "intermediate"):
            borrowed = tables.published()[BORROWED].precisions
            causes[OTHER_PRECISIONS] = exact.counts(labels, table, borrowed)
        if not table.experts:
            zeros = int((labels == 0).sum())
            causes[NO_EXPERTS] = {**ours, "AVERAGE": (zeros, len(labels) - zeros)}
        for row, counts in table.rows.items():
            if row == "FULL":
                yield ReplayedRow(
                    key, row, counts, None, NO_FULL if counts == table.rows["ORIG"] else ""
                )
                continue
            replayed = ReplayedRow(key, row, counts, ours[row])
            equal = [cause for cause, other in causes.items() if other[row] == counts]
            yield replace(replayed, reason=_reason(replayed, equal))


def _reason(row: ReplayedRow, exact: list[str]) -> str:
    """Why a row is not equal; `exact` are the causes with which it is."""
    if row.status == "equal" or row.difference is None:
        return ""
    if exact:
        return "; ".join(exact)
    key = row.key
    if key.scenario != "adversarial_cifar":
        return ""
    # It differs on plain images too, so rounding does not explain it.
    if row.row == "AVERAGE":
        return OTHER_MEAN
    attacked = key.set in ("defect_test", "defect_train")
    return ROUNDING if attacked and row.difference <= ROUNDED else ""


@dataclass(frozen=True)
class Answers:
    """What networks answer to a set of N images.

    Attributes:
        original: (N, C) logits of the unrepaired network.
        experts: (E, N, C) logits of the experts.
        classes: the class of each expert.
        averages: (N,) answers of the mean of experts, by the classes of these experts.
    """

    original: np.ndarray
    experts: np.ndarray
    classes: tuple[int, ...]
    averages: Mapping[tuple[int, ...], np.ndarray]

    @classmethod
    def of(
        cls,
        network: Network,
        at: str,
        activations: np.ndarray,
        repairs: Mapping[int, PublishedSolution],
        group: list[PublishedTable],
        *,
        in_doubles: bool = False,
    ) -> Self:
        """Everything that a group of tables needs in one pass, from activations entering `at`.

        Args:
            network: the unrepaired network.
            at: the layer that the activations enter.
            activations: (N, ...) the activations of the images.
            repairs: the published solution of each class.
            group: the tables.
            in_doubles: whether the neurons are silenced that overflow in doubles.
        """
        classes = tuple(sorted(repairs))
        kept = tuple({table.experts for table in group})
        exact = {c: repairs[c].patch(network) for c in classes}

        def patch(of: tuple[int, ...]) -> Patch:
            mean = mean_patch(network, [exact[c] for c in of])
            if not in_doubles:
                return mean
            neurons = np.concatenate([repairs[c].overflowed for c in of])
            return mean + silenced(network, repairs[of[0]].layer, neurons)

        alone = [patch((c,)) for c in classes]
        patches = [Patch(network.fingerprint()), *alone, *map(patch, kept)]
        logits = patched_logits(network, patches, activations, at, "float64")
        original, experts, averages = np.split(logits, [1, 1 + len(classes)])
        means = averages.argmax(-1).astype(np.int32)
        return cls(original[0], experts, classes, dict(zip(kept, means, strict=True)))

    def counts(
        self, labels: np.ndarray, table: PublishedTable, precisions: Mapping[int, float]
    ) -> dict[str, Counts]:
        """The rows of a table, counted here."""
        answers = combine(
            self.original,
            self.experts,
            self.classes,
            [precisions[c] for c in self.classes],
            table.experts,
        )
        answers["AVERAGE"] = self.averages[table.experts]
        right = {name: int((answer == labels).sum()) for name, answer in answers.items()}
        rows: dict[str, Counts] = {name: (n, len(labels) - n) for name, n in right.items()}
        alone = self.experts.argmax(-1)
        before = Detection.of(answers["ORIG"], labels, range(self.original.shape[1]))
        after = Detection.of(alone, labels, self.classes)
        for index, label in enumerate(self.classes):
            correct = int((alone[index] == labels).sum())
            rows[f"L{label}"] = (correct, len(labels) - correct, *after.counts(index))
        rows |= {f"ORIG_L{c}": before.counts(c) for c in range(self.original.shape[1])}
        return rows
