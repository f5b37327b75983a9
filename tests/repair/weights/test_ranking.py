"""Localization of layers, on networks whose damage is known: it was done to one layer."""

from dataclasses import replace

import numpy as np
import pytest

from repair.errors import InputError
from repair.weights.methods import Repairable
from repair.weights.methods.exact.method import Exact
from repair.weights.methods.finetune import Finetune
from repair.weights.methods.minimal import Minimal
from repair.weights.methods.nnrepair.method import NNRepair
from repair.weights.methods.refit import Refit
from repair.weights.network.layers import Activation, Conv, Dense, GlobalAvgPool
from repair.weights.network.network import Network
from repair.weights.problem import Examples, Problem
from repair.weights.ranking import located, rank_layers

WEIGHTS = 8  # that are damaged


def sound() -> Network:
    rng = np.random.default_rng(0)
    return Network(
        [
            Dense("first", rng.standard_normal((36, 24)) / 2),
            Activation("on_1"),
            Dense("middle", rng.standard_normal((24, 16)) / 2),
            Activation("on_2"),
            Dense("last", rng.standard_normal((16, 4)) / 2),
        ],
        input_shape=(36,),
        scale="0..1",
    )


LAYERS = ("first", "middle", "last")
SETS = Repairable.any_of(LAYERS).sets


def damaged(layer: str, sizes: float = 4.0) -> Problem:
    """The sound network's answers are true; a few weights of one layer are off by some times their usual size."""
    network, rng = sound(), np.random.default_rng(1)
    images = rng.random((900, 36), dtype=np.float32)
    examples = Examples(images, network.predict(images))
    kernel = np.array(network.weights(layer)["kernel"], np.float64)
    hit = rng.choice(kernel.size, WEIGHTS, replace=False)
    kernel.ravel()[hit] += sizes * np.abs(kernel).mean() * rng.choice([-1.0, 1.0], WEIGHTS)
    repair, validation = examples.take(slice(600)), examples.take(slice(600, None))
    return Problem(
        network.replace(layer, kernel=kernel), LAYERS, repair, repair, validation, validation
    )


@pytest.fixture(scope="module", params=LAYERS)
def ranked(request):
    """A layer, the problem of its damage, and the ranking of all sets of layers."""
    problem = damaged(request.param)
    return request.param, problem, rank_layers(problem, SETS, WEIGHTS, seed=0)


def test_the_damaged_layer_comes_before_every_other(ranked):
    layer, problem, ranking = ranked
    alone = [blame for blame in ranking if len(blame.layers) == 1]
    assert max(alone, key=lambda blame: blame.removed).layers == (layer,)
    again = rank_layers(problem, [(name,) for name in LAYERS], WEIGHTS, seed=0)
    assert again[0].layers == (layer,)
    assert [blame.best for blame in again] == [True, False, False]


def test_every_set_is_ranked_within_the_weights_and_more_layers_remove_no_less(ranked):
    _, _, ranking = ranked
    assert {blame.layers for blame in ranking} == set(SETS)
    assert all(0 <= blame.removed <= 1 for blame in ranking)
    assert all(blame.weights_changed <= WEIGHTS for blame in ranking)
    removed = {blame.layers: blame.removed for blame in ranking}
    assert removed[LAYERS] >= max(removed.values()) - 1e-9


def test_validation_data_is_not_looked_at():
    problem = damaged("last")
    nothing = problem.validation_clean.take(slice(0))
    blind = replace(problem, validation_clean=nothing, validation_defect=nothing)
    first, again = (rank_layers(one, [("last",)], WEIGHTS, seed=0) for one in (problem, blind))
    assert first == again


def test_where_nothing_is_wrong_the_last_layer_is_as_good_as_any():
    ranking = rank_layers(damaged("middle", sizes=0.0), SETS, WEIGHTS, seed=0)
    assert ranking[0].layers == ("last",)
    assert [blame.removed for blame in ranking if blame.best] == [0.0] * len(SETS)


@pytest.mark.parametrize(
    ("method", "sets"),
    [
        (Minimal(), SETS),
        (Minimal(free=5), [("first",), ("middle",), ("last",)]),
        (Finetune(), SETS),
        (NNRepair(), [("first",), ("middle",), ("last",)]),
        (Exact(), [("middle",), ("last",)]),
        (Refit(), [("last",)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_method_is_given_layers_that_it_can_repair(method, sets):
    assert list(method.repairable(sound()).sets) == list(sets)


def test_the_problem_is_given_the_layer_and_a_method_that_tries_layers_two_of_them():
    problem = damaged("middle")
    alone, ranking = located(problem, Minimal(most_weights=WEIGHTS), seed=0)
    assert alone.layers == ranking[0].layers == ("middle",)
    tried, _ = located(problem, Minimal(most_weights=WEIGHTS, choose_layers=True), seed=0)
    assert len(tried.layers) == 2
    assert "middle" in tried.layers


def test_a_method_that_does_not_say_what_it_repairs_is_one_message():
    def mine(problem, *, seed): ...

    with pytest.raises(InputError, match="Name the layers: first, middle, last"):
        located(damaged("last"), mine, seed=0)


def test_a_method_that_can_repair_no_layer_is_one_message():
    pooled = Network(
        [Conv("only", np.ones((3, 3, 1, 4))), GlobalAvgPool("pool")],
        input_shape=(6, 6, 1),
        scale="0..1",
    )
    examples = Examples(np.zeros((1, 6, 6, 1), np.float32), np.zeros(1, np.int32))
    problem = Problem(pooled, ("only",), examples, examples, examples, examples)
    with pytest.raises(InputError, match="Refit can repair none of the layers only"):
        located(problem, Refit(), seed=0)
