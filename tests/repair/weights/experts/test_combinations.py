"""The combinations against a literal reading of their definitions, input by input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repair.errors import InputError
from repair.weights.experts.combinations import RULES, Detection, combine, selected

CLASSES = 4


def literal(original, experts, classes, precisions, kept):
    """The rules of NNrepair for one input, as its paper words them."""
    unrepaired = int(np.argmax(original))
    part = [x for x in zip(classes, experts, precisions, strict=True) if x[0] in kept]
    answers = [int(np.argmax(logits)) for _, logits, _ in part]
    claimants = [x for x, answer in zip(part, answers, strict=True) if answer == x[0]]
    result = dict.fromkeys(("ORIG", *RULES), unrepaired)
    if not claimants:
        return result

    def best(score):
        return max(claimants, key=lambda x: (score(x), -x[0]))[0]

    result["NAIVE"] = claimants[0][0] if len(claimants) == 1 else unrepaired
    result["PREC"] = best(lambda x: x[2])
    result["CONF"] = best(lambda x: x[1][x[0]])
    result["VOTES"] = best(lambda x: answers.count(x[0]))
    three = [result[name] for name in ("PREC", "CONF", "VOTES")]
    result["PVC"] = best(lambda x: three.count(x[0]))
    return result


@st.composite
def cases(draw):
    """Logits of few small values, so that claims and ties are common."""
    classes = sorted(draw(st.sets(st.integers(0, CLASSES - 1))))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    original = rng.integers(0, 3, (30, CLASSES)).astype(np.float32)
    experts = rng.integers(0, 3, (len(classes), 30, CLASSES)).astype(np.float32)
    own = np.arange(len(classes)), slice(None), classes
    experts[own] += rng.integers(0, 3, (len(classes), 30)).astype(np.float32)
    precisions = (rng.integers(0, 3, len(classes)) / 2).tolist()
    kept = sorted(draw(st.sets(st.sampled_from(classes)))) if classes else []
    return original, experts, classes, precisions, kept


@settings(max_examples=40, deadline=None)
@given(cases())
def test_every_rule_is_the_literal_one(case):
    original, experts, classes, precisions, kept = case
    for part in (None, kept):
        found = combine(original, experts, classes, precisions, part)
        for i in range(len(original)):
            expected = literal(
                original[i], experts[:, i], classes, precisions, classes if part is None else part
            )
            assert {name: int(answers[i]) for name, answers in found.items()} == expected


def test_outputs_are_compared_as_doubles_where_they_are_doubles():
    original = np.array([[1.0, 0.0, 0.0]])
    experts = np.zeros((2, 1, 3))
    experts[0, 0, 1], experts[1, 0, 2] = 1.0, 1.0 + 1e-12  # equal in float32
    assert combine(original, experts, (1, 2), (1.0, 1.0))["CONF"] == 2
    assert combine(original.astype("f4"), experts.astype("f4"), (1, 2), (1.0, 1.0))["CONF"] == 1


def test_precisions_that_float32_cannot_tell_apart_still_order_the_claimants():
    original, experts = np.zeros((1, 3), np.float32), np.zeros((2, 1, 3), np.float32)
    experts[0, 0, 1] = experts[1, 0, 2] = 1
    assert combine(original, experts, (1, 2), (0.9, 0.9 + 1e-12))["PREC"] == 2


def test_shapes_that_do_not_go_together_are_named():
    with pytest.raises(InputError, match=r"2 experts with 1 precisions"):
        combine(np.zeros((3, 4)), np.zeros((2, 3, 4)), (0, 1), (1.0,))
    with pytest.raises(InputError, match="ascending"):
        combine(np.zeros((3, 4)), np.zeros((2, 3, 4)), (1, 0), (1.0, 1.0))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_detection_counts_every_input_once_and_agrees_with_scikit_learn(seed):
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(seed)
    answers, labels = rng.integers(0, 3, (2, 12)), rng.integers(0, 3, 12)
    found = Detection.of(answers, labels, (0, 2))
    for place, label in enumerate((0, 2)):
        tp, tn, fp, fn = found.counts(place)
        assert tp + tn + fp + fn == 12
        there, said = labels == label, answers[place] == label
        expected = metrics.precision_recall_fscore_support(
            there, said, average="binary", zero_division=0
        )[:3]
        figures = (found.precision[place], found.recall[place], found.f1[place])
        np.testing.assert_allclose(figures, expected)
    both = Detection.of(np.concatenate([answers] * 2, 1), np.concatenate([labels] * 2), (0, 2))
    assert np.array_equal((found + found).tp, both.tp)


def detection(f1s):
    """Detections with these F1s in hundredths: precision 1, recall so that F1 comes out."""
    tp = np.array([round(100 * f / (2 - f)) for f in f1s])
    zero = np.zeros_like(tp)
    return Detection(tp, zero, zero, 100 - tp)


def test_selection_is_strict_and_the_harmonic_one_weighs_both_sets():
    same, better, worse = detection([0.5]), detection([0.8]), detection([0.1])
    assert selected((3,), (better, same)) == (3,)
    assert selected((3,), (same, same)) == ()
    assert selected((3,), (better, same), (same, same)) == (3,)
    assert selected((3,), (better, same), (worse, better)) == ()
    nothing = detection([0.0])
    assert selected((3,), (better, nothing), (nothing, better)) == ()
