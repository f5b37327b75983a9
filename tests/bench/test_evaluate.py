"""What is measured of a repair, and the file of examples, on a trained digits network and a patch of its biases."""

import json

import numpy as np
import pytest

from bench.attacks import Square
from bench.evaluate import ORIGINAL, evaluate
from bench.records.gallery import SHOWN, Gallery
from bench.records.record import from_json, to_json
from bench.scenarios import Scenario, Trained
from repair.errors import InputError
from repair.weights.methods import Repair
from repair.weights.patch import Patch

TARGET = 7


@pytest.fixture(scope="module")
def measured():
    attack = Square(row=6, column=6, size=2, value=255, target=TARGET)
    scenario = Scenario("digits", "digits", Trained(epochs=8), attack, 100, 100, seed=0)
    problem = scenario.problem("last")
    bias = np.zeros(10)
    bias[TARGET] = -4.0
    patch = Patch.dense(problem.network, {(problem.layer, "bias"): bias})
    return scenario, problem, patch, evaluate(scenario, problem, Repair(patch=patch))


def test_confusion_and_flips_agree_with_each_other_and_with_the_accuracies(measured):
    scenario, _, _, found = measured
    assert found.chosen == "PATCH"
    for what, examples in (("clean", scenario.clean_test), ("defect", scenario.defect_test)):
        before, after = (found.confusion[f"{what}_{when}"] for when in ("before", "after"))
        for when, matrix in (("before", before), ("after", after)):
            assert matrix.sum(axis=1).tolist() == np.bincount(examples.labels).tolist()
            assert matrix.trace() == found.metrics[f"{what}_{when}"].correct
        # The margins of the flips are the answers of the two networks.
        assert found.flips[what].sum(axis=1).tolist() == before.sum(axis=0).tolist()
        assert found.flips[what].sum(axis=0).tolist() == after.sum(axis=0).tolist()
    # A lower bias of one class only ever takes answers away from it.
    flips = found.flips["defect"]
    assert flips[TARGET].sum() > flips[TARGET, TARGET]
    assert flips.sum() == flips.trace() + flips[TARGET].sum() - flips[TARGET, TARGET]


def test_a_record_keeps_matrices_a_line_for_each_row(measured, record_of):
    found = measured[3]
    record = record_of(details={"flips": found.flips, "text": "[\n 1,\n 2\n]"})
    text = to_json(record)
    rows = [line.strip(" ,") for line in text.splitlines()]
    assert all(str(row) in rows for row in found.flips["clean"].tolist())
    assert json.loads(text)["details"]["text"] == "[\n 1,\n 2\n]"
    assert from_json(text).details["flips"]["clean"] == found.flips["clean"].tolist()
    assert to_json(from_json(text)) == text


def test_the_examples_are_the_first_wrong_ones_with_their_answers(measured, tmp_path):
    scenario, problem, patch, found = measured
    answers = problem.network.predict(scenario.defect_test.images)
    wrong = np.flatnonzero(answers != scenario.defect_test.labels)[:SHOWN]
    shown = found.gallery
    assert (shown.before == answers[wrong]).all()
    assert (shown.clean == scenario.clean_test.images[wrong]).all()
    repaired = patch.apply(problem.network)
    assert (shown.after == repaired.predict(shown.attacked)).all()
    shown.save(tmp_path / "a.npz")
    Gallery.load(tmp_path / "a.npz").save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    patch.save(tmp_path / "patch.npz")
    with pytest.raises(InputError, match="expected after, attacked"):
        Gallery.load(tmp_path / "patch.npz")


def test_a_repair_of_nothing_is_the_original(measured):
    scenario, problem, *_ = measured
    found = evaluate(scenario, problem, Repair(status="infeasible", reason="tried"))
    assert found.chosen == ORIGINAL
    flips = found.flips["clean"]
    assert flips.sum() == flips.trace() == len(scenario.clean_test)
    assert found.metrics["mcnemar_defect_p"] == 1.0
