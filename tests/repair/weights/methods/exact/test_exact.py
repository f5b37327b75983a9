"""Exact repair against an oracle that tries every state of every ReLU and every set of tests."""

from dataclasses import replace
from itertools import chain, combinations, product

import numpy as np
import pytest
from scipy.optimize import linprog

from repair.errors import InputError
from repair.weights.certificate import MarginConstraints, certify
from repair.weights.localization.localization import highest
from repair.weights.methods.exact.method import Exact
from repair.weights.network.layers import Activation, Dense
from repair.weights.network.network import Network
from repair.weights.problem import Examples, Problem

INPUTS, HIDDEN, CLASSES = 3, 3, 2


def made(seed: int, layer: str = "dense_1", tests: int = 5) -> Problem:
    """A random network whose labels are its own answers, two of them turned round."""
    rng = np.random.default_rng(seed)
    network = Network(
        [
            Dense("dense_1", rng.standard_normal((INPUTS, HIDDEN)), rng.standard_normal(HIDDEN)),
            Activation("relu_1"),
            Dense("dense_2", rng.standard_normal((HIDDEN, CLASSES))),
        ],
        input_shape=(INPUTS,),
        scale="0..1",
    )
    images = rng.random((tests, INPUTS)).astype(np.float32)
    labels = network.predict(images)
    defect = Examples(images[:2], 1 - labels[:2])
    clean = Examples(images[2:], labels[2:])
    return Problem(network, (layer,), clean, defect, clean, defect)


METHOD = Exact(free=3, failing_tests=2, passing_tests=5, bound=6.0, margin=0.1)


class Oracle:
    """Margins of a problem's tests in chosen weights, written out neuron by neuron."""

    def __init__(self, problem: Problem, method: Exact, places: list[tuple[int, int]]):
        self.method, self.places = method, places
        network = problem.network
        self.w1, self.b1, self.w2 = (
            np.asarray(network.weights(layer)[key], np.float64)
            for layer, key in (("dense_1", "kernel"), ("dense_1", "bias"), ("dense_2", "kernel"))
        )
        self.unit = np.abs(self.w1).mean()
        self.x = problem.tests.images.astype(np.float64)
        self.sign = np.where(problem.tests.labels == 0, 1.0, -1.0)
        hidden = np.maximum(self.x @ self.w1 + self.b1, 0)
        margins = self.sign * (hidden @ self.w2 @ [1, -1])
        self.bar = method.margin * np.median(margins[2:])

    def best(self) -> float:
        """The least objective over all states of the neurons and all sets of failing tests."""
        changed = sorted({o for _, o in self.places})
        states = list(product((False, True), repeat=len(changed)))
        cases = product(states, repeat=len(self.x))
        return min(
            value
            for case in cases
            for kept in chain.from_iterable(combinations((0, 1), n) for n in range(3))
            for value in self.within(changed, case, kept)
        )

    def within(self, changed, states, kept):
        """The optimum where the neurons have these states and these failing tests are right."""
        k, rows, side = len(self.places), [], []
        for t, x in enumerate(self.x):
            margin, slope = 0.0, np.zeros(k)
            for h in range(HIDDEN):
                at = x @ self.w1[:, h] + self.b1[h]
                gain = self.sign[t] * (self.w2[h, 0] - self.w2[h, 1])
                if h not in changed:
                    margin += gain * max(at, 0)
                    continue
                entry = np.array([x[i] * self.unit if o == h else 0.0 for i, o in self.places])
                on = states[t][changed.index(h)]
                rows.append(-entry if on else entry)
                side.append(at if on else -at)
                if on:
                    margin, slope = margin + gain * at, slope + gain * entry
            if t >= 2 or t in kept:
                rows.append(-slope)
                side.append(margin - self.bar)
        matrix, bound = np.array(rows), self.method.bound
        missing = 2 - len(kept)
        if self.method.norm == "l0":
            supports = chain.from_iterable(combinations(range(k), n) for n in range(k + 1))
            for support in supports:  # from the smallest
                limits = [(-bound, bound) if j in support else (0, 0) for j in range(k)]
                if linprog(np.zeros(k), matrix, side, bounds=limits).status == 0:
                    yield missing + self.method.strength * len(support) / k
                    break
            return
        largest = bound * (k if self.method.norm == "l1" else 1)
        norms = k if self.method.norm == "l1" else 1
        absolute = np.eye(k) if norms == k else np.ones((k, 1))
        full = np.block(
            [
                [matrix, np.zeros((len(matrix), norms))],
                [np.eye(k), -absolute],
                [-np.eye(k), -absolute],
            ]
        )
        found = linprog(
            np.r_[np.zeros(k), np.ones(norms)],
            full,
            np.r_[side, np.zeros(2 * k)],
            bounds=[(-bound, bound)] * k + [(0, None)] * norms,
        )
        if found.status == 0:
            yield missing + self.method.strength * found.fun / largest


@pytest.mark.parametrize("norm", ["l0", "l1", "linf"])
@pytest.mark.parametrize("seed", [0, 3])
def test_the_optimum_is_that_of_trying_every_state_of_every_neuron(norm, seed):
    problem, method = made(seed, tests=3), replace(METHOD, norm=norm, free=2)
    repair = method(problem, seed=0)
    assert repair.status == "ok"
    assert repair.solver["gap"] == pytest.approx(0, abs=1e-9)
    places = chosen(problem, method)
    expected = Oracle(problem, method, places).best()
    assert repair.solver["objective"] == pytest.approx(expected, abs=1e-5)


def chosen(problem: Problem, method: Exact) -> list[tuple[int, int]]:
    right = problem.predictions == problem.tests.labels
    values, kernel = problem.tests.images, np.asarray(problem.network.weights("dense_1")["kernel"])
    difference = np.abs(values[~right].mean(0) - values[right].mean(0))
    scores = difference[:, None] * np.abs(kernel)
    best = highest(scores.ravel(), method.free, "dense_1")
    return [divmod(int(place), HIDDEN) for place in best]


@pytest.mark.parametrize("layer", ["dense_1", "dense_2"])
@pytest.mark.parametrize("soft", ["binaries", "slacks"])
def test_what_the_program_promises_the_network_keeps(layer, soft):
    problem = made(3, layer)
    repair = replace(METHOD, soft=soft, free=6)(problem, seed=0)
    assert repair.status == "ok"
    answers = repair.patch.apply(problem.network).predict(problem.tests.images)
    right = answers == problem.tests.labels
    assert right[2:].all()  # clean ones stay right
    assert right[:2].sum() >= repair.details["failing_tests_right"] >= (layer == "dense_1")
    rows = MarginConstraints.margins(problem.tests.take(right), CLASSES)
    assert certify(problem.network, repair.patch, rows).ok
    assert repair.patch.weights_changed <= 6


def test_fewer_weights_change_where_their_number_counts():
    problem = made(3, "dense_1")
    counts = {
        norm: replace(METHOD, norm=norm, free=6)(problem, seed=0).patch.weights_changed
        for norm in ("l0", "l1", "linf")
    }
    assert counts["l0"] <= counts["l1"] <= counts["linf"]
    assert counts["l0"] < counts["linf"]


def test_what_it_cannot_do_is_said():
    with pytest.raises(InputError, match="free is 0"):
        Exact(free=0)
    with pytest.raises(InputError, match="norm of exact"):
        Exact(norm="l3")
    problem = made(0)
    deeper = Network(
        [
            *problem.network.layers[:2],
            Dense("dense_2", np.eye(3)),
            Dense("dense_3", np.ones((3, 2))),
        ],
        input_shape=(INPUTS,),
        scale="0..1",
    )
    with pytest.raises(InputError, match=r"'dense_2' is dense and has dense behind it"):
        METHOD(replace(problem, network=deeper, layers=("dense_2",)), seed=0)


def test_no_failing_test_is_a_status():
    problem = made(0)
    answers = problem.network.predict(problem.repair_defect.images)
    right = Examples(problem.repair_defect.images, answers)
    assert METHOD(replace(problem, repair_defect=right), seed=0).status == "skipped"
