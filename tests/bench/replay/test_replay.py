"""The replay: reading the published solutions, and the published counts themselves."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from bench.datasets import networks
from bench.replay import Replay, ReplayedRow, replay, solutions, tables
from bench.replay.run import BORROWED, Answers
from bench.replay.sets import ORIGINS, TRIGGERED, examples
from bench.replay.solutions import silenced, solution_of
from bench.replay.tables import Key, PublishedTable
from repair.errors import InputError
from repair.weights.experts.combinations import Detection, selected

MODEL = """sat\r
(model \r
  (define-fun sym3_11 () Real\r
    (- (/ 1.0 4.0)))\r
  (define-fun y5_1 () Bool\r
    true)\r
  (define-fun sym0_2 () Real\r
    (/ 2.0 3.0))\r
  (define-fun sym7_0 () Real 0.5)\r
)"""


def test_a_model_is_read_exactly_with_either_line_end():
    expected = {"sym3_11": Fraction(-1, 4), "sym0_2": Fraction(2, 3), "sym7_0": Fraction(1, 2)}
    assert solutions.read_model(MODEL) == expected
    assert solutions.read_model(MODEL.replace("\r", "")) == expected


def test_names_of_an_intermediate_layer_are_output_and_input_those_of_the_last_inputs():
    found = solution_of(MODEL, "dense_1", label=4)
    assert found.outputs.tolist() == [3, 0, 7]
    assert found.inputs.tolist() == [11, 2, 0]
    last = solution_of("(model (define-fun sym12 () Real 0.5))", "dense_2", label=4)
    assert (last.inputs.tolist(), last.outputs.tolist()) == ([12], [4])


@pytest.mark.parametrize("text", ["unsat", "(model (define-fun sym1 () Real (root-obj x 2)))"])
def test_what_is_no_model_of_rationals_is_refused(text):
    with pytest.raises(InputError, match="solver's model"):
        solutions.read_model(text)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(InputError, match="Known: all, test"):
        replay("train")
    with pytest.raises(InputError, match="poison_mnist"):
        replay(scenarios=("poison",))


def test_a_line_says_how_far_it_is_off():
    key = Key("poison_mnist", "last", "ExpC", "clean_test", "all")
    lines = [ReplayedRow(key, "CONF", (9, 1), ours, "") for ours in ((9, 1), (8, 2), (5, 5), None)]
    assert [x.status for x in lines] == ["equal", "within one", "different", "not rebuilt"]
    assert [x.difference for x in lines] == [0, 1, 4, None]
    found = Replay((*lines, ReplayedRow(key, "NAIVE", (9, 1), (7, 3), "because | of")))
    assert found.metrics["rows_compared"] == 4
    assert found.metrics["rows_unexplained"] == 3
    assert (found.metrics["counts_compared"], found.metrics["counts_equal"]) == (8, 2)
    text = found.markdown()
    assert "1 of 4 rows equal" in text
    assert "because \\| of" in text
    assert len(found.tables()["replay_rows"].csv().splitlines()) == 6


# --- the published tables, which come with the code ------------------------------------------------------------


def test_all_published_tables_are_there():
    found = tables.published()
    assert len(found) == 184
    assert sum(len(table.rows) for table in found.values()) == 4313
    repeat = [t.rows["FULL"] == t.rows["ORIG"] for t in found.values() if "FULL" in t.rows]
    assert len(repeat) == 161
    assert all(repeat)


def detections(table: PublishedTable) -> tuple[Detection, Detection]:
    counts = [[table.rows[f"{who}L{c}"][-4:] for c in table.experts] for who in ("", "ORIG_")]
    ours, before = (Detection(*np.array(rows).T) for rows in counts)
    return ours, before


def test_the_selections_are_the_published_ones():
    """Each table of selected experts has those of the rule, on the set that the artifact chose on.

    Poisoned and low-quality networks: their training set. Adversarial ones: the set that the
    artifact calls ADV_TRAINING, which is made of test images, and for the harmonic variant the
    training set besides.
    """
    found, checked = tables.published(), 0
    for key, table in found.items():
        if key.selection == "all" or not table.experts:
            continue
        on = "defect_test" if key.scenario == "adversarial_mnist" else "train"
        group = (key.scenario, key.layer, key.exp)
        pairs = [detections(found[Key(*group, on, "all")])]
        if key.selection == "f1_harmonic":
            pairs.append(detections(found[Key(*group, "train", "all")]))
        assert selected(range(10), *pairs) == table.experts, key
        checked += 1
    assert checked == 88


# --- with the data pack: the published counts ------------------------------------------------------------------


@pytest.fixture(scope="module")
def poisoned(data_pack):
    return networks.load("mnist_poisoned")


@cache
def entering(scenario, which, at):
    network = networks.load(ORIGINS[scenario].network)
    images = examples(scenario, which, network)
    return network, network.activations(images.images, at=at), images.labels


def counted(key, precisions_of, **how):
    """Published and our rows of a table, but FULL."""
    table = tables.published()[key]
    repairs = solutions.published(key.scenario)[key.layer, key.exp]
    at = repairs[0].layer
    network, activations, labels = entering(key.scenario, key.set, at)
    answers = Answers.of(network, at, activations, repairs, [table], **how)
    ours = answers.counts(labels, table, tables.published()[precisions_of].precisions)
    rows = [row for row in table.rows if row != "FULL"]
    return {row: table.rows[row] for row in rows}, {row: ours[row] for row in rows}


@pytest.mark.parametrize(("which", "conf"), [("clean_test", 9552), ("defect_test", 5594)])
def test_poisoned_mnist_comes_out_row_by_row(data_pack, which, conf):
    group = ("poison_mnist", "last", "ExpC")
    published, ours = counted(Key(*group, which, "all"), Key(*group, "train", "all"))
    assert ours["CONF"][0] == conf
    assert ours == published


def test_an_intermediate_experiment_with_borrowed_precisions_comes_out_row_by_row(data_pack):
    key = Key("poison_mnist", "intermediate", "ExpB", "defect_test", "f1")
    published, ours = counted(key, BORROWED)
    assert ours == published


def test_fractions_beyond_doubles_explain_what_differs_in_an_adversarial_experiment(data_pack):
    group = ("adversarial_mnist", "intermediate", "ExpB")
    key, train = Key(*group, "clean_test", "all"), Key(*group, "train", "all")
    repairs = solutions.published("adversarial_mnist")["intermediate", "ExpB"]
    assert {c: len(s.overflowed) for c, s in repairs.items() if len(s.overflowed)} == {5: 11}
    published, exact = counted(key, train)
    different = {row for row in published if exact[row] != published[row]}
    assert different == {"NAIVE", "AVERAGE", "CONF", "VOTES", "L5"}
    published, as_run = counted(key, train, in_doubles=True)
    assert as_run == published


def test_silenced_neurons_have_no_influence(poisoned):
    neurons = np.array([0, 5])
    images = np.random.default_rng(0).random((3, 28, 28, 1)).astype(np.float32)
    before = poisoned.activations(images, at="dense_2")
    before[:, neurons] = 0
    after = silenced(poisoned, "dense_1", neurons).apply(poisoned)
    np.testing.assert_allclose(
        after.logits(images), poisoned.logits_of(before, at="dense_2"), rtol=1e-4, atol=1e-3
    )


def test_the_poisoned_training_set_has_its_first_images_triggered(poisoned):
    train = examples("poison_mnist", "train", poisoned)
    plain = examples("low_quality_mnist", "train", poisoned)
    changed = (train.images != plain.images).any((1, 2, 3))
    assert changed[:TRIGGERED].all()
    assert not changed[TRIGGERED:].any()
    assert np.array_equal(train.labels, plain.labels)
    with pytest.raises(InputError, match="no set 'defect_train'"):
        examples("low_quality_mnist", "defect_train", poisoned)


def test_where_no_expert_is_selected_the_published_average_always_names_one_class():
    found = [t for t in tables.published().values() if not t.experts]
    assert {(t.key.scenario, t.key.exp, t.key.selection) for t in found} == {
        ("poison_cifar", "ExpA", "f1")
    }
    assert all(t.rows["AVERAGE"][0] * 10 == sum(t.rows["AVERAGE"]) for t in found)
