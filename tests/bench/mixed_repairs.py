"""A method whose repairs are good, bad, or absent, alone or as experts: for the tests of what a run hands over."""

from dataclasses import dataclass

import numpy as np

from repair.weights.experts.experts import Experts
from repair.weights.methods import Repair
from repair.weights.methods.refit import Refit
from repair.weights.patch import Patch


@dataclass(frozen=True)
class Mixed:
    """What `gives` says; a good patch is that of `Refit`, a bad one makes nearly every answer one class."""

    gives: str

    def __call__(self, problem, *, seed):
        good = Refit()(problem, seed=seed).patch
        bad = [self._biased(problem, {label: 100.0}) for label in range(3)]
        match self.gives:
            case "good":
                return Repair(patch=good)
            case "bad":
                return Repair(patch=bad[0])
            case "empty":
                return Repair(patch=Patch(problem.network.fingerprint()))
            case "nothing":
                return Repair("infeasible", "there is no such network.")
            case "uncertified":
                return Repair("uncertified", "1 of 9 rows breaks in float32.", patch=good)
            case "uncertified and bad":
                return Repair("uncertified", "1 of 9 rows breaks in float32.", patch=bad[0])
            case "bad experts":
                return self._experts(problem, dict(enumerate(bad)))
            case "full":
                return self._experts(problem, dict(enumerate(bad)), full=good)
            case "average":
                halves = {0: bad[0] + good, 1: good + bad[0].scaled(-1)}
                return self._experts(problem, halves)
            case "side by side":
                return self._experts(problem, dict.fromkeys(range(10), good))
            case "selected":
                # One expert claims every image; the others know only their own class and 0 to 4, so that their mean
                # knows these alone. What is best is the combination of those without that one.
                kept = range(5, 10)
                blind = {
                    c: self._biased(problem, {d: -100.0 for d in kept if d != c}) for c in kept
                }
                experts = {0: bad[0], **{c: good + blind[c] for c in kept}}
                return self._experts(problem, experts, {"f1": tuple(kept)})
        raise AssertionError(self.gives)

    def _biased(self, problem, changes):
        bias = np.zeros(problem.network.classes)
        bias[list(changes)] = list(changes.values())
        return Patch.dense(problem.network, {(problem.layer, "bias"): bias})

    def _experts(self, problem, patches, selections=None, full=None):
        precisions = dict.fromkeys(patches, 0.5)
        experts = Experts(
            problem.network, problem.layer, patches, precisions, selections or {}, full
        )
        return Repair(experts=experts)
