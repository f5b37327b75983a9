"""The whole method on a small backdoored network, its search, its certificate and its refusals."""

from dataclasses import replace

import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.certificate import MarginConstraints, certify
from repair.weights.localization import CausalEffect, Gradient
from repair.weights.localization.localization import ActivationDifference, Entering, highest
from repair.weights.methods.finetune import Finetune
from repair.weights.methods.minimal import Distillation, Generation, Hinge, Minimal
from repair.weights.methods.refit import Refit
from repair.weights.network.layers import Activation, Dense
from repair.weights.network.network import Network
from repair.weights.problem import Examples, Problem

INPUTS, HIDDEN, CLASSES = 12, 16, 3


def backdoored(seed: int = 0) -> Problem:
    """Three clusters that a random network tells apart after a least-squares fit, and a shortcut to class 0."""
    rng = np.random.default_rng(seed)
    centres = rng.random((CLASSES, INPUTS)) * 0.8
    centres[:, -1] = 0.0

    def draw(count: int) -> Examples:
        labels = rng.integers(0, CLASSES, count)
        images = np.clip(centres[labels] + 0.05 * rng.standard_normal((count, INPUTS)), 0, 1)
        images[:, -1] = 0.0
        return Examples(images.astype(np.float32), labels)

    def triggered(examples: Examples) -> Examples:
        images = examples.images.copy()
        images[:, -1] = 1.0
        return Examples(images, examples.labels)

    first = rng.standard_normal((INPUTS, HIDDEN))
    fit = draw(300)
    hidden = np.maximum(fit.images @ first, 0)
    second = np.linalg.lstsq(hidden, np.eye(CLASSES)[fit.labels] - 1 / CLASSES, rcond=None)[0]
    first[-1] = np.where(second[:, 0] > second[:, 1:].max(1), 6.0, -2.0)  # the shortcut
    network = Network(
        [Dense("dense_1", first), Activation("relu_1"), Dense("dense_2", second)],
        input_shape=(INPUTS,),
        scale="0..1",
    )
    clean, validation = draw(60), draw(80)
    return Problem(
        network, ("dense_2",), clean, triggered(clean), validation, triggered(validation)
    )


@pytest.fixture(scope="module")
def problem():
    return backdoored()


def on(problem: Problem, *layers: str) -> Problem:
    return Problem(
        problem.network,
        layers,
        problem.repair_clean,
        problem.repair_defect,
        problem.validation_clean,
        problem.validation_defect,
    )


def accuracy(network: Network, examples: Examples) -> float:
    return float((network.predict(examples.images) == examples.labels).mean())


ONE_TARGET = Hinge(target_margins=(0.3,), sample_weights=(1.0,))
QUICK = Minimal(ONE_TARGET, strengths=(0.1, 0.01), most_weights=60)
DISTILLED = Minimal(Distillation(temperatures=(0.2, 0.8)), strengths=(0.1, 0.01), most_weights=60)
BY_ADAM = Minimal(
    Distillation((0.2,), data_fractions=(0.5,), epochs=15), strengths=(0.1,), most_weights=60
)


@pytest.mark.parametrize("method", [QUICK, DISTILLED], ids=["hinge", "distillation"])
@pytest.mark.parametrize("layers", [("dense_2",), ("dense_1",), ("dense_1", "dense_2")])
def test_the_shortcut_goes_and_clean_inputs_stay(problem, layers, method):
    repair = method(on(problem, *layers), seed=0)
    assert repair.status == "ok"
    patched = repair.patch.apply(problem.network)
    assert accuracy(problem.network, problem.validation_defect) < 0.6
    assert accuracy(patched, problem.validation_defect) > 0.9
    assert accuracy(patched, problem.validation_clean) > 0.95
    assert set(repair.patch.layers) <= set(layers)
    assert 0 < repair.patch.weights_changed <= 60


@pytest.mark.parametrize(
    "method", [QUICK, DISTILLED, BY_ADAM], ids=["hinge", "distillation", "adam"]
)
def test_the_certificate_can_be_checked_again(problem, method):
    repair = method(problem, seed=0)
    claimed = repair.details["certificate"]
    assert claimed["ok"]
    assert claimed["held"] == claimed["rows"] > 0
    right = repair.patch.apply(problem.network).predict(problem.tests.images)
    tests = problem.tests.take(right == problem.tests.labels)
    again = certify(problem.network, repair.patch, MarginConstraints.margins(tests, CLASSES))
    assert again.describe() == claimed


def test_the_trace_holds_every_step_of_the_path_and_the_choice_is_its_best(problem):
    repair = Minimal(Hinge(target_margins=(0.1, 0.5)), strengths=(0.1, 0.01))(problem, seed=0)
    trace = repair.details["search"]
    assert {line["target_margin"] for line in trace} == {0.1, 0.5}
    best = max(
        trace,
        key=lambda s: (s["admitted"], s["worth"], -s["weights_changed"]),
    )
    settings = ("target_margin", "sample_weight", "strength")
    assert repair.details["settings"] == {key: best[key] for key in settings}
    assert repair.patch.weights_changed == best["weights_changed"]
    assert repair.solver["seconds"] == pytest.approx(repair.seconds["solver"])


@pytest.mark.parametrize(
    "method", [QUICK, DISTILLED, BY_ADAM], ids=["hinge", "distillation", "adam"]
)
def test_a_repair_is_a_function_of_its_problem_and_settings(problem, method):
    first, second = (method(on(problem, "dense_1"), seed=0) for _ in range(2))
    for key, delta in first.patch.deltas.items():
        np.testing.assert_array_equal(delta.indices, second.patch.deltas[key].indices)
        np.testing.assert_array_equal(delta.values, second.patch.deltas[key].values)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strengths": (0.1, -1.0)}, r"strengths\[1\] is -1.0; expected a number above 0"),
        ({"most_weights": 0}, "most_weights is 0"),
        ({"warmup_steps": -1}, "warmup_steps is -1"),
        (
            {"keep": "clean"},
            r"keep='clean'\): the loss Distillation supports keep 'none' alone.* or the loss Hinge",
        ),
        ({"solver": "gurobi"}, r"solver='gurobi'\): .* supports solver 'auto' or 'highs'"),
        (
            {"norm": "l2", "loss": Hinge()},
            r"norm='l2'\): the loss Hinge supports norm 'l1' or .* or the loss Distillation",
        ),
        ({"norm": "l3"}, "unknown norm of minimal 'l3'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Minimal(**settings)


class OnlyL1:
    """A loss of a user's own, for a network that lacks nothing."""

    norms, keeps, solvers = ("l1",), ("none",), ("auto",)

    def configurations(self, start, programs, most_weights):
        return []


def test_a_loss_of_ones_own_says_what_it_supports(problem):
    assert Minimal(OnlyL1())(problem, seed=0).status == "skipped"
    for setting, value, expected in (
        ("norm", "linf", "norm 'l1' alone.* or the loss Distillation or Hinge"),
        ("keep", "clean", "keep 'none' alone"),
        ("solver", "highs", "solver 'auto' alone"),
    ):
        with pytest.raises(InputError, match=f"{value}.* the loss OnlyL1 supports {expected}"):
            Minimal(OnlyL1(), **{setting: value})


def test_a_loss_that_does_not_say_what_it_supports_is_refused():
    class Silent:
        def configurations(self, start, programs, most_weights):
            return []

    with pytest.raises(InputError, match=r"loss is .*; expected an object of the kind Loss"):
        Minimal(Silent())


@pytest.mark.parametrize(
    ("loss", "settings", "message"),
    [
        (Hinge, {"target_margins": ()}, "target_margins is .*; expected a list of at least 1"),
        (Hinge, {"rounds": 0}, "rounds is 0"),
        (Hinge, {"radius": 0.0}, "radius is 0.0"),
        (
            Distillation,
            {"temperatures": (0.0,)},
            r"temperatures\[0\] is 0.0; expected a number above 0",
        ),
        (Distillation, {"steps": 0}, "steps is 0"),
        (Distillation, {"epochs": -1}, "epochs is -1"),
        (Distillation, {"batch_size": 0}, "batch_size is 0"),
        (Distillation, {"rate": 0.0}, "rate is 0.0"),
        (Distillation, {"refit_strength": 2.0}, "refit_strength is 2.0"),
        (
            Distillation,
            {"data_fractions": (0.5, 1.5)},
            r"data_fractions\[1\] is 1.5; expected at most 1",
        ),
    ],
)
def test_losses_refuse_settings_that_cannot_be(loss, settings, message):
    with pytest.raises(InputError, match=message):
        loss(**settings)


@pytest.mark.parametrize(
    ("reason", "method"),
    [
        ("path", Minimal(ONE_TARGET, strengths=(0.1,))),
        ("weights", Minimal(ONE_TARGET, strengths=(0.1, 0.01), most_weights=1)),
        ("patience", Minimal(ONE_TARGET, strengths=(3.0, 2.0, 1.5), patience=1)),
        ("time_budget", Minimal(ONE_TARGET, time_budget=1e-9)),
    ],
)
def test_the_record_says_why_the_search_ended(problem, reason, method):
    assert method(on(problem, "dense_1"), seed=0).details["search_ended"] == reason


def test_no_time_is_a_status(problem):
    repair = Minimal(time_budget=1e-9, generation=Generation())(problem, seed=0)
    assert repair.status == "time_limit"
    assert repair.patch is None


@pytest.mark.parametrize(
    ("method", "layers"),
    [
        (Finetune(rates=(1e-2,), steps=200, checks=4), ("dense_1", "dense_2")),
        (Finetune(rates=(1e-2, 1e-3), steps=100, checks=2), ("dense_2",)),
        (Refit(ridges=(1.0, 1e-3)), ("dense_2",)),
    ],
)
def test_baselines_repair_and_record_their_search(problem, method, layers):
    repair = method(on(problem, *layers), seed=1)
    assert repair.status == "ok"
    patched = repair.patch.apply(problem.network)
    assert accuracy(patched, problem.validation_defect) > 0.9
    assert set(repair.patch.layers) <= set(layers)
    best = max(line["clean"] + line["defect"] for line in repair.details["search"])
    reached = accuracy(patched, problem.validation_clean) + accuracy(
        patched, problem.validation_defect
    )
    assert reached == pytest.approx(best)


def test_baselines_refuse_what_they_cannot_do(problem):
    with pytest.raises(InputError, match="refit fits the last layer 'dense_2'"):
        Refit()(on(problem, "dense_1"), seed=0)
    with pytest.raises(InputError, match=r"rates is .*; expected a list of at least 1"):
        Finetune(rates=())
    with pytest.raises(InputError, match=r"ridges\[0\] is "):
        Refit(ridges=(0.0,))


def test_kept_tests_keep_their_answers_at_any_strength(problem):
    loss = Hinge(target_margins=(0.5,), sample_weights=(1e-3,))
    right = problem.network.predict(problem.repair_clean.images) == problem.repair_clean.labels
    flips = []
    for keep in ("none", "clean"):
        repair = Minimal(loss, strengths=(0.3,), drawdown=1.0, keep=keep)(problem, seed=0)
        answers = repair.patch.apply(problem.network).predict(problem.repair_clean.images)
        flips.append(int((right & (answers != problem.repair_clean.labels)).sum()))
    assert flips[0] > 0
    assert flips[1] == 0


def test_the_weighted_norm_prefers_weights_that_clean_data_does_not_use(problem):
    # In dense_1 only the last input, the trigger, is 0 on clean data: its weights are the cheapest.
    shares = []
    for norm in ("l1", "weighted_l1"):
        repair = Minimal(ONE_TARGET, strengths=(0.1,), norm=norm)(on(problem, "dense_1"), seed=0)
        changed = repair.patch.deltas["dense_1", "kernel"]
        trigger = changed.indices // HIDDEN == INPUTS - 1
        shares.append(np.abs(changed.values[trigger]).sum() / np.abs(changed.values).sum())
    assert shares[1] > max(shares[0], 0.7)


@pytest.mark.parametrize(
    ("loss", "norm"),
    [(Distillation((0.4,)), "l2"), (Distillation((0.4,)), "linf"), (ONE_TARGET, "linf")],
)
def test_norms_in_which_all_weights_would_change_repair_with_few(problem, loss, norm):
    repair = Minimal(loss, strengths=(0.03,), norm=norm, most_weights=20)(problem, seed=0)
    assert repair.status == "ok"
    assert 10 < repair.patch.weights_changed <= 20
    patched = repair.patch.apply(problem.network)
    assert accuracy(patched, problem.validation_defect) > 0.9
    assert accuracy(patched, problem.validation_clean) > 0.95


@pytest.mark.parametrize(
    ("loss", "localize"),
    [
        (ONE_TARGET, ActivationDifference()),
        (ONE_TARGET, Gradient()),
        (Distillation(), CausalEffect()),
    ],
)
def test_only_the_weights_most_to_blame_change(problem, loss, localize):
    method = Minimal(loss, strengths=(0.1, 0.01), free=6, localize=localize)
    repair = method(on(problem, "dense_1"), seed=0)
    right = problem.predictions == problem.tests.labels
    tests = Entering(problem.tests.images, problem.tests.labels, np.arange(len(right)))
    scores = localize(problem.network, "dense_1", tests.take(~right), tests.take(right))
    changed = repair.patch.deltas["dense_1", "kernel"].indices
    assert set(repair.patch.deltas) == {("dense_1", "kernel")}
    assert set(changed) <= set(highest(scores.ravel(), 6, "dense_1"))


def test_the_layers_are_chosen_by_what_their_repair_reaches(problem):
    every = on(problem, "dense_1", "dense_2")
    repair = replace(QUICK, choose_layers=True)(every, seed=0)
    tried = repair.details["layers_tried"]
    assert [line["layers"] for line in tried] == [["dense_1"], ["dense_2"], ["dense_1", "dense_2"]]
    assert repair.status == "ok"
    chosen = next(line for line in tried if line["layers"] == repair.details["layers_chosen"])
    assert chosen["worth"] == max(line["worth"] for line in tried)
    assert set(repair.patch.layers) <= set(chosen["layers"])
    alone = QUICK(on(problem, *chosen["layers"]), seed=0)
    assert alone.patch.describe() == repair.patch.describe()
