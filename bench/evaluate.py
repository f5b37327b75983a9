"""Measures a repair: every combination on test data, the choice among them on validation data alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.attacks import Trigger
from bench.mcnemar import mcnemar
from bench.records.gallery import Gallery
from bench.records.record import ORIGINAL, Accuracy, Combination, before_and_after
from bench.scenarios import Scenario
from repair.weights.methods import Repair
from repair.weights.problem import Examples, Problem

Answers = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Evaluation:
    """What a repair reaches.

    Attributes:
        combinations: the accuracies of each combination on the clean and on the defect test set, by its name; ORIG is
            the unrepaired network.
        validation: the same on the validation sets.
        chosen: the name that is best on validation data; of equals the first, ORIG being the first of all.
        metrics: the metrics of the record, of the chosen combination.
        confusion: (K, K) counts on test data, true class by answer, from "clean_before" to "defect_after".
        flips: (K, K) counts on test data, answer before by answer after, of "clean" and "defect".
        gallery: attacked test images with their answers.
    """

    combinations: Mapping[str, Combination]
    validation: Mapping[str, Combination]
    chosen: str
    metrics: Mapping[str, Any]
    confusion: Mapping[str, np.ndarray]
    flips: Mapping[str, np.ndarray]
    gallery: Gallery


def evaluate(scenario: Scenario, problem: Problem, repair: Repair) -> Evaluation:
    """Runs the unrepaired and the repaired network over validation and test sets, once each.

    The choice takes the largest sum of clean and defect accuracy on validation data; leaving the network as it is
    (ORIG) is one of the choices.
    """
    validation = _combinations(
        problem.validation_clean,
        problem.validation_defect,
        *_answers(problem, repair, problem.validation_clean, problem.validation_defect),
    )
    chosen = max(
        validation,
        key=lambda name: validation[name].clean.accuracy + validation[name].defect.accuracy,
    )
    clean, defect = scenario.clean_test, scenario.defect_test
    on_clean, on_defect = _answers(problem, repair, clean, defect)
    test = _combinations(clean, defect, on_clean, on_defect)
    before, after = test[ORIGINAL], test[chosen]
    was_correct = on_clean[ORIGINAL] == clean.labels
    negative_flips = int((was_correct & (on_clean[chosen] != clean.labels)).sum())
    on_repair = _with_original(problem, repair, problem.repair_defect)[chosen]
    efficacy = Accuracy.of(on_repair == problem.repair_defect.labels).accuracy
    further: dict[str, Any] = {"negative_flips": negative_flips, "efficacy": efficacy}
    confusion, flips = {}, {}
    classes = problem.network.classes
    for what, examples, on in (("clean", clean, on_clean), ("defect", defect, on_defect)):
        correct = [on[name] == examples.labels for name in (ORIGINAL, chosen)]
        further[f"mcnemar_{what}_p"] = mcnemar(*correct)
        for when, name in (("before", ORIGINAL), ("after", chosen)):
            confusion[f"{what}_{when}"] = _counts(examples.labels, on[name], classes)
        flips[what] = _counts(on[ORIGINAL], on[chosen], classes)
    if isinstance(scenario.attack, Trigger):
        goals = scenario.attack.goals(defect.labels, problem.network.classes)
        others = goals != defect.labels
        for when, name in (("before", ORIGINAL), ("after", chosen)):
            reached = (on_defect[name] == goals)[others]
            further[f"attack_success_{when}"] = float(reached.mean())
    metrics = before_and_after(before.clean, after.clean, before.defect, after.defect, **further)
    gallery = Gallery.of(clean, defect, on_defect[ORIGINAL], on_defect[chosen])
    return Evaluation(test, validation, chosen, metrics, confusion, flips, gallery)


def _counts(rows: np.ndarray, columns: np.ndarray, classes: int) -> np.ndarray:
    # As scikit-learn's confusion_matrix, whose import takes each process of a sweep seconds.
    inside = (rows >= 0) & (rows < classes) & (columns >= 0) & (columns < classes)
    cells = classes * rows[inside].astype(np.int64) + columns[inside]
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def _answers(
    problem: Problem, repair: Repair, clean: Examples, defect: Examples
) -> tuple[Answers, Answers]:
    on_clean = _with_original(problem, repair, clean)
    return on_clean, on_clean if defect is clean else _with_original(problem, repair, defect)


def _with_original(problem: Problem, repair: Repair, examples: Examples) -> Answers:
    answers = repair.answers(problem, examples.images)
    if ORIGINAL in answers:
        return answers
    return {ORIGINAL: problem.network.predict(examples.images), **answers}


def _combinations(
    clean: Examples, defect: Examples, on_clean: Answers, on_defect: Answers
) -> dict[str, Combination]:
    return {
        name: Combination(
            Accuracy.of(on_clean[name] == clean.labels),
            Accuracy.of(on_defect[name] == defect.labels),
        )
        for name in on_clean
    }
