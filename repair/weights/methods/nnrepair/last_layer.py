"""NNrepair at the last layer: weights of one class's column, margins between logits."""

import numpy as np

from repair.weights import certify
from repair.weights.localization.localization import Entering, Localization, highest
from repair.weights.methods.nnrepair.asked import TIGHTENED, Asked
from repair.weights.methods.nnrepair.margins import class_margins
from repair.weights.methods.nnrepair.pool import Pool
from repair.weights.network.network import Network
from repair.weights.problem import Examples
from repair.weights.programs.maxsat import Rows

WIDE = 128  # with more inputs than this (the CIFAR-10 networks) the paper frees 10 weights, else 5


class LastLayer:
    """Failing tests of class c want y_c > y_j for every other class j; passing tests keep their class.

    Args:
        network: under repair.
        layer: its last one, dense.
        tests: the repair set.
        localize: scores the weights.
        k: free weights of a class, in the column of its own logit; None takes the paper's number.
        bound: largest absolute delta; None takes the paper's 0.5.
        margin: slack of the rows, relative to the mean absolute logit.
        failing, passing: how many tests.
        localize_tests: how many failing and passing tests localization sees; None all.
    """

    def __init__(
        self,
        network: Network,
        layer: str,
        tests: Pool,
        *,
        localize: Localization,
        k: int | None,
        bound: float | None,
        margin: float,
        failing: int,
        passing: int,
        localize_tests: int | None,
    ):
        self.network, self.layer, self.tests, self.localize = network, layer, tests, localize
        self.kernel, self.bias = (
            np.asarray(network.weights(layer)[key], np.float64) for key in ("kernel", "bias")
        )
        self.k = k or (10 if self.kernel.shape[0] > WIDE else 5)
        self.bound = 0.5 if bound is None else bound
        self.failing, self.localize_tests = failing, localize_tests
        scale = float(np.abs(self._logits(tests.entering)).mean())
        self.margin = margin * (scale or 1.0)
        # With zero deltas a test that passes by less than the margin would break its hard row.
        kept = self._robust(tests.keeping(len(tests.entering), network.classes))
        self.keeping = kept.take(slice(passing))

    def ask(self, label: int) -> Asked | None:
        """The k weights of column `label` most to blame, for the first failing tests of the class."""
        failing, passing = self.tests.failing(label), self.tests.passing(label)
        if not len(failing) or not len(passing):
            return None
        seen = slice(self.localize_tests)
        scores = self.localize(self.network, self.layer, failing.take(seen), passing.take(seen))[
            :, label
        ]
        inputs = highest(scores, self.k, f"layer {self.layer!r}, class {label}")
        chosen = failing.take(slice(self.failing))
        return Asked(label, inputs * self.kernel.shape[1] + label, chosen, self.keeping)

    def rows(self, asked: Asked, free: np.ndarray) -> tuple[Rows, Rows]:
        """Hard rows of the passing and soft rows of the failing tests."""
        inputs, outputs = np.divmod(free, self.kernel.shape[1])
        hard, soft = (
            class_margins(t.values, t.labels, self._logits(t), inputs, outputs)
            for t in (asked.passing, asked.failing)
        )
        return hard, soft

    def claims(self, images: np.ndarray, tests: Entering, label: int) -> certify.Rows:
        """The rows of tests, in the order of `rows`, for the certificate."""
        return certify.Rows.margins(Examples(images, tests.labels), self.network.classes)

    def _logits(self, tests: Entering) -> np.ndarray:
        return tests.values.astype(np.float64) @ self.kernel + self.bias

    def _robust(self, tests: Entering) -> Entering:
        logits = self._logits(tests)
        own = np.take_along_axis(logits, tests.labels[:, None], axis=1)
        np.put_along_axis(logits, tests.labels[:, None], -np.inf, axis=1)
        return tests.take(own[:, 0] - logits.max(axis=1) > TIGHTENED[-1] * self.margin)
