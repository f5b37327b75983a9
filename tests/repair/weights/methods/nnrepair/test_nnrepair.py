import itertools

import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.localization.localization import ActivationDifference
from repair.weights.methods.nnrepair.intermediate_layer import IntermediateLayer
from repair.weights.methods.nnrepair.last_layer import LastLayer
from repair.weights.methods.nnrepair.layer_settings import LayerSettings
from repair.weights.methods.nnrepair.method import NNRepair
from repair.weights.methods.nnrepair.shuffled_tests import ShuffledTests
from repair.weights.network.layers import Activation, Conv, Dense, Flatten
from repair.weights.network.network import Network
from repair.weights.problem import Examples, Problem

CLASSES = 3


def problem(layers=("dense_2",), seed=0, width=8, count=120):
    """Three blobs, and a network that is right on most: its last layer is a noisy template match."""
    rng = np.random.default_rng(seed)
    centres = rng.random((CLASSES, width)) * 0.6 + 0.2
    labels = rng.integers(CLASSES, size=2 * count)
    images = np.clip(centres[labels] + rng.normal(scale=0.12, size=(2 * count, width)), 0, 1)
    hidden = np.concatenate([np.eye(width), -np.eye(width)], axis=1) + rng.normal(
        scale=0.1, size=(width, 2 * width)
    )
    shift = np.concatenate([-centres.mean(0), centres.mean(0)])
    second = np.concatenate([(centres - centres.mean(0)).T, -(centres - centres.mean(0)).T])
    network = Network(
        [
            Dense("dense_1", hidden, shift),
            Activation("relu"),
            Dense("dense_2", second + rng.normal(scale=0.05, size=second.shape)),
        ],
        input_shape=(width,),
        scale="0..1",
    )
    repair, validation = (
        Examples(images[part].astype(np.float32), labels[part])
        for part in (slice(0, count), slice(count, None))
    )
    return Problem(network, layers, repair, repair, validation, validation)


@pytest.mark.parametrize("layers", [("dense_1",), ("dense_2",)])
@pytest.mark.parametrize("passing", [0, 10])
def test_experts_keep_bounds_budget_and_passing_tests(layers, passing):
    given = problem(layers)
    settings = NNRepair(k=4, failing_tests=3, passing_tests=passing)
    found = settings(given, seed=0)
    assert found.status == "ok"
    assert found.experts.patches
    for label, patch in found.experts.patches.items():
        about = found.details["experts"][str(label)]
        assert patch.linf <= (0.5 if layers == ("dense_2",) else 1.0)
        assert patch.weights_changed <= about["free_weights"]
        assert patch.layers == layers
        assert about["certified_rows"] == about["claimed_rows"] > 0
        assert about["soft_rows_held"] <= about["soft_rows_bound"]
        if layers == ("dense_2",):
            (delta,) = patch.deltas.values()
            assert set((delta.indices % CLASSES).tolist()) == {label}, (
                "an expert changes its column"
            )
            assert about["free_weights"] == 4


def test_passing_tests_of_the_last_layer_stay_right():
    given = problem()
    method = NNRepair(k=4, passing_tests=30)
    found = method(given, seed=1)
    tests = ShuffledTests.of(given, "dense_2", 1)
    layer = LastLayer(
        given.network,
        "dense_2",
        tests,
        LayerSettings(
            localize=ActivationDifference(),
            k=4,
            bound=None,
            margin=method.margin,
            failing=10,
            passing=30,
            localize_tests=None,
        ),
    )
    kept = given.tests.take(layer.keeping.indices)
    assert len(kept) == 30
    assert np.bincount(kept.labels).tolist() == [10, 10, 10], "as many of each class"
    for patch in found.experts.patches.values():
        np.testing.assert_array_equal(patch.apply(given.network).predict(kept.images), kept.labels)


def test_an_expert_holds_as_many_margins_as_brute_force_on_a_grid():
    """No choice of deltas on a grid holds more soft rows than the proven optimum."""
    given = problem()
    method = NNRepair(k=2, failing_tests=4, passing_tests=0, full=False)
    found = method(given, seed=0)
    label, about = next(iter(found.details["experts"].items()))
    tests = ShuffledTests.of(given, "dense_2", 0)
    layer = LastLayer(
        given.network,
        "dense_2",
        tests,
        LayerSettings(
            localize=ActivationDifference(),
            k=2,
            bound=None,
            margin=method.margin,
            failing=4,
            passing=0,
            localize_tests=None,
        ),
    )
    expert = layer.expert_problem(int(label))
    _, soft = layer.rows(expert, expert.free)
    grid = np.linspace(-0.5, 0.5, 41)
    best = max(
        int((soft.matrix @ np.array(deltas) > soft.side + layer.margin).sum())
        for deltas in itertools.product(grid, repeat=2)
    )
    assert about["proven"]
    assert best <= about["soft_rows_held"]


def test_the_same_seed_gives_the_same_experts_and_another_seed_others():
    runs = [
        NNRepair(k=3, failing_tests=1, secondary="l1")(problem(), seed=seed) for seed in (0, 0, 5)
    ]
    values = [
        [
            delta.values.tolist()
            for patch in run.experts.patches.values()
            for delta in patch.deltas.values()
        ]
        for run in runs
    ]
    assert values[0] == values[1] != values[2]


def test_a_network_without_failing_tests_is_a_result_with_a_reason():
    given = problem()
    right = given.tests.take(given.predictions == given.tests.labels)
    found = NNRepair(k=3)(Problem(given.network, ("dense_2",), right, right, right, right), seed=0)
    assert (found.status, found.experts) == ("skipped", None)
    assert "no class has failing tests" in found.reason


def test_a_solver_that_its_licence_does_not_admit_is_a_status(monkeypatch):
    from repair.weights.programs.program import Solution, SolverStatus

    def refuses(program, options, start=None):
        rows, columns = program.rows.shape
        return Solution(
            SolverStatus.LICENCE, "gurobi", rows, columns, message="too large for the licence"
        )

    found = NNRepair(k=3, solver=refuses)(problem(), seed=0)
    assert found.status == "licence"
    assert "too large for the licence" in found.reason


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 0}, "k is 0"),
        ({"failing_tests": 0}, "failing_tests is 0"),
        ({"passing_tests": -1}, "passing_tests is -1"),
        ({"margin": float("nan")}, "margin is nan"),
    ],
)
def test_settings_outside_their_range(settings, message):
    with pytest.raises(InputError, match=message):
        NNRepair(**settings)


def test_k_larger_than_the_layer():
    with pytest.raises(InputError, match="choose k from 1 to 16"):
        NNRepair(k=17)(problem(), seed=0)


def test_an_intermediate_layer_needs_a_relu_behind_it():
    given = problem()
    network = Network(
        [
            Dense("dense_1", np.eye(8)),
            Activation("tanh", "tanh"),
            Dense("dense_2", np.ones((8, CLASSES))),
        ],
        input_shape=(8,),
        scale="0..1",
    )
    other = Problem(network, ("dense_1",), *[given.repair_clean] * 4)
    with pytest.raises(InputError, match="'tanh'"):
        IntermediateLayer(
            network,
            "dense_1",
            ShuffledTests.of(other, "dense_1", 0),
            LayerSettings(
                localize=ActivationDifference(),
                k=None,
                bound=None,
                margin=1e-5,
                failing=1,
                passing=1,
                localize_tests=None,
                depth=None,
                seed=0,
            ),
        )


def test_a_convolution_is_refused_by_name():
    layers = [Conv("conv", np.ones((1, 1, 1, 1))), Flatten("flat"), Dense("out", np.eye(4))]
    network = Network(layers, input_shape=(2, 2, 1), scale="0..1")
    some = Examples(np.zeros((2, 2, 2, 1), np.uint8), np.array([0, 1]))
    with pytest.raises(InputError, match="'conv' is conv"):
        NNRepair()(Problem(network, ("conv",), some, some, some, some), seed=0)
