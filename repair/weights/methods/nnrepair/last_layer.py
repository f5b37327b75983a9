"""NNrepair at the last layer: weights of one class's column, margins between logits."""

import numpy as np
from jaxtyping import Float, Int

from repair.weights.certificate import MarginConstraints
from repair.weights.localization.localization import Entering, highest
from repair.weights.methods.nnrepair.constraints import class_margins
from repair.weights.methods.nnrepair.expert_problem import TIGHTENED, ExpertProblem
from repair.weights.methods.nnrepair.layer_settings import LayerSettings
from repair.weights.methods.nnrepair.shuffled_tests import ShuffledTests
from repair.weights.network.network import Network
from repair.weights.problem import Examples
from repair.weights.programs.maxsat import LinearConstraints

WIDE = 128  # with more inputs than this (the CIFAR-10 networks) the paper frees 10 weights, else 5


class LastLayer:
    """Failing tests of class c are to have y_c > y_j for every other class j; passing tests keep their class.

    Last-layer repair of Usman et al., "NNrepair" (CAV 2021, arXiv 2103.12535), section 3.

    Args:
        network: the network under repair.
        layer: its last layer, a dense one.
        tests: the repair set.
        settings: what it is told; `depth` and `seed` are not used.
    """

    def __init__(self, network: Network, layer: str, tests: ShuffledTests, settings: LayerSettings):
        self.network, self.layer, self.tests = network, layer, tests
        self.localize, self.localize_tests = settings.localize, settings.localize_tests
        self.kernel, self.bias = (
            np.asarray(network.weights(layer)[key], np.float64) for key in ("kernel", "bias")
        )
        self.k = settings.k or (10 if self.kernel.shape[0] > WIDE else 5)
        self.bound = 0.5 if settings.bound is None else settings.bound
        self.failing = settings.failing
        scale = float(np.abs(self._logits(tests.entering)).mean())
        self.margin = settings.margin * (scale or 1.0)
        # With zero deltas a test that passes by less than the margin would break its hard row.
        robust = self._robust(tests.keeping(len(tests.entering), network.classes))
        self.keeping = robust.take(slice(settings.passing))

    def expert_problem(self, label: int) -> ExpertProblem | None:
        """The k weights of column `label` most to blame, and the first failing tests of the class.

        Returns:
            None for a class without failing or without passing tests.
        """
        failing, passing = self.tests.failing(label), self.tests.passing(label)
        if not len(failing) or not len(passing):
            return None
        seen = slice(self.localize_tests)
        scores = self.localize(self.network, self.layer, failing.take(seen), passing.take(seen))[
            :, label
        ]
        inputs = highest(scores, self.k, f"layer {self.layer!r}, class {label}")
        chosen = failing.take(slice(self.failing))
        return ExpertProblem(label, inputs * self.kernel.shape[1] + label, chosen, self.keeping)

    def rows(
        self, expert: ExpertProblem, free: Int[np.ndarray, " v"]
    ) -> tuple[LinearConstraints, LinearConstraints]:
        """Hard rows of the passing and soft rows of the failing tests, over the deltas of `free`."""
        inputs, outputs = np.divmod(free, self.kernel.shape[1])
        hard, soft = (
            class_margins(t.values, t.labels, self._logits(t), inputs, outputs)
            for t in (expert.passing, expert.failing)
        )
        return hard, soft

    def claims(self, images: np.ndarray, tests: Entering, label: int) -> MarginConstraints:
        """The rows of tests, in the order of `rows`, for the certificate."""
        return MarginConstraints.margins(Examples(images, tests.labels), self.network.classes)

    def _logits(self, tests: Entering) -> Float[np.ndarray, "N classes"]:
        return tests.values.astype(np.float64) @ self.kernel + self.bias

    def _robust(self, tests: Entering) -> Entering:
        """The tests that pass by more than the tightest margin."""
        logits = self._logits(tests)
        true = np.take_along_axis(logits, tests.labels[:, None], axis=1)
        np.put_along_axis(logits, tests.labels[:, None], -np.inf, axis=1)
        return tests.take(true[:, 0] - logits.max(axis=1) > TIGHTENED[-1] * self.margin)
